// Gives Node the browser's navigator.gpu, and the gc() that the tests' Chromium has, so that the same test files run
// in both. Node 20 has no navigator.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { INSTALL_HINT, findGpu } from '../../src/cli/adapter.js';

const global = globalThis as { navigator?: { gpu?: GPU }; gc?: () => void };

if (!global.gc) {
  setFlagsFromString('--expose-gc');
  global.gc = runInNewContext('gc') as () => void;
}

if (!global.navigator?.gpu) {
  const { gpu, engine, why } = await findGpu();
  if (!gpu) throw new Error(`The GPU tests need an adapter and ${engine} has none. ${why.includes(INSTALL_HINT) ? why : `${why} ${INSTALL_HINT}`}`);
  global.navigator ??= {};
  Object.defineProperty(global.navigator, 'gpu', { value: gpu, configurable: true });
}
