import { resolveActivation } from '../core/activations.js';
import type { Shape } from '../core/shape.js';
import { activated, affine, zeroMasked } from './strips.js';
import { type EpilogueInputs, type Floats, checkArrays } from './types.js';
import { type ValidRows, type Walk, walkOf } from './walk.js';

/**
 * Normalization with given statistics: the last phase of `forward`, and all of `infer`.
 *
 *     y = gamma · (x − mean) · invStd + beta        then + residual, then the activation, where given
 *
 * Ioffe & Szegedy 2015, Algorithm 1, last two lines — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x` and `residual` rows·channels; `mean`, `invStd`, `gamma` and `beta` channels, gamma and
 *   beta 1 and 0 where left out. Where a `mask` entry is 0, or from row `validRows` on, y is 0 whatever stands there.
 * @param out - where y goes, rows·channels; may be x or residual itself. Default a new `Float64Array`.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape or mask cannot be computed with.
 */
export function normalize<T extends Floats = Float64Array>(
  inputs: { x: Floats; gamma?: Floats; beta?: Floats; mean: Floats; invStd: Floats } & EpilogueInputs & ValidRows,
  shape: Shape,
  out?: T,
): T {
  const { x, gamma, beta, residual, activation, mean, invStd } = inputs;
  checkArrays('normalize', shape, {
    matrices: { x }, optionalMatrices: { residual, out }, vectors: { mean, invStd }, optionalVectors: { gamma, beta }, activation,
  });
  const y = (out ?? new Float64Array(x.length)) as T;
  normalizeTo(y, inputs, mean, invStd, walkOf('normalize', shape, inputs));
  return y;
}

/** `normalize` of checked arguments. */
export function normalizeTo(
  y: Floats,
  { x, gamma, beta, residual, activation = 'none' }: { x: Floats; gamma?: Floats; beta?: Floats } & EpilogueInputs,
  mean: Floats,
  invStd: Floats,
  walk: Walk,
): void {
  const scale = scaleOf(gamma, invStd);
  const shift = shiftOf(beta, walk);
  if (activation !== 'none' || residual) activated(x, mean, scale, shift, residual, resolveActivation('', activation), y, walk);
  else affine(x, mean, scale, shift, y, walk);
  zeroMasked(y, walk);
}

/** gamma · invStd */
export function scaleOf(gamma: Floats | undefined, invStd: Floats): Float64Array {
  const scale = new Float64Array(invStd);
  if (gamma) for (let c = 0; c < scale.length; c++) scale[c] *= gamma[c];
  return scale;
}

/** beta, 0 without one. */
export function shiftOf(beta: Floats | undefined, { channels }: Walk): Float64Array {
  return beta ? new Float64Array(beta) : new Float64Array(channels);
}
