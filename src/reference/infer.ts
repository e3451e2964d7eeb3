import type { Shape } from '../plan/shape.js';
import { normalize } from './forward.js';
import { type Floats, checkArrays, invStdOf } from './types.js';

/**
 * Inference: the running statistics take the batch's place.
 *
 *     y = gamma · (x − runningMean) / √(runningVar + eps) + beta
 *
 * Ioffe & Szegedy 2015, Algorithm 2, line 11 — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x` rows·channels; `runningMean`, `runningVar`, `gamma` and `beta` channels, gamma and
 *   beta 1 and 0 where left out.
 * @param out - where y goes, rows·channels; may be x itself. Default a new `Float64Array`.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape or eps cannot be computed with.
 */
export function infer<T extends Floats = Float64Array>(
  inputs: { x: Floats; gamma?: Floats; beta?: Floats; runningMean: Floats; runningVar: Floats },
  shape: Shape,
  eps: number,
  out?: T,
): T {
  const { x, gamma, beta, runningMean, runningVar } = inputs;
  checkArrays('infer', shape, {
    matrices: { x }, optionalMatrices: { out }, vectors: { runningMean, runningVar }, optionalVectors: { gamma, beta }, eps,
  });
  const invStd = Float64Array.from(runningVar, (value) => invStdOf(value, eps));
  const y = (out ?? new Float64Array(x.length)) as T;
  normalize(x, runningMean, invStd, gamma, beta, shape, y);
  return y;
}
