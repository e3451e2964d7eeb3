import type { Shape } from '../plan/shape.js';
import { linesOf } from './loops.js';
import { type Floats, checkArrays } from './types.js';

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
 *     mean = Σ x / rows        m2 = Σ (x − mean)²
 *
 * @param x - rows·channels elements; read.
 * @throws {RangeError} `x` has another length, or the shape cannot be computed with.
 */
export function moments(x: Floats, shape: Shape): Moments {
  checkArrays('moments', shape, { matrices: { x } });
  const { rows, channels } = shape;
  const { perChannel, count, length } = linesOf(shape);
  // Sums run about each channel's first value, so a constant column is exact.
  const first = Float64Array.from({ length: channels }, (_, c) => x[perChannel ? c * length : c]);
  const mean = new Float64Array(channels);
  for (let line = 0, i = 0; line < count; line++) {
    if (perChannel) {
      const c = line % channels;
      const shift = first[c];
      let sum = 0;
      for (const end = i + length; i < end; i++) sum += x[i] - shift;
      mean[c] += sum;
    } else {
      for (let c = 0; c < channels; c++, i++) mean[c] += x[i] - first[c];
    }
  }
  for (let c = 0; c < channels; c++) mean[c] = first[c] + mean[c] / rows;
  const m2 = new Float64Array(channels);
  for (let line = 0, i = 0; line < count; line++) {
    if (perChannel) {
      const c = line % channels;
      const center = mean[c];
      let sum = 0;
      for (const end = i + length; i < end; i++) sum += (x[i] - center) * (x[i] - center);
      m2[c] += sum;
    } else {
      for (let c = 0; c < channels; c++, i++) m2[c] += (x[i] - mean[c]) * (x[i] - mean[c]);
    }
  }
  return { count: rows, mean, m2 };
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
