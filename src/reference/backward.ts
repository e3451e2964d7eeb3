import type { Shape } from '../plan/shape.js';
import { linesOf } from './loops.js';
import { type Floats, checkArrays, invStdOf } from './types.js';

/** Gradients of the loss by x, gamma and beta. */
export interface Gradients<T extends Floats = Float64Array> {
  /** rows·channels */
  dx: T;
  /** channels; what gamma's would be, also where there is no gamma. */
  dgamma: Float64Array;
  /** channels */
  dbeta: Float64Array;
}

/**
 * Closed-form backward pass of `forward`.
 *
 *     dbeta = Σ dy        dgamma = Σ dy · xHat        xHat = (x − mean) · invStd
 *     dx    = gamma · invStd · (dy − dbeta/rows − xHat · dgamma/rows)
 *
 * Ioffe & Szegedy 2015, section 3, with ∂l/∂variance and ∂l/∂mean put in — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x` and `dy` rows·channels; `gamma`, `mean` and `invStd` channels, as `forward` gave them.
 * @param out - where dx goes, rows·channels; may be dy itself. Default a new `Float64Array`.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape or eps cannot be computed with.
 */
export function backward<T extends Floats = Float64Array>(
  inputs: { x: Floats; dy: Floats; gamma?: Floats; mean: Floats; invStd: Floats },
  shape: Shape,
  out?: T,
): Gradients<T> {
  const { x, dy, gamma, mean, invStd } = inputs;
  checkArrays('backward', shape, { matrices: { x, dy }, optionalMatrices: { out }, vectors: { mean, invStd }, optionalVectors: { gamma } });
  const { rows } = shape;
  const { dgamma, dbeta } = gradientSums(x, dy, mean, invStd, shape);
  const scale = Float64Array.from(invStd, (value, c) => (gamma ? gamma[c] : 1) * value);
  const dbetaMean = dbeta.map((value) => value / rows);
  const slope = dgamma.map((value, c) => (value / rows) * invStd[c]);
  const dx = (out ?? new Float64Array(x.length)) as T;
  const { perChannel, count, length, channels } = linesOf(shape);
  for (let line = 0, i = 0; line < count; line++) {
    if (perChannel) {
      const c = line % channels;
      const [factor, shift, center, tilt] = [scale[c], dbetaMean[c], mean[c], slope[c]];
      for (const end = i + length; i < end; i++) dx[i] = factor * (dy[i] - shift - (x[i] - center) * tilt);
    } else {
      for (let c = 0; c < channels; c++, i++) dx[i] = scale[c] * (dy[i] - dbetaMean[c] - (x[i] - mean[c]) * slope[c]);
    }
  }
  return { dx, dgamma, dbeta };
}

/**
 * Backward pass of `infer`: the statistics are constants, no gradient flows through them.
 *
 *     dbeta = Σ dy        dgamma = Σ dy · xHat        dx = gamma · invStd · dy
 *
 * @param inputs - reads `x` and `dy` rows·channels; `gamma`, `runningMean` and `runningVar` channels.
 * @param out - where dx goes, rows·channels; may be dy itself. Default a new `Float64Array`.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape or eps cannot be computed with.
 */
export function backwardFrozen<T extends Floats = Float64Array>(
  inputs: { x: Floats; dy: Floats; gamma?: Floats; runningMean: Floats; runningVar: Floats },
  shape: Shape,
  eps: number,
  out?: T,
): Gradients<T> {
  const { x, dy, gamma, runningMean, runningVar } = inputs;
  checkArrays('backwardFrozen', shape, {
    matrices: { x, dy }, optionalMatrices: { out }, vectors: { runningMean, runningVar }, optionalVectors: { gamma }, eps,
  });
  const invStd = Float64Array.from(runningVar, (value) => invStdOf(value, eps));
  const { dgamma, dbeta } = gradientSums(x, dy, runningMean, invStd, shape);
  const scale = invStd.map((value, c) => (gamma ? gamma[c] : 1) * value);
  const dx = (out ?? new Float64Array(x.length)) as T;
  const { perChannel, count, length, channels } = linesOf(shape);
  for (let line = 0, i = 0; line < count; line++) {
    if (perChannel) {
      const factor = scale[line % channels];
      for (const end = i + length; i < end; i++) dx[i] = factor * dy[i];
    } else {
      for (let c = 0; c < channels; c++, i++) dx[i] = scale[c] * dy[i];
    }
  }
  return { dx, dgamma, dbeta };
}

/** dbeta = Σ dy, dgamma = Σ dy · xHat */
function gradientSums(x: Floats, dy: Floats, mean: Floats, invStd: Floats, shape: Shape) {
  const { perChannel, count, length, channels } = linesOf(shape);
  const dgamma = new Float64Array(channels);
  const dbeta = new Float64Array(channels);
  for (let line = 0, i = 0; line < count; line++) {
    if (perChannel) {
      const c = line % channels;
      const center = mean[c];
      let sum = 0;
      let sumCentered = 0;
      for (const end = i + length; i < end; i++) {
        sum += dy[i];
        sumCentered += dy[i] * (x[i] - center);
      }
      dbeta[c] += sum;
      dgamma[c] += sumCentered;
    } else {
      for (let c = 0; c < channels; c++, i++) {
        dbeta[c] += dy[i];
        dgamma[c] += dy[i] * (x[i] - mean[c]);
      }
    }
  }
  for (let c = 0; c < channels; c++) dgamma[c] *= invStd[c];
  return { dgamma, dbeta };
}
