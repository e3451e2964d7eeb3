import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { firefox } from './provider.js';

/** The self-test, and the host layer's own tests: its events, its errors, what it creates and what it keeps. */
const GPU_TESTS = ['verify', 'layer', 'steady', 'badInput', 'memory'].map((name) => `test/gpu/${name}.test.ts`);

/** Ends what hangs; a software adapter takes minutes for the self-test on a busy machine. */
const MINUTE = 60_000;
const LIMITS = { testTimeout: 15 * MINUTE, hookTimeout: 5 * MINUTE, expect: { poll: { timeout: 2 * MINUTE, interval: 200 } } };

/** `npm run test:firefox` */
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    globalSetup: 'test/firefox/firefox.ts',
    browser: { connectTimeout: 5 * MINUTE }, // read here alone
    projects: [
      {
        test: {
          name: 'firefox',
          include: GPU_TESTS,
          setupFiles: ['test/firefox/setup.ts'],
          ...LIMITS,
          fileParallelism: false,
          sequence: { groupOrder: 0 },
          browser: {
            enabled: true, headless: true, screenshotFailures: false,
            provider: firefox(), instances: [{ browser: 'firefox' as const }],
          },
        },
      },
      {
        test: {
          name: 'firefox pages', include: ['test/firefox/pages.firefox.ts'],
          ...LIMITS, sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
