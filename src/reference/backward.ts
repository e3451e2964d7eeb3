import type { Shape } from '../core/shape.js';
import { type BackwardInputs, type InputGradients, checkResidualGradient, incoming, inputGradient, outputsOf, sumsOf } from './gradient.js';
import { scaleOf } from './normalize.js';
import { affine, zeroMasked } from './strips.js';
import { type Floats, checkArrays, invStdsOf } from './types.js';
import { walkOf } from './walk.js';

/** Gradients of the loss by x, gamma, beta and the residual. */
export interface Gradients<T extends Floats = Float64Array, U extends Floats = Float64Array> extends InputGradients<T, U> {
  /** channels; what gamma's would be, also where there is no gamma. */
  dgamma: Float64Array;
  /** channels */
  dbeta: Float64Array;
}

/**
 * Closed-form backward pass of `forward`: `gradientSums` and `gradientInput` in one call.
 *
 *     dbeta = Σ dz        dgamma = Σ dz · xHat        xHat = (x − mean) · invStd
 *     dx    = gamma · invStd · (dz − dbeta/count − xHat · dgamma/count)
 *
 * dz is dy, and behind an activation f that of z = gamma · xHat + beta (+ residual), computed again: f′(z) · dy. count is
 * rows, or those that `mask` or `validRows` lets count; the others add to no sum and get 0.
 * Ioffe & Szegedy 2015, section 3, with ∂l/∂variance and ∂l/∂mean put in — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x`, `dy` and `residual` rows·channels; `gamma`, `beta`, and `mean` and `invStd` as `forward`
 *   gave them, channels. Give what `forward` was given: beta and residual matter behind an `activation` only.
 * @param out - where dx goes, rows·channels; may be dy or x itself. Default a new `Float64Array`.
 * @param dresidual - where the residual's gradient, dz, goes, rows·channels; may be dy itself. Default a new
 *   `Float64Array` where it is not dy anyway: behind an activation, or where rows are left out and get 0.
 * @throws {TypeError} {RangeError} an array is missing or has another length, shape or mask cannot be computed with,
 *   or `dresidual` is another argument.
 */
export function backward<T extends Floats = Float64Array, U extends Floats = Float64Array>(
  inputs: BackwardInputs & { mean: Floats; invStd: Floats },
  shape: Shape,
  out?: T,
  dresidual?: U,
): Gradients<T, U> {
  const { x, dy, gamma, beta, residual, activation, mean, invStd } = inputs;
  checkArrays('backward', shape, {
    matrices: { x, dy }, optionalMatrices: { residual, out, dresidual }, vectors: { mean, invStd }, optionalVectors: { gamma, beta }, activation,
  });
  checkResidualGradient('backward', inputs, out, dresidual);
  const walk = walkOf('backward', shape, inputs);
  const scale = scaleOf(gamma, invStd);
  const to = outputsOf<T, U>(inputs, walk, out, dresidual);
  const dz = incoming(inputs, mean, scale, walk, to);
  const { dgamma, dbeta } = sumsOf(x, dz, mean, invStd, walk);
  inputGradient(to.dx, x, dz, mean, invStd, scale, dgamma, dbeta, walk.count, walk);
  return { dx: to.dx, dgamma, dbeta, dresidual: to.dresidual };
}

/**
 * Backward pass of `infer`: the statistics are constants, no gradient flows through them.
 *
 *     dbeta = Σ dz        dgamma = Σ dz · xHat        dx = gamma · invStd · dz
 *
 * dz as in `backward`, z with the running statistics.
 *
 * @param inputs - reads `x`, `dy` and `residual` rows·channels; `gamma`, `beta`, `runningMean` and `runningVar`
 *   channels. Give what `infer` was given: beta and residual matter behind an `activation` only.
 * @param out - where dx goes, rows·channels; may be dy or x itself. Default a new `Float64Array`.
 * @param dresidual - as `backward`'s.
 * @throws {TypeError} {RangeError} an array is missing or has another length, shape, eps or mask cannot be computed
 *   with, or `dresidual` is another argument.
 */
export function backwardFrozen<T extends Floats = Float64Array, U extends Floats = Float64Array>(
  inputs: BackwardInputs & { runningMean: Floats; runningVar: Floats },
  shape: Shape,
  eps: number,
  out?: T,
  dresidual?: U,
): Gradients<T, U> {
  const { x, dy, gamma, beta, residual, activation, runningMean, runningVar } = inputs;
  checkArrays('backwardFrozen', shape, {
    matrices: { x, dy }, optionalMatrices: { residual, out, dresidual },
    vectors: { runningMean, runningVar }, optionalVectors: { gamma, beta }, eps, activation,
  });
  checkResidualGradient('backwardFrozen', inputs, out, dresidual);
  const walk = walkOf('backwardFrozen', shape, inputs);
  const invStd = invStdsOf(runningVar, eps);
  const scale = scaleOf(gamma, invStd);
  const to = outputsOf<T, U>(inputs, walk, out, dresidual);
  const dz = incoming(inputs, runningMean, scale, walk, to);
  const { dgamma, dbeta } = sumsOf(x, dz, runningMean, invStd, walk);
  const none = new Float64Array(walk.channels);
  affine(dz, none, scale, none, to.dx, walk); // (dz − 0) · scale + 0
  zeroMasked(to.dx, walk);
  return { dx: to.dx, dgamma, dbeta, dresidual: to.dresidual };
}
