import type { Contender } from '../measure.js';

/** A row of another library. It can run many times and wait once, as our own rows do, or it would pay for the waits. */
export interface PeerContender extends Contender {
  check(): Promise<void>;
  /** Starts this many runs, one after the other, and resolves when all their work is done. */
  batch(runs: number): Promise<void>;
}

/** Another library's rows for one shape; `dispose` frees their tensors. */
export interface Peer {
  contenders: PeerContender[];
  dispose(): void;
}

/** A peer may be a thousand times less exact than this library, but not wrong. */
const LOOSE = 1e-2;

/** Throws when an element is further than 1 % of the largest from the reference's; a NaN is. */
export function checkLoosely(output: string, got: ArrayLike<number>, want: Float64Array): void {
  if (got.length !== want.length) throw new Error(`${output} has ${got.length} elements, needs ${want.length}.`);
  let scale = 0;
  for (let i = 0; i < want.length; i++) scale = Math.max(scale, Math.abs(want[i]));
  for (let i = 0; i < want.length; i++) {
    const off = Math.abs(got[i] - want[i]);
    if (off <= LOOSE * scale) continue;
    throw new Error(`${output} is wrong: element ${i} is ${got[i]}, needs ${want[i]} to 1 % of the largest, ${scale.toPrecision(3)}.`);
  }
}
