import type { AdapterDescription } from '../../src/index.js';
import type { ShapeWithPeers } from '../../src/benchmark/peers/index.js';

/** What decides a run; a link carries all of it. Shapes and peers by their names. */
export interface Settings {
  shapes: string[];
  samples: number;
  peers: string[];
}

export interface Opened {
  adapter: AdapterDescription | null;
  /** Whether the device has timestamp queries; null before one was asked. */
  timestamps: boolean | null;
}

/** From the worker to its page; `end` and `error` are the last. To stop, the page ends the worker. */
export type News =
  | { kind: 'opened'; opened: Opened }
  | { kind: 'step'; shape: string; words: string }
  | { kind: 'shape'; done: ShapeWithPeers }
  | { kind: 'lost'; why: string }
  | { kind: 'end' }
  | { kind: 'error'; message: string };
