/** A room of the house, and what its files may import. */
export interface Room {
  /** Folder or file; a file belongs to the room with the longest that it begins with. */
  at: string;
  /** Rooms, by their names here. A file may always import from its own. */
  rooms: readonly string[];
  /** Packages and `node:` modules, or what they begin with. */
  packages?: readonly string[];
}

/**
 * The house as it stands, from the ground up: whoever imports stands below whom he imports. `front` is a room's
 * index.ts, the one file of it that pages may import.
 */
export const HOUSE: Readonly<Record<string, Room>> = {
  shaders: { at: 'shaders/', rooms: [] },
  plan: { at: 'src/plan/', rooms: [] },
  reference: { at: 'src/reference/', rooms: ['plan'] },
  data: { at: 'src/data/', rooms: ['plan'] },
  kernels: { at: 'src/kernels/', rooms: ['plan', 'shaders'] },
  backend: { at: 'src/backend/', rooms: ['plan', 'kernels', 'reference'] },
  layer: { at: 'src/layer/', rooms: ['plan', 'reference', 'backend'] },
  index: { at: 'src/index.ts', rooms: ['plan', 'kernels', 'backend', 'layer'] },
  verify: { at: 'src/verify/', rooms: ['plan', 'reference', 'data', 'kernels', 'backend', 'layer', 'shaders'] },
  benchmark: {
    at: 'src/benchmark/', rooms: ['plan', 'reference', 'kernels', 'backend', 'verify', 'index', 'shaders'],
    packages: ['@jax-js/jax', '@tensorflow/tfjs-'],
  },
  cli: {
    at: 'src/cli/', rooms: ['plan', 'data', 'backend', 'verify', 'benchmark'],
    packages: ['node:', 'webgpu', 'vite', 'playwright'],
  },
  manifest: { at: 'package.json', rooms: [] },
  demo: {
    at: 'demo/', rooms: ['front', 'manifest'],
    packages: ['@jax-js/jax', 'katex', 'uplot'],
  },
  /** Builds the pages, in Node. */
  site: { at: 'demo/site/', rooms: ['demo'], packages: ['node:', 'vite'] },
};

/** The public surface, and the rooms that pages may enter, by their front doors. */
export const FRONT: readonly string[] =
  ['src/index.ts', ...['reference', 'data', 'verify', 'benchmark', 'benchmark/peers'].map((room) => `src/${room}/index.ts`)];
