import type { Numbers } from '../plan/options.js';
import type { Layout } from '../plan/shape.js';
import { backward, backwardFrozen } from '../reference/backward.js';
import { forward } from '../reference/forward.js';
import { infer } from '../reference/infer.js';
import { updateRunning } from '../reference/running.js';
import { invStdOf } from '../reference/types.js';

/** All that goes into one case. */
export interface Inputs extends Numbers {
  layout: Layout;
  rows: number;
  channels: number;
  /** 1 where the layout is channels-last. */
  spatial: number;
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
 * 2e-6 of a scale: for y max|y|, in inference max(|gamma · xHat| + |beta|); for dx |gamma| · invStd · max|dy|; for
 * dgamma Σ|dy · xHat|; for dbeta Σ|dy|; for the mean max(|mean|, deviation), for the running mean also |what it was|.
 * 1e-6 relative for variance, invStd and the running variance.
 *
 * @param plain - the compiler reassociates, so the mean is a plain f32: it, and every x − mean, may be off by
 *   4 · 2⁻²⁴ · |mean| more.
 */
export function boundsOf(inputs: Inputs, want: Expected, plain: boolean): Record<Output, Float64Array> {
  const { x, dy, gamma, beta, eps, frozenMean, frozenVar, channels } = inputs;
  const stat = (value: (c: number) => number) => Float64Array.from({ length: channels }, (_, c) => value(c));
  const most = (value: (i: number, c: number) => number) => perChannel(inputs, (found, i, c) => Math.max(found, Math.abs(value(i, c))));
  const sum = (value: (i: number, c: number) => number) => perChannel(inputs, (found, i, c) => found + Math.abs(value(i, c)));
  const gammaOf = (c: number) => Math.abs(gamma ? gamma[c] : 1);
  const betaOf = (c: number) => Math.abs(beta ? beta[c] : 0);
  const deviation = (c: number) => Math.sqrt(want.variance[c]);
  const off = (c: number) => (plain ? 4 * 2 ** -24 * Math.abs(want.mean[c]) : 0);
  const xHatOff = (c: number) => off(c) * want.invStd[c];
  const maxDy = most((i) => dy[i]);
  const sumDy = sum((i) => dy[i]);
  const xHat = (i: number, c: number) => (x[i] - want.mean[c]) * want.invStd[c];
  const sumDyXHat = sum((i, c) => dy[i] * xHat(i, c));
  const maxXHat = most(xHat);
  const frozenInvStd = stat((c) => invStdOf(frozenVar[c], eps));
  const frozenXHat = (i: number, c: number) => (x[i] - frozenMean[c]) * frozenInvStd[c];
  const frozenSum = sum((i, c) => dy[i] * frozenXHat(i, c));
  const maxY = most((i) => want.y[i]);
  // One row's gamma · xHat may cancel beta, so the scale is theirs and not the result's.
  const maxInferY = most((i, c) => gammaOf(c) * Math.abs(frozenXHat(i, c)) + betaOf(c));
  const meanScale = (c: number) => Math.max(Math.abs(want.mean[c]), deviation(c));
  // A reassociated mean also moves m2, by the square of its own error.
  const relative = (c: number) => 1e-6 + (want.variance[c] > 0 ? (off(c) ** 2 + 2 * off(c) * deviation(c)) / want.variance[c] : 0);
  return {
    y: stat((c) => 2e-6 * maxY[c] + gammaOf(c) * xHatOff(c)),
    inferY: stat((c) => 2e-6 * maxInferY[c]),
    mean: stat((c) => 2e-6 * meanScale(c) + off(c)),
    runningMean: stat((c) => 2e-6 * Math.max(meanScale(c), Math.abs(inputs.runningMean[c])) + off(c)),
    variance: stat((c) => relative(c) * want.variance[c] + off(c) ** 2 + SMALLEST),
    invStd: stat((c) => relative(c) * want.invStd[c]),
    runningVar: stat((c) => relative(c) * Math.abs(want.runningVar[c]) + SMALLEST),
    dx: stat((c) => gammaOf(c) * want.invStd[c] * maxDy[c] * (2e-6 + 2 * xHatOff(c) * (1 + maxXHat[c]))),
    dgamma: stat((c) => 2e-6 * sumDyXHat[c] + xHatOff(c) * sumDy[c]),
    dbeta: stat((c) => 2e-6 * sumDy[c]),
    frozenDx: stat((c) => 2e-6 * gammaOf(c) * frozenInvStd[c] * maxDy[c]),
    frozenDgamma: stat((c) => 2e-6 * frozenSum[c]),
    frozenDbeta: stat((c) => 2e-6 * sumDy[c]),
  };
}

/** The smallest normal f32: a variance below it may be flushed to 0. */
const SMALLEST = 2 ** -126;

/** Values of a channel that lie together. */
export function runOf({ layout, spatial }: Pick<Inputs, 'layout' | 'spatial'>): number {
  return layout === 'channelsLast' ? 1 : spatial;
}

/** Where a row's value of a channel stands; rows count (batch, spatial) in order. */
export function indexOf(inputs: Pick<Inputs, 'layout' | 'spatial' | 'channels'>, row: number, c: number): number {
  const run = runOf(inputs);
  return (Math.floor(row / run) * inputs.channels + c) * run + (row % run);
}

function perChannel(inputs: Inputs, next: (found: number, i: number, c: number) => number): Float64Array {
  const { channels, x } = inputs;
  const found = new Float64Array(channels);
  const run = runOf(inputs);
  for (let i = 0, c = 0; i < x.length; c = c + 1 === channels ? 0 : c + 1) {
    for (const end = i + run; i < end; i++) found[c] = next(found[c], i, c);
  }
  return found;
}
