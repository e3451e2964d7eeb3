// Gives Firefox the gc() that the memory tests ask for: its own for web-platform tests, behind a preference.
const global = globalThis as { TestUtils?: { gc(): Promise<void> }; gc?: () => void };

if (!global.TestUtils) throw new Error('Firefox has no TestUtils, needs dom.testing.testutils.enabled. Run the tests through npm run test:firefox.');
global.gc = () => void global.TestUtils!.gc();

export {};
