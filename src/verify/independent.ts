import { type Expected, type Inputs, indexOf } from './expected.js';

/**
 * A second implementation, for holding the reference itself to account: column by column, compensated sums,
 * and the paper's own chain of gradients (∂l/∂xHat, ∂l/∂variance, ∂l/∂mean, ∂l/∂x) instead of the closed form.
 * It shares no arithmetic with src/reference.
 *
 * Ioffe & Szegedy 2015, Algorithm 1 and section 3; sums after Neumaier 1974.
 */
export function independent(inputs: Inputs): Expected {
  const { x, dy, rows, channels, eps, momentum, runningVariance, residual, relu, mask, validRows } = inputs;
  const matrix = () => new Float64Array(rows * channels); // stays 0 in rows that do not count
  const vector = () => new Float64Array(channels);
  const want: Expected = {
    y: matrix(), dx: matrix(), inferY: matrix(), frozenDx: matrix(),
    mean: vector(), variance: vector(), invStd: vector(), runningMean: vector(), runningVar: vector(),
    dgamma: vector(), dbeta: vector(), frozenDgamma: vector(), frozenDbeta: vector(),
    dresidual: matrix(), frozenDresidual: matrix(),
  };
  const masked = (mask ?? validRows ?? null) !== null;
  const counted = Array.from({ length: rows }, (_, row) => row).filter((row) => (mask ? mask[row] === 1 : row < (validRows ?? rows)));
  const count = counted.length;
  const weight = momentum === 'cumulative' ? 1 / ((inputs.batches ?? 0) + 1) : momentum;
  for (let c = 0; c < channels; c++) {
    const at = (row: number) => indexOf(inputs, row, c);
    const sum = (term: (row: number) => number) => neumaier(counted, term);
    const gamma = inputs.gamma ? inputs.gamma[c] : 1;
    const beta = inputs.beta ? inputs.beta[c] : 0;
    const before = (xHat: number, row: number) => gamma * xHat + beta + (residual ? residual[at(row)] : 0);
    const after = (z: number) => (relu && z <= 0 ? 0 : z);

    const rough = count === 0 ? 0 : sum((row) => x[at(row)]) / count;
    const mean = count === 0 ? 0 : rough + sum((row) => x[at(row)] - rough) / count;
    const variance = count === 0 ? 0 : sum((row) => (x[at(row)] - mean) ** 2) / count;
    const std = Math.sqrt(variance + eps);
    const xHat = (row: number) => (std === 0 ? 0 : (x[at(row)] - mean) / std);
    const dz = (row: number) => (relu && !(before(xHat(row), row) > 0) ? 0 : dy[at(row)]);
    const dVariance = std === 0 ? 0 : sum((row) => dz(row) * gamma * (x[at(row)] - mean)) * -0.5 * std ** -3;
    const dMean = std === 0 || count === 0 ? 0 : -sum((row) => dz(row) * gamma) / std + dVariance * sum((row) => -2 * (x[at(row)] - mean)) / count;
    want.mean[c] = mean;
    want.variance[c] = variance;
    want.invStd[c] = std === 0 ? 0 : 1 / std;
    want.dgamma[c] = sum((row) => dz(row) * xHat(row));
    want.dbeta[c] = sum(dz);
    for (const row of counted) {
      const i = at(row);
      want.y[i] = after(before(xHat(row), row));
      want.dx[i] = std === 0 ? 0 : (dz(row) * gamma) / std + (dVariance * 2 * (x[i] - mean)) / count + dMean / count;
      want.dresidual[i] = dz(row);
    }

    const unbiased = runningVariance === 'unbiased';
    const kept = unbiased && count > 1 ? (variance * count) / (count - 1) : variance;
    const stays = count === 0 || (masked && unbiased && count === 1); // one valid row has no unbiased variance
    want.runningMean[c] = count === 0 ? inputs.runningMean[c] : inputs.runningMean[c] * (1 - weight) + mean * weight;
    want.runningVar[c] = stays ? inputs.runningVar[c] : inputs.runningVar[c] * (1 - weight) + kept * weight;

    const frozenMean = inputs.frozenMean[c];
    const frozenStd = Math.sqrt(inputs.frozenVar[c] + eps);
    const frozen = (row: number) => (frozenStd === 0 ? 0 : (x[at(row)] - frozenMean) / frozenStd);
    const frozenDz = (row: number) => (relu && !(before(frozen(row), row) > 0) ? 0 : dy[at(row)]);
    want.frozenDgamma[c] = sum((row) => frozenDz(row) * frozen(row));
    want.frozenDbeta[c] = sum(frozenDz);
    for (const row of counted) {
      want.inferY[at(row)] = after(before(frozen(row), row));
      want.frozenDx[at(row)] = frozenStd === 0 ? 0 : (frozenDz(row) * gamma) / frozenStd;
      want.frozenDresidual[at(row)] = frozenDz(row);
    }
  }
  return want;
}

function neumaier(rows: readonly number[], term: (row: number) => number): number {
  let sum = 0;
  let lost = 0;
  for (const row of rows) {
    const value = term(row);
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}
