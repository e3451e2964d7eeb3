import type { Shape } from '../core/shape.js';
import { firstValues, squares, sums } from './strips.js';
import { type Floats, checkArrays } from './types.js';
import { type ValidRows, type Walk, walkOf } from './walk.js';

/** `count`, `mean` and `m2` = Σ (x − mean)² per channel of some rows. */
export interface Moments {
  count: number;
  mean: Float64Array;
  m2: Float64Array;
}

/** Nothing seen yet: merging it with anything gives that thing. */
export function emptyMoments(channels: number): Moments {
  return { count: 0, mean: new Float64Array(channels), m2: new Float64Array(channels) };
}

/**
 * Moments of every channel, in two passes over x: the mean, then the squares about it.
 *
 *     mean = Σ x / count        m2 = Σ (x − mean)²
 *
 * Of one part of a batch they are `merge`d with the others'; of a whole one they go to `statistics`.
 *
 * @param x - rows·channels elements; read where a row counts.
 * @param validRows - `mask` or `validRows`: which rows count, default all. Where none does, all three are 0.
 * @throws {TypeError} {RangeError} `x` has another length, or shape or mask cannot be computed with.
 */
export function moments(x: Floats, shape: Shape, validRows: ValidRows = {}): Moments {
  checkArrays('moments', shape, { matrices: { x } });
  return momentsOf(x, walkOf('moments', shape, validRows));
}

/** `moments` of checked arguments. */
export function momentsOf(x: Floats, walk: Walk): Moments {
  if (walk.count === 0) return emptyMoments(walk.channels);
  // Sums run about each channel's first value, so a constant column is exact.
  const first = firstValues(x, walk);
  const mean = sums(x, first, walk);
  for (let c = 0; c < walk.channels; c++) mean[c] = first[c] + mean[c] / walk.count;
  return { count: walk.count, mean, m2: squares(x, mean, walk) };
}

/**
 * Moments of two sets of rows taken together; either may be empty.
 *
 *     delta = b.mean − a.mean
 *     mean  = a.mean + delta · b.count / count
 *     m2    = a.m2 + b.m2 + delta² · a.count · b.count / count
 *
 * Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", equation 2.1.
 *
 * @throws {RangeError} the two have different channels.
 */
export function merge(a: Moments, b: Moments): Moments {
  const channels = a.mean.length;
  if (b.mean.length !== channels) {
    throw new RangeError(`merge: "b" has ${b.mean.length} channels, needs ${channels} (those of "a"). Merge moments of one layer.`);
  }
  const count = a.count + b.count;
  const merged = emptyMoments(channels);
  merged.count = count;
  if (count === 0) return merged;
  const share = b.count / count;
  for (let c = 0; c < channels; c++) {
    const delta = b.mean[c] - a.mean[c];
    merged.mean[c] = a.mean[c] + delta * share;
    merged.m2[c] = a.m2[c] + b.m2[c] + delta * delta * a.count * share;
  }
  return merged;
}
