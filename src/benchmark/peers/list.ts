import type { Expected, Inputs } from '../../verify/expected.js';
import type { BenchShape } from '../shapes.js';
import type { Peer } from './peer.js';

/** A library on one of its backends. Nothing of it is loaded before `open`. */
export interface PeerEntry {
  /** What the names of its rows begin with. */
  name: string;
  open(shape: BenchShape, inputs: Inputs, want: Expected): Promise<Peer>;
}

export const PEERS: readonly PeerEntry[] = [
  { name: 'jax-js webgpu', open: async (shape, inputs, want) => (await import('./jaxJs.js')).jaxJsContenders(shape, inputs, want, 'webgpu') },
  { name: 'jax-js wasm', open: async (shape, inputs, want) => (await import('./jaxJs.js')).jaxJsContenders(shape, inputs, want, 'wasm') },
  { name: 'tfjs webgpu', open: async (shape, inputs, want) => (await import('./tfjs.js')).tfjsContenders(shape, inputs, want, 'webgpu') },
  { name: 'tfjs cpu', open: async (shape, inputs, want) => (await import('./tfjs.js')).tfjsContenders(shape, inputs, want, 'cpu') },
];
