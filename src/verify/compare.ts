import { SMALLEST_NORMAL, type Storage, ulpOf } from '../core/storage.js';
import type { Floats } from '../reference/types.js';

/** How one output compares with what it should be. */
export interface Comparison {
  output: string;
  /** Largest |got − want| / bound; at most 1 passes, and NaN does not. */
  ratio: number;
  /** Elements beyond their bound. */
  beyond: number;
  elements: number;
  /** The worst element. */
  row: number;
  channel: number;
  got: number;
  want: number;
  /** What |got − want| may be there. */
  bound: number;
  /** Elements by error/bound: bin k counts ratios from 2^(k − BINS + 1) to twice that; bin 0 all below, zeros too. */
  histogram: Uint32Array;
  /** The largest ratio in each channel. */
  byChannel: Float64Array;
}

export const BINS = 32;

/**
 * Compares element by element: |got − want| ≤ bound of its channel, asked as "is it within", so that NaN fails.
 *
 * @param bounds - one per channel.
 * @param skip - channels that are left out.
 * @param run - elements of a channel that lie together: 1 where the channels are innermost.
 * @param storage - what `got` was rounded to: in f16 and bf16 the answer, rounded once, may be another 1 ulp off, and a
 *   subnormal flushed.
 */
export function compare(
  output: string, got: Floats, want: Floats, bounds: Floats, skip: readonly number[] = [], run = 1, storage: Storage = 'f32',
): Comparison {
  const channels = bounds.length;
  const found: Comparison = {
    output, ratio: 0, beyond: 0, elements: 0, row: 0, channel: 0, got: NaN, want: NaN, bound: NaN,
    histogram: new Uint32Array(BINS), byChannel: new Float64Array(channels),
  };
  const skipped = Array.from({ length: channels }, (_, c) => skip.includes(c));
  if (got.length !== want.length) {
    throw new RangeError(`compare: "${output}" has ${got.length} elements, needs ${want.length} (those of the reference).`);
  }
  let first = true;
  for (let line = 0, i = 0; i < want.length; line++) {
    const c0 = run === 1 ? 0 : line % channels;
    const length = run === 1 ? channels : run;
    for (let at = 0; at < length; at++, i++) {
      const c = run === 1 ? at : c0;
      if (skipped[c]) continue;
      found.elements++;
      const error = Math.abs(got[i] - want[i]);
      const bound = storage === 'f32' ? bounds[c] : bounds[c] + 1.5 * ulpOf(want[i], storage) + SMALLEST_NORMAL[storage];
      const within = error <= bound;
      const ratio = error === 0 ? 0 : error / bound;
      if (!within) found.beyond++;
      if (first || isWorse(ratio, found.ratio)) {
        first = false;
        const row = run === 1 ? line : Math.floor(line / channels) * run + at;
        Object.assign(found, { ratio, row, channel: c, got: got[i], want: want[i], bound });
      }
      if (isWorse(ratio, found.byChannel[c])) found.byChannel[c] = ratio;
      found.histogram[binOf(ratio)]++;
    }
  }
  return found;
}

/** NaN is the worst. */
function isWorse(ratio: number, than: number): boolean {
  return Number.isNaN(ratio) ? !Number.isNaN(than) : ratio > than;
}

/** By the exponent's bits, which log2 of every element would take long to find. */
function binOf(ratio: number): number {
  if (ratio === 0) return 0;
  if (!(ratio < Infinity)) return BINS - 1;
  double[0] = ratio;
  const exponent = ((words[HIGH] >>> 20) & 0x7ff) - 1023;
  return Math.min(Math.max(exponent + BINS - 1, 0), BINS - 1);
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0]; // the second word where the least byte comes first
