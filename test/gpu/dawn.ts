// Gives Node the browser's navigator.gpu, so that the same test files run in both. Node 20 has no navigator.
import { INSTALL_HINT, findGpu } from '../../src/cli/adapter.js';

const global = globalThis as { navigator?: { gpu?: GPU } };

if (!global.navigator?.gpu) {
  const { gpu, engine, why } = await findGpu();
  if (!gpu) throw new Error(`The GPU tests need an adapter and ${engine} has none. ${why.includes(INSTALL_HINT) ? why : `${why} ${INSTALL_HINT}`}`);
  global.navigator ??= {};
  Object.defineProperty(global.navigator, 'gpu', { value: gpu, configurable: true });
}
