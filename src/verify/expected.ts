import type { Numbers } from '../plan/options.js';
import { backward, backwardFrozen } from '../reference/backward.js';
import { forward } from '../reference/forward.js';
import { infer } from '../reference/infer.js';
import { updateRunning } from '../reference/running.js';
import type { Floats } from '../reference/types.js';

/** All that goes into one case. */
export interface Inputs extends Numbers {
  rows: number;
  channels: number;
  x: Float32Array;
  dy: Float32Array;
  gamma: Float32Array | null;
  beta: Float32Array | null;
  /** Running statistics before the batch. */
  runningMean: Float32Array;
  runningVar: Float32Array;
  /** Running statistics that inference and the frozen backward use. */
  frozenMean: Float32Array;
  frozenVar: Float32Array;
}

export const MATRIX_OUTPUTS = ['y', 'dx', 'inferY', 'frozenDx'] as const;
export const VECTOR_OUTPUTS = [
  'mean', 'variance', 'invStd', 'runningMean', 'runningVar', 'dgamma', 'dbeta', 'frozenDgamma', 'frozenDbeta',
] as const;
export const OUTPUTS = [...MATRIX_OUTPUTS, ...VECTOR_OUTPUTS] as const;
export type Output = (typeof OUTPUTS)[number];

/** All that comes out of one case, in f64. */
export type Expected = Record<Output, Float64Array>;

/** The reference's answers. */
export function expected(inputs: Inputs): Expected {
  const { x, dy, eps, frozenMean, frozenVar } = inputs;
  const gamma = inputs.gamma ?? undefined;
  const beta = inputs.beta ?? undefined;
  const { y, mean, variance, invStd } = forward({ x, gamma, beta }, inputs, eps);
  const { dx, dgamma, dbeta } = backward({ x, dy, gamma, mean, invStd }, inputs);
  const running = { mean: Float64Array.from(inputs.runningMean), variance: Float64Array.from(inputs.runningVar) };
  updateRunning(running, { mean, variance }, inputs.rows, inputs);
  const frozen = backwardFrozen({ x, dy, gamma, runningMean: frozenMean, runningVar: frozenVar }, inputs, eps);
  const inferY = infer({ x, gamma, beta, runningMean: frozenMean, runningVar: frozenVar }, inputs, eps);
  return {
    y, dx, inferY, mean, variance, invStd, dgamma, dbeta,
    runningMean: running.mean, runningVar: running.variance,
    frozenDx: frozen.dx, frozenDgamma: frozen.dgamma, frozenDbeta: frozen.dbeta,
  };
}

/**
 * What each output may be off by, per channel (DESIGN: "Numbers").
 *
 * 2e-6 of a scale: for y max|y|; for dx |gamma| · invStd · max|dy|; for dgamma Σ|dy · xHat|; for dbeta Σ|dy|;
 * for the means max(|mean|, deviation). 1e-6 relative for variance, invStd and the running variance.
 *
 * @param plain - the compiler reassociates, so the mean is a plain f32: it, and every x − mean, may be off by
 *   4 · 2⁻²⁴ · |mean| more.
 */
export function boundsOf(inputs: Inputs, want: Expected, plain: boolean): Record<Output, Float64Array> {
  const { channels, x, dy, gamma, eps, frozenMean, frozenVar } = inputs;
  const stat = (value: (c: number) => number) => Float64Array.from({ length: channels }, (_, c) => value(c));
  const gammaOf = (c: number) => Math.abs(gamma ? gamma[c] : 1);
  const deviation = (c: number) => Math.sqrt(want.variance[c]);
  const off = (c: number) => (plain ? 4 * 2 ** -24 * Math.abs(want.mean[c]) : 0);
  const xHatOff = (c: number) => off(c) * want.invStd[c];
  const maxDy = columnMax(dy, channels);
  const sumDy = columnSum(dy, channels, (i) => Math.abs(dy[i]));
  const sumDyXHat = columnSum(dy, channels, (i, c) => Math.abs(dy[i] * (x[i] - want.mean[c]) * want.invStd[c]));
  const maxXHat = columnMax(x, channels, (i, c) => (x[i] - want.mean[c]) * want.invStd[c]);
  const frozenInvStd = stat((c) => (frozenVar[c] + eps > 0 ? 1 / Math.sqrt(frozenVar[c] + eps) : 0));
  const frozenSum = columnSum(dy, channels, (i, c) => Math.abs(dy[i] * (x[i] - frozenMean[c]) * frozenInvStd[c]));
  const maxY = columnMax(want.y, channels);
  const maxInferY = columnMax(want.inferY, channels);
  const mean = stat((c) => 2e-6 * Math.max(Math.abs(want.mean[c]), deviation(c)) + off(c));
  // A reassociated mean also moves m2, by the square of its own error.
  const relative = (c: number) => 1e-6 + (want.variance[c] > 0 ? (off(c) ** 2 + 2 * off(c) * deviation(c)) / want.variance[c] : 0);
  return {
    y: stat((c) => 2e-6 * maxY[c] + gammaOf(c) * xHatOff(c)),
    inferY: stat((c) => 2e-6 * maxInferY[c]),
    mean,
    runningMean: mean,
    variance: stat((c) => relative(c) * want.variance[c] + off(c) ** 2),
    invStd: stat((c) => relative(c) * want.invStd[c]),
    runningVar: stat((c) => relative(c) * Math.abs(want.runningVar[c])),
    dx: stat((c) => gammaOf(c) * want.invStd[c] * maxDy[c] * (2e-6 + 2 * xHatOff(c) * (1 + maxXHat[c]))),
    dgamma: stat((c) => 2e-6 * sumDyXHat[c] + xHatOff(c) * sumDy[c]),
    dbeta: stat((c) => 2e-6 * sumDy[c]),
    frozenDx: stat((c) => 2e-6 * gammaOf(c) * frozenInvStd[c] * maxDy[c]),
    frozenDgamma: stat((c) => 2e-6 * frozenSum[c]),
    frozenDbeta: stat((c) => 2e-6 * sumDy[c]),
  };
}

function columnMax(values: Floats, channels: number, of = (i: number, _c: number) => values[i]): Float64Array {
  const found = new Float64Array(channels);
  for (let i = 0, c = 0; i < values.length; i++, c = c + 1 === channels ? 0 : c + 1) found[c] = Math.max(found[c], Math.abs(of(i, c)));
  return found;
}

function columnSum(values: Floats, channels: number, of: (i: number, c: number) => number): Float64Array {
  const found = new Float64Array(channels);
  for (let i = 0, c = 0; i < values.length; i++, c = c + 1 === channels ? 0 : c + 1) found[c] += of(i, c);
  return found;
}
