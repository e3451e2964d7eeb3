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
  core: { at: 'src/core/', rooms: [] },
  plan: { at: 'src/plan/', rooms: ['core'] },
  reference: { at: 'src/reference/', rooms: ['core'] },
  data: { at: 'src/data/', rooms: ['core'] },
  shader: { at: 'src/shader/', rooms: ['core', 'plan', 'shaders'] },
  kernels: { at: 'src/kernels/', rooms: ['core', 'plan', 'shader'] },
  backend: { at: 'src/backend/', rooms: ['core', 'plan', 'kernels', 'reference'] },
  layer: { at: 'src/layer/', rooms: ['core', 'reference', 'backend'] },
  index: { at: 'src/index.ts', rooms: ['core', 'plan', 'kernels', 'backend', 'layer'] },
  verify: {
    at: 'src/verify/', rooms: ['core', 'plan', 'reference', 'data', 'shader', 'kernels', 'backend', 'layer', 'shaders'],
  },
  benchmark: {
    at: 'src/benchmark/', rooms: ['core', 'plan', 'reference', 'shader', 'kernels', 'backend', 'verify', 'index', 'shaders'],
    packages: ['@jax-js/jax', '@tensorflow/tfjs-'],
  },
  cli: {
    at: 'src/cli/', rooms: ['core', 'plan', 'data', 'backend', 'verify', 'benchmark'],
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
