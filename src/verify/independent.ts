import type { Floats } from '../reference/types.js';
import { formulaOf } from './activations.js';
import { type Expected, type Inputs, indexOf } from './expected.js';

/**
 * A second implementation, for holding the reference itself to account: column by column, compensated sums,
 * and the paper's own chain of gradients (∂l/∂xHat, ∂l/∂variance, ∂l/∂mean, ∂l/∂x) instead of the closed form.
 * It shares no arithmetic with src/reference.
 *
 * Ioffe & Szegedy 2015, Algorithm 1 and section 3; sums after Neumaier 1974.
 */
export function independent(inputs: Inputs): Expected {
  const { x, dy, rows, channels, eps, momentum, runningVariance, residual, mask, validRows } = inputs;
  const f = formulaOf(inputs.activation ?? 'none');
  const after = (z: number) => f(z)[0];
  const slope = (z: number) => f(z)[1];
  const matrix = () => new Float64Array(rows * channels); // stays 0 in rows that do not count
  const vector = () => new Float64Array(channels);
  const want: Expected = {
    y: matrix(), dx: matrix(), inferY: matrix(), frozenDx: matrix(),
    mean: vector(), variance: vector(), invStd: vector(), runningMean: vector(), runningVar: vector(),
    dgamma: vector(), dbeta: vector(), frozenDgamma: vector(), frozenDbeta: vector(),
    dresidual: matrix(), frozenDresidual: matrix(),
  };
  const masked = (mask ?? validRows ?? null) !== null;
  const counted = Uint32Array.from({ length: rows }, (_, row) => row).filter((row) => (mask ? mask[row] !== 0 : row < (validRows ?? rows)));
  const count = counted.length;
  const weight = momentum === 'cumulative' ? 1 / ((inputs.batches ?? 0) + 1) : momentum;
  const column = new Uint32Array(count); // where the counted rows' values stand
  for (let c = 0; c < channels; c++) {
    place(inputs, counted, c, column);
    const gamma = inputs.gamma ? inputs.gamma[c] : 1;
    const beta = inputs.beta ? inputs.beta[c] : 0;
    const [xs, dys, rest] = [gather(x, column), gather(dy, column), residual ? gather(residual, column) : new Float64Array(count)];

    const rough = count === 0 ? 0 : sum(xs) / count;
    const mean = count === 0 ? 0 : rough + sum(xs.map((value) => value - rough)) / count;
    const centred = xs.map((value) => value - mean);
    const variance = count === 0 ? 0 : sum(centred.map((value) => value ** 2)) / count;
    const std = Math.sqrt(normal(normal(variance) + normal(eps)));
    const xHat = centred.map((value) => (std === 0 ? 0 : value / std));
    const z = xHat.map((value, k) => gamma * value + beta + rest[k]);
    const dz = dys.map((value, k) => slope(z[k]) * value);
    const dVariance = std === 0 ? 0 : sum(dz.map((value, k) => value * gamma * centred[k])) * -0.5 * std ** -3;
    const dMean = std === 0 || count === 0 ? 0 : -sum(dz.map((value) => value * gamma)) / std + (dVariance * -2 * sum(centred)) / count;
    want.mean[c] = mean;
    want.variance[c] = variance;
    want.invStd[c] = std === 0 ? 0 : 1 / std;
    want.dgamma[c] = sum(dz.map((value, k) => value * xHat[k]));
    want.dbeta[c] = sum(dz);
    scatter(z.map(after), column, want.y);
    scatter(dz.map((value, k) => (std === 0 ? 0 : (value * gamma) / std + (dVariance * 2 * centred[k]) / count + dMean / count)), column, want.dx);
    scatter(dz, column, want.dresidual);

    const unbiased = runningVariance === 'unbiased';
    const kept = unbiased && count > 1 ? (variance * count) / (count - 1) : variance;
    const stays = count === 0 || (masked && unbiased && count === 1); // one valid row has no unbiased variance
    want.runningMean[c] = count === 0 ? inputs.runningMean[c] : inputs.runningMean[c] * (1 - weight) + mean * weight;
    want.runningVar[c] = stays ? inputs.runningVar[c] : inputs.runningVar[c] * (1 - weight) + kept * weight;

    const frozenMean = inputs.frozenMean[c];
    const frozenStd = Math.sqrt(normal(normal(inputs.frozenVar[c]) + normal(eps)));
    const frozen = xs.map((value) => (frozenStd === 0 ? 0 : (value - frozenMean) / frozenStd));
    const inferred = frozen.map((value, k) => gamma * value + beta + rest[k]);
    const frozenDz = dys.map((value, k) => slope(inferred[k]) * value);
    want.frozenDgamma[c] = sum(frozenDz.map((value, k) => value * frozen[k]));
    want.frozenDbeta[c] = sum(frozenDz);
    scatter(inferred.map(after), column, want.inferY);
    scatter(frozenDz.map((value) => (frozenStd === 0 ? 0 : (value * gamma) / frozenStd)), column, want.frozenDx);
    scatter(frozenDz, column, want.frozenDresidual);
  }
  return want;
}

/** What f32 may flush, 0: a variance counts only from the smallest normal f32 on. */
const normal = (value: number): number => (value > -(2 ** -126) && value < 2 ** -126 ? 0 : value);

/** Where the rows' values of a channel stand. */
function place(inputs: Inputs, rows: Uint32Array, c: number, places: Uint32Array): void {
  for (let k = 0; k < rows.length; k++) places[k] = indexOf(inputs, rows[k], c);
}

function scatter(values: Float64Array, places: Uint32Array, into: Float64Array): void {
  for (let k = 0; k < places.length; k++) into[places[k]] = values[k];
}

function gather(values: Floats, places: Uint32Array): Float64Array {
  const gathered = new Float64Array(places.length);
  for (let k = 0; k < places.length; k++) gathered[k] = values[places[k]];
  return gathered;
}

/** Neumaier's compensated sum. */
function sum(values: Float64Array): number {
  let total = 0;
  let lost = 0;
  for (let k = 0; k < values.length; k++) {
    const value = values[k];
    const next = total + value;
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total;
    total = next;
  }
  return total + lost;
}
