import { type Activation, curveOf, isActivated, resolveActivation } from '../core/activations.js';
import type { Storage } from '../core/storage.js';
import type { Numbers } from '../core/options.js';
import type { Layout } from '../core/shape.js';
import { backward, backwardFrozen } from '../reference/backward.js';
import { forward } from '../reference/forward.js';
import { infer } from '../reference/infer.js';
import { updateRunning } from '../reference/running.js';
import { invStdOf } from '../reference/types.js';
import type { ValidRows } from '../reference/walk.js';

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
  /** What x, dy and the residual have been, and results will be, rounded to. Default `'f32'`. */
  storage?: Storage;
  /** rows·channels, added to gamma · xHat + beta. */
  residual?: Float32Array | null;
  activation?: Activation;
  /** 1 for each row that counts and 0 for the others, or how many from the first do. Default all. */
  mask?: Uint32Array | null;
  validRows?: number | null;
  /** Batches before this one, for `momentum: 'cumulative'`. Default 0. */
  batches?: number;
  inPlace?: boolean;
}

export const MATRIX_OUTPUTS = ['y', 'dx', 'dresidual', 'inferY', 'frozenDx', 'frozenDresidual'] as const;
export const VECTOR_OUTPUTS = [
  'mean', 'variance', 'invStd', 'runningMean', 'runningVar', 'dgamma', 'dbeta', 'frozenDgamma', 'frozenDbeta',
] as const;
export const OUTPUTS = [...MATRIX_OUTPUTS, ...VECTOR_OUTPUTS] as const;
export type Output = (typeof OUTPUTS)[number];

/** All that comes out of one case, in f64. */
export type Expected = Record<Output, Float64Array>;

/** The reference's answers. The residual's gradients are dz, also where there is no residual. */
export function expected(inputs: Inputs): Expected {
  const { dy, eps, frozenMean, frozenVar, activation = 'none', residual: given } = inputs;
  const [gamma, beta, residual] = [inputs.gamma ?? undefined, inputs.beta ?? undefined, given ?? undefined];
  const read = { x: inputs.x, gamma, beta, residual, activation, ...rowsOf(inputs) };
  const running = { runningMean: frozenMean, runningVar: frozenVar };
  const { y, count, mean, variance, invStd } = forward(read, inputs, eps);
  // The reference gives dz as the gradient of a residual: behind an activation without one, of a residual of 0.
  const seen = { ...read, residual: residual ?? (activation !== 'none' ? new Float32Array(dy.length) : undefined) };
  const { dx, dgamma, dbeta, dresidual } = backward({ ...seen, dy, mean, invStd }, inputs);
  const tracked = { mean: Float64Array.from(inputs.runningMean), variance: Float64Array.from(inputs.runningVar) };
  const momentum = inputs.momentum === 'cumulative' ? 1 / ((inputs.batches ?? 0) + 1) : inputs.momentum;
  updateRunning(tracked, { mean, variance }, count, { momentum, runningVariance: inputs.runningVariance, masked: isMasked(inputs) });
  const frozen = backwardFrozen({ ...seen, dy, ...running }, inputs, eps);
  const inferY = infer({ ...read, ...running }, inputs, eps);
  const dz = () => new Float64Array(dy);
  return {
    y, dx, inferY, mean, variance, invStd, dgamma, dbeta, dresidual: dresidual ?? dz(),
    runningMean: tracked.mean, runningVar: tracked.variance,
    frozenDx: frozen.dx, frozenDgamma: frozen.dgamma, frozenDbeta: frozen.dbeta, frozenDresidual: frozen.dresidual ?? dz(),
  };
}

const isMasked = ({ mask, validRows }: Inputs): boolean => (mask ?? validRows ?? null) !== null;

function rowsOf({ mask, validRows }: Inputs): ValidRows {
  return { mask: mask ?? undefined, validRows: validRows ?? undefined };
}

/** Whether a row counts. */
export function counts({ mask, validRows }: Inputs, row: number): boolean {
  if (mask) return mask[row] !== 0;
  return typeof validRows !== 'number' || row < validRows;
}

/**
 * What each output may be off by, per channel (DESIGN: "Numbers").
 *
 * 2e-6 of a scale: for y max|y|, in inference, with a residual or an activation max(|gamma · xHat| + |beta| + |residual|) · max|f′|; for dx
 * |gamma| · invStd · max|dz|; for dgamma Σ|dz · xHat| + 0.06 · Σ|dz|, the mean being good to 2⁻²⁴ deviations; for dbeta Σ|dz|;
 * for the mean max(|mean|, deviation), for the running mean also
 * |what it was|. Behind a curved activation dz = f′(z) · dy may be off by max|f″| · |dy| times what z may.
 * 1e-6 relative for variance, invStd and the running variance. Rows that do not count are left out of all scales.
 * What storage adds is `compare`'s. An adapter may flush what is below the smallest normal f32, of inputs, results and all between:
 * each may be off by that much, and so x − mean by twice as much and the variance by what that and the squares lose.
 *
 * @param plain - the compiler reassociates, so the mean is a plain f32: it, and every x − mean, may be off by
 *   4 · 2⁻²⁴ · |mean| more.
 */
export function boundsOf(inputs: Inputs, want: Expected, plain: boolean): Record<Output, Float64Array> {
  const { x, dy, gamma, beta, eps, frozenMean, frozenVar, channels, residual } = inputs;
  const activation = resolveActivation('boundsOf', inputs.activation ?? 'none');
  const activated = isActivated(activation);
  const { steepest, bend } = curveOf(activation);
  const exact = bend === 0 && activation.slope === undefined; // f′ is 0 or 1
  const stat = (value: (c: number) => number) => Float64Array.from({ length: channels }, (_, c) => value(c));
  const gammaOf = (c: number) => Math.abs(gamma ? gamma[c] : 1);
  const betaOf = (c: number) => Math.abs(beta ? beta[c] : 0);
  const deviation = (c: number) => Math.sqrt(want.variance[c]);
  const off = (c: number) => (plain ? 4 * 2 ** -24 * Math.abs(want.mean[c]) : 0);
  const xHatOff = (c: number) => (off(c) + 2 * SMALLEST) * want.invStd[c];
  const varianceOff = (c: number) => SMALLEST * (1 + 4 * deviation(c));
  const [dz, frozenDz] = activated ? [want.dresidual, want.frozenDresidual] : [dy, dy];
  const frozenInvStd = stat((c) => invStdOf(frozenVar[c], eps));
  const zeros = () => new Float64Array(channels);
  const [maxXHat, maxY, maxInferY, maxDz, maxFrozenDz] = [zeros(), zeros(), zeros(), zeros(), zeros()];
  const [sumDz, sumDzXHat, sumFrozenDz, frozenSum] = [zeros(), zeros(), zeros(), zeros()];
  const [maxDy, sumDy, sumDyXHat, sumDyFrozenXHat] = [zeros(), zeros(), zeros(), zeros()];
  eachCounted(inputs, (i, c) => {
    const xHat = Math.abs((x[i] - want.mean[c]) * want.invStd[c]);
    const frozenXHat = Math.abs((x[i] - frozenMean[c]) * frozenInvStd[c]);
    const rest = betaOf(c) + (residual ? Math.abs(residual[i]) : 0);
    const [dzSize, frozenDzSize] = [Math.abs(dz[i]), Math.abs(frozenDz[i])];
    maxXHat[c] = Math.max(maxXHat[c], xHat);
    maxY[c] = Math.max(maxY[c], activated || residual ? gammaOf(c) * xHat + rest : Math.abs(want.y[i]));
    // One row's gamma · xHat may cancel beta, so the scale is theirs and not the result's.
    maxInferY[c] = Math.max(maxInferY[c], gammaOf(c) * frozenXHat + rest);
    maxDz[c] = Math.max(maxDz[c], dzSize);
    maxFrozenDz[c] = Math.max(maxFrozenDz[c], frozenDzSize);
    sumDz[c] += dzSize;
    sumDzXHat[c] += dzSize * xHat;
    sumFrozenDz[c] += frozenDzSize;
    frozenSum[c] += frozenDzSize * frozenXHat;
    if (exact) return;
    const dySize = Math.abs(dy[i]);
    maxDy[c] = Math.max(maxDy[c], dySize);
    sumDy[c] += dySize;
    sumDyXHat[c] += dySize * xHat;
    sumDyFrozenXHat[c] += dySize * frozenXHat;
  });
  const meanScale = (c: number) => Math.max(Math.abs(want.mean[c]), deviation(c));
  // A reassociated mean also moves m2, by the square of its own error.
  const relative = (c: number) => 1e-6 + (want.variance[c] > 0 ? (off(c) ** 2 + 2 * off(c) * deviation(c)) / want.variance[c] : 0);
  const zOff = (c: number) => 2e-6 * maxY[c] + gammaOf(c) * xHatOff(c) + SMALLEST;
  const frozenZOff = (c: number) => 2e-6 * maxInferY[c] + 2 * SMALLEST * gammaOf(c) * frozenInvStd[c] + SMALLEST;
  // f′ of a z that is off, by each |dy|; besides, what f′ itself loses: exp is good to (3 + 2|z|) ulp where f′ still moves, |z| < 8.
  const bent = (off: number) => (exact ? 0 : bend === 0 ? steepest * 2 ** -23 : bend * off + 20 * 2 ** -23);
  const dzOff = (c: number) => bent(zOff(c));
  const frozenDzOff = (c: number) => bent(frozenZOff(c));
  return {
    y: stat((c) => steepest * zOff(c)),
    inferY: stat((c) => steepest * frozenZOff(c)),
    mean: stat((c) => 2e-6 * meanScale(c) + off(c) + SMALLEST),
    runningMean: stat((c) => 2e-6 * Math.max(meanScale(c), Math.abs(inputs.runningMean[c])) + off(c) + SMALLEST),
    variance: stat((c) => relative(c) * want.variance[c] + off(c) ** 2 + varianceOff(c)),
    invStd: stat((c) => (relative(c) + (want.invStd[c] > 0 ? varianceOff(c) * want.invStd[c] ** 2 : 0)) * want.invStd[c]),
    runningVar: stat((c) => relative(c) * Math.abs(want.runningVar[c]) + varianceOff(c)),
    dx: stat((c) => gammaOf(c) * want.invStd[c] * (
      maxDz[c] * (2e-6 + 2 * xHatOff(c) * (1 + maxXHat[c])) + dzOff(c) * maxDy[c] * (2 + maxXHat[c]) + SMALLEST)),
    dresidual: stat((c) => dzOff(c) * maxDy[c]),
    dgamma: stat((c) => 2e-6 * sumDzXHat[c] + (1.2e-7 + xHatOff(c)) * sumDz[c] + dzOff(c) * sumDyXHat[c] + SMALLEST * inputs.rows * want.invStd[c]),
    dbeta: stat((c) => 2e-6 * sumDz[c] + dzOff(c) * sumDy[c]),
    frozenDx: stat((c) => gammaOf(c) * frozenInvStd[c] * (2e-6 * maxFrozenDz[c] + frozenDzOff(c) * maxDy[c])),
    frozenDresidual: stat((c) => frozenDzOff(c) * maxDy[c]),
    frozenDgamma: stat((c) => 2e-6 * frozenSum[c] + frozenDzOff(c) * sumDyFrozenXHat[c] + SMALLEST * (2 * sumFrozenDz[c] + inputs.rows) * frozenInvStd[c]),
    frozenDbeta: stat((c) => 2e-6 * sumFrozenDz[c] + frozenDzOff(c) * sumDy[c]),
  };
}

/** The smallest normal f32: what is below it may be flushed to 0. */
const SMALLEST = 2 ** -126;

/**
 * Leaves out of the comparison what is decided by less than rounding: where a pre-activation is within 4 ulp of a kink the
 * gradient may be either side's, so dy is made 0 there. Gives how many those are, of training and of inference together.
 */
export function settleKinks(inputs: Inputs): number {
  const { x, gamma, beta, residual, eps, frozenMean, frozenVar, dy } = inputs;
  const read = { x, gamma: gamma ?? undefined, beta: beta ?? undefined, residual: residual ?? undefined, ...rowsOf(inputs) };
  const { kinks } = curveOf(resolveActivation('settleKinks', inputs.activation ?? 'none'));
  if (kinks.length === 0) return 0;
  const { y, mean, invStd } = forward(read, inputs, eps);
  const inferred = infer({ ...read, runningMean: frozenMean, runningVar: frozenVar }, inputs, eps);
  let settled = 0;
  eachCounted(inputs, (i, c) => {
    const rest = Math.abs(beta ? beta[c] : 0) + Math.abs(residual ? residual[i] : 0);
    const scale = Math.abs(gamma ? gamma[c] : 1);
    const near = (z: number, xHat: number) => kinks.some((kink) => Math.abs(z - kink) <= 4 * 2 ** -23 * (scale * Math.abs(xHat) + rest));
    if (near(y[i], (x[i] - mean[c]) * invStd[c]) || near(inferred[i], (x[i] - frozenMean[c]) * invStdOf(frozenVar[c], eps))) {
      dy[i] = 0;
      settled++;
    }
  });
  return settled;
}

/** Values of a channel that lie together. */
export function runOf({ layout, spatial }: Pick<Inputs, 'layout' | 'spatial'>): number {
  return layout === 'channelsLast' ? 1 : spatial;
}

/** Where a row's value of a channel stands; rows count (batch, spatial) in order. */
export function indexOf(inputs: Pick<Inputs, 'layout' | 'spatial' | 'channels'>, row: number, c: number): number {
  const run = runOf(inputs);
  return (Math.floor(row / run) * inputs.channels + c) * run + (row % run);
}

/** Visits the values of the rows that count, in memory order. */
function eachCounted(inputs: Inputs, visit: (i: number, c: number) => void): void {
  const { channels, rows } = inputs;
  const run = runOf(inputs);
  const counted = Uint8Array.from({ length: rows }, (_, row) => Number(counts(inputs, row)));
  for (let row = 0; row < rows; row += run) {
    for (let c = 0; c < channels; c++) {
      const first = ((row / run) * channels + c) * run;
      for (let at = 0; at < run; at++) if (counted[row + at]) visit(first + at, c);
    }
  }
}
