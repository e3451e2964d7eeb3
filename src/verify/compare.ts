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
}

export const BINS = 32;

/**
 * Compares element by element: |got − want| ≤ bound of its channel, asked as "is it within", so that NaN fails.
 *
 * @param bounds - one per channel; elements of channel c stand at row·channels + c.
 * @param skip - channels that are left out.
 */
export function compare(output: string, got: Floats, want: Floats, bounds: Floats, skip: readonly number[] = []): Comparison {
  const channels = bounds.length;
  const found: Comparison = {
    output, ratio: 0, beyond: 0, elements: 0, row: 0, channel: 0, got: NaN, want: NaN, bound: NaN,
    histogram: new Uint32Array(BINS),
  };
  const skipped = Array.from({ length: channels }, (_, c) => skip.includes(c));
  if (got.length !== want.length) {
    throw new RangeError(`compare: "${output}" has ${got.length} elements, needs ${want.length} (those of the reference).`);
  }
  let first = true;
  for (let row = 0, i = 0; i < want.length; row++) {
    for (let c = 0; c < channels; c++, i++) {
      if (skipped[c]) continue;
      found.elements++;
      const error = Math.abs(got[i] - want[i]);
      const within = error <= bounds[c];
      const ratio = error === 0 ? 0 : error / bounds[c];
      if (!within) found.beyond++;
      const worse = Number.isNaN(ratio) ? !Number.isNaN(found.ratio) : ratio > found.ratio;
      if (first || worse) {
        first = false;
        Object.assign(found, { ratio, row, channel: c, got: got[i], want: want[i], bound: bounds[c] });
      }
      found.histogram[binOf(ratio)]++;
    }
  }
  return found;
}

function binOf(ratio: number): number {
  if (ratio === 0) return 0;
  if (!(ratio < Infinity)) return BINS - 1;
  return Math.min(Math.max(Math.floor(Math.log2(ratio)) + BINS - 1, 0), BINS - 1);
}
