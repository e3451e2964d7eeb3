import type { Shape } from '../core/shape.js';
import { momentsOf } from './moments.js';
import { normalizeTo } from './normalize.js';
import { statisticsOf } from './statistics.js';
import { type EpilogueInputs, type Floats, type Statistics, checkArrays } from './types.js';
import { type ValidRows, walkOf } from './walk.js';

/**
 * Training-mode forward pass: `moments`, `statistics` and `normalize` in one call.
 *
 *     y = gamma · (x − mean) · invStd + beta        invStd = 1 / √(variance + eps)
 *
 * then + residual, then the activation, where given. Ioffe & Szegedy 2015, Algorithm 1 — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x` and `residual` rows·channels; `gamma` and `beta` channels, 1 and 0 where left out. Rows
 *   whose `mask` entry is 0, or from `validRows` on, are not counted and get y = 0, whatever stands there.
 * @param out - where y goes, rows·channels; may be x or residual itself. Default a new `Float64Array`.
 * @returns y (`out`) and the batch's statistics; `variance` is biased. Where no row counts, count, mean and variance
 *   are 0.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape, eps or mask cannot be computed with.
 */
export function forward<T extends Floats = Float64Array>(
  inputs: { x: Floats; gamma?: Floats; beta?: Floats } & EpilogueInputs & ValidRows,
  shape: Shape,
  eps: number,
  out?: T,
): { y: T } & Statistics {
  const { x, gamma, beta, residual, activation } = inputs;
  checkArrays('forward', shape, { matrices: { x }, optionalMatrices: { residual, out }, optionalVectors: { gamma, beta }, eps, activation });
  const walk = walkOf('forward', shape, inputs);
  const { count, mean, variance, invStd } = statisticsOf(momentsOf(x, walk), eps);
  const y = (out ?? new Float64Array(x.length)) as T;
  normalizeTo(y, inputs, mean, invStd, walk);
  return { y, count, mean, variance, invStd };
}
