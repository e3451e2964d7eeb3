import type { Shape } from '../core/shape.js';
import type { Gradients } from './backward.js';
import { type Floats, checkArrays, nanUnlessFinite, offsetVariance } from './types.js';

/** Every node of the computational graph, by the name of its value; gradients are prefixed `d`. */
export interface StagedBackward extends Gradients {
  /** Forward values, in the order they are computed: rows·channels or channels elements. */
  values: Record<'mean' | 'centered' | 'squared' | 'variance' | 'std' | 'invStd' | 'xHat' | 'scaled' | 'y', Float64Array>;
  /** Gradients, in the order they flow back. */
  gradients: Record<
    'dscaled' | 'dxHat' | 'dinvStd' | 'dstd' | 'dvariance' | 'dsquared' | 'dcentered' | 'dmean' | 'dx',
    Float64Array
  >;
}

/**
 * The backward pass one operation at a time: nine forward nodes, then nine gradients in reverse, each the
 * local derivative times what flowed in. Slow on purpose: it is what the closed form is checked against.
 *
 *     1 mean = Σ x / rows      2 centered = x − mean     3 squared = centered²
 *     4 variance = Σ squared / rows                      5 std = √(variance + eps)
 *     6 invStd = 1 / std       7 xHat = centered · invStd
 *     8 scaled = gamma · xHat  9 y = scaled + beta
 *
 * Source: reverse-mode differentiation of Ioffe & Szegedy 2015, Algorithm 1 — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x` and `dy` rows·channels; `gamma` and `beta` channels, 1 and 0 where left out.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape or eps cannot be computed with.
 */
export function backwardStaged(
  inputs: { x: Floats; dy: Floats; gamma?: Floats; beta?: Floats },
  shape: Shape,
  eps: number,
): StagedBackward {
  const { x, dy, gamma, beta } = inputs;
  checkArrays('backwardStaged', shape, { matrices: { x, dy }, optionalVectors: { gamma, beta }, eps });
  const { rows, channels, layout = 'channelsLast', spatial = 1 } = shape;
  const run = layout === 'channelsLast' ? 1 : spatial; // values of a channel that lie together
  const channelOf = (i: number) => Math.floor(i / run) % channels;
  const matrix = (value: (i: number, c: number) => number) => Float64Array.from(x, (_, i) => value(i, channelOf(i)));
  const vector = (value: (c: number) => number) => Float64Array.from({ length: channels }, (_, c) => value(c));
  const columnSum = (value: (i: number, c: number) => number) => {
    const sum = new Float64Array(channels);
    for (let i = 0; i < x.length; i++) sum[channelOf(i)] += value(i, channelOf(i));
    return sum;
  };
  const gammaOf = (c: number) => (gamma ? gamma[c] : 1);

  const total = columnSum((i, c) => x[i] - x[c * run]); // about the first value, so a constant column is exact
  const mean = vector((c) => x[c * run] + total[c] / rows);
  const centered = matrix((i, c) => x[i] - mean[c]);
  const squared = matrix((i) => centered[i] * centered[i]);
  const variance = columnSum((i) => squared[i]).map((sum) => nanUnlessFinite(sum / rows));
  const std = vector((c) => Math.sqrt(offsetVariance(variance[c], eps)));
  const invStd = vector((c) => (std[c] === 0 ? 0 : 1 / std[c]));
  const xHat = matrix((i, c) => centered[i] * invStd[c]);
  const scaled = matrix((i, c) => gammaOf(c) * xHat[i]);
  const y = matrix((i, c) => scaled[i] + (beta ? beta[c] : 0));

  const dbeta = columnSum((i) => dy[i]); // 9
  const dscaled = matrix((i) => dy[i]);
  const dgamma = columnSum((i) => dscaled[i] * xHat[i]); // 8
  const dxHat = matrix((i, c) => dscaled[i] * gammaOf(c));
  const dinvStd = columnSum((i) => dxHat[i] * centered[i]); // 7
  const dcenteredByXHat = matrix((i, c) => dxHat[i] * invStd[c]);
  const dstd = vector((c) => -dinvStd[c] * invStd[c] * invStd[c]); // 6
  const dvariance = vector((c) => (dstd[c] * invStd[c]) / 2); // 5
  const dsquared = matrix((_, c) => dvariance[c] / rows); // 4
  const dcentered = matrix((i) => dcenteredByXHat[i] + 2 * centered[i] * dsquared[i]); // 3
  const dmean = columnSum((i) => -dcentered[i]); // 2
  const dx = matrix((i, c) => dcentered[i] + dmean[c] / rows); // 1
  return {
    dx,
    dgamma,
    dbeta,
    values: { mean, centered, squared, variance, std, invStd, xHat, scaled, y },
    gradients: { dscaled, dxHat, dinvStd, dstd, dvariance, dsquared, dcentered, dmean, dx },
  };
}
