import type { Shape } from '../plan/shape.js';
import { linesOf } from './loops.js';
import { moments } from './moments.js';
import { type Floats, type Statistics, checkArrays, invStdOf } from './types.js';

/**
 * Training-mode forward pass.
 *
 *     y = gamma · (x − mean) · invStd + beta        invStd = 1 / √(variance + eps)
 *
 * Ioffe & Szegedy 2015, Algorithm 1 — https://arxiv.org/abs/1502.03167
 *
 * @param inputs - reads `x` rows·channels; `gamma` and `beta` channels, 1 and 0 where left out.
 * @param out - where y goes, rows·channels; may be x itself. Default a new `Float64Array`.
 * @returns y (`out`) and the batch's statistics; `variance` is biased.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape or eps cannot be computed with.
 */
export function forward<T extends Floats = Float64Array>(
  inputs: { x: Floats; gamma?: Floats; beta?: Floats },
  shape: Shape,
  eps: number,
  out?: T,
): { y: T } & Statistics {
  const { x, gamma, beta } = inputs;
  checkArrays('forward', shape, { matrices: { x }, optionalMatrices: { out }, optionalVectors: { gamma, beta }, eps });
  const { mean, m2 } = moments(x, shape);
  const variance = m2.map((value) => value / shape.rows);
  const invStd = variance.map((value) => invStdOf(value, eps));
  const y = (out ?? new Float64Array(x.length)) as T;
  normalize(x, mean, invStd, gamma, beta, shape, y);
  return { y, mean, variance, invStd };
}

/** y = gamma · (x − mean) · invStd + beta */
export function normalize(
  x: Floats,
  mean: Floats,
  invStd: Floats,
  gamma: Floats | undefined,
  beta: Floats | undefined,
  shape: Shape,
  y: Floats,
): void {
  const { perChannel, count, length, channels } = linesOf(shape);
  const scale = Float64Array.from(invStd, (value, c) => (gamma ? gamma[c] : 1) * value);
  const shift = Float64Array.from(invStd, (_, c) => (beta ? beta[c] : 0));
  for (let line = 0, i = 0; line < count; line++) {
    if (perChannel) {
      const c = line % channels;
      const [center, factor, offset] = [mean[c], scale[c], shift[c]];
      for (const end = i + length; i < end; i++) y[i] = (x[i] - center) * factor + offset;
    } else {
      for (let c = 0; c < channels; c++, i++) y[i] = (x[i] - mean[c]) * scale[c] + shift[c];
    }
  }
}
