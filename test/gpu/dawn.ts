// Gives Node the browser's navigator.gpu, so that the same test files run in both.
import { INSTALL_HINT, findGpu } from '../../src/cli/adapter.js';

const { gpu, engine, why } = await findGpu();
if (!gpu) throw new Error(`The GPU tests need an adapter and ${engine} has none. ${why.includes(INSTALL_HINT) ? why : `${why} ${INSTALL_HINT}`}`);
Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
