import type { Shape } from '../core/shape.js';
import { normalizeTo } from './normalize.js';
import { type EpilogueInputs, type Floats, checkArrays, invStdsOf } from './types.js';
import { type ValidRows, walkOf } from './walk.js';

/**
 * Inference: the running statistics take the batch's place.
 *
 *     y = gamma · (x − runningMean) / √(runningVar + eps) + beta        then + residual, then the activation, where given
 *
 * Ioffe & Szegedy 2015, Algorithm 2, line 11 — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x` and `residual` rows·channels; `runningMean`, `runningVar`, `gamma` and `beta` channels,
 *   gamma and beta 1 and 0 where left out. Where a `mask` entry is 0, or from row `validRows` on, y is 0.
 * @param out - where y goes, rows·channels; may be x or residual itself. Default a new `Float64Array`.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape, eps or mask cannot be computed with.
 */
export function infer<T extends Floats = Float64Array>(
  inputs: { x: Floats; gamma?: Floats; beta?: Floats; runningMean: Floats; runningVar: Floats } & EpilogueInputs & ValidRows,
  shape: Shape,
  eps: number,
  out?: T,
): T {
  const { x, gamma, beta, residual, activation, runningMean, runningVar } = inputs;
  checkArrays('infer', shape, {
    matrices: { x }, optionalMatrices: { residual, out }, vectors: { runningMean, runningVar }, optionalVectors: { gamma, beta }, eps, activation,
  });
  const y = (out ?? new Float64Array(x.length)) as T;
  normalizeTo(y, inputs, runningMean, invStdsOf(runningVar, eps), walkOf('infer', shape, inputs));
  return y;
}
