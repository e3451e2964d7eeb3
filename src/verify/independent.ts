import { type Expected, type Inputs, indexOf } from './expected.js';

/**
 * A second implementation, for holding the reference itself to account: column by column, compensated sums,
 * and the paper's own chain of gradients (∂l/∂xHat, ∂l/∂variance, ∂l/∂mean, ∂l/∂x) instead of the closed form.
 * It shares no arithmetic with src/reference.
 *
 * Ioffe & Szegedy 2015, Algorithm 1 and section 3; sums after Neumaier 1974.
 */
export function independent(inputs: Inputs): Expected {
  const { x, dy, rows, channels, eps, momentum, runningVariance } = inputs;
  const matrix = () => new Float64Array(rows * channels);
  const vector = () => new Float64Array(channels);
  const want: Expected = {
    y: matrix(), dx: matrix(), inferY: matrix(), frozenDx: matrix(),
    mean: vector(), variance: vector(), invStd: vector(), runningMean: vector(), runningVar: vector(),
    dgamma: vector(), dbeta: vector(), frozenDgamma: vector(), frozenDbeta: vector(),
  };
  for (let c = 0; c < channels; c++) {
    const at = (row: number) => indexOf(inputs, row, c);
    const sum = (term: (row: number) => number) => neumaier(rows, term);
    const gamma = inputs.gamma ? inputs.gamma[c] : 1;
    const beta = inputs.beta ? inputs.beta[c] : 0;

    const rough = sum((row) => x[at(row)]) / rows;
    const mean = rough + sum((row) => x[at(row)] - rough) / rows;
    const variance = sum((row) => (x[at(row)] - mean) ** 2) / rows;
    const std = Math.sqrt(variance + eps);
    const xHat = (row: number) => (std === 0 ? 0 : (x[at(row)] - mean) / std);
    const dgamma = sum((row) => dy[at(row)] * xHat(row));
    const dbeta = sum((row) => dy[at(row)]);
    const dVariance = std === 0 ? 0 : sum((row) => dy[at(row)] * gamma * (x[at(row)] - mean)) * -0.5 * std ** -3;
    const dMean = std === 0 ? 0 : -sum((row) => dy[at(row)] * gamma) / std + dVariance * sum((row) => -2 * (x[at(row)] - mean)) / rows;
    want.mean[c] = mean;
    want.variance[c] = variance;
    want.invStd[c] = std === 0 ? 0 : 1 / std;
    want.dgamma[c] = dgamma;
    want.dbeta[c] = dbeta;
    for (let row = 0; row < rows; row++) {
      const i = at(row);
      want.y[i] = gamma * xHat(row) + beta;
      want.dx[i] = std === 0 ? 0 : (dy[i] * gamma) / std + (dVariance * 2 * (x[i] - mean)) / rows + dMean / rows;
    }

    const kept = runningVariance === 'unbiased' && rows > 1 ? (variance * rows) / (rows - 1) : variance;
    want.runningMean[c] = inputs.runningMean[c] * (1 - momentum) + mean * momentum;
    want.runningVar[c] = inputs.runningVar[c] * (1 - momentum) + kept * momentum;

    const frozenMean = inputs.frozenMean[c];
    const frozenStd = Math.sqrt(inputs.frozenVar[c] + eps);
    const frozen = (row: number) => (frozenStd === 0 ? 0 : (x[at(row)] - frozenMean) / frozenStd);
    want.frozenDgamma[c] = sum((row) => dy[at(row)] * frozen(row));
    want.frozenDbeta[c] = dbeta;
    for (let row = 0; row < rows; row++) {
      want.inferY[at(row)] = gamma * frozen(row) + beta;
      want.frozenDx[at(row)] = frozenStd === 0 ? 0 : (dy[at(row)] * gamma) / frozenStd;
    }
  }
  return want;
}

function neumaier(rows: number, term: (row: number) => number): number {
  let sum = 0;
  let lost = 0;
  for (let row = 0; row < rows; row++) {
    const value = term(row);
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}
