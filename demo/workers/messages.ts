import type { AdapterDescription } from '../../src/index.js';
import type { Share, Trained } from './train.js';

/** What decides a run; a link carries all of it. */
export interface Settings {
  backend: 'gpu' | 'cpu';
  /** Rows of each batch that the first of two workers has. */
  rows: number;
  steps: number;
  seed: number;
}

/** From the page to a worker, once. */
export interface Job {
  settings: Settings;
  share: Share;
  /** As `exchangeThrough` takes them; null for the worker that trains alone. */
  ports: (MessagePort | null)[] | null;
}

export interface Opened {
  kind: 'gpu' | 'cpu';
  reason: string;
  adapter: AdapterDescription | null;
}

/** From a worker to its page; `trained` and `error` are the last. */
export type News =
  | { kind: 'opened'; opened: Opened }
  | { kind: 'step'; loss: number }
  | { kind: 'lost'; why: string }
  | { kind: 'trained'; trained: Trained }
  | { kind: 'error'; message: string };
