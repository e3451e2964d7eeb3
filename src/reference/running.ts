import { type Numbers, checkRunning, checkUnbiased, runningVarianceFactor } from '../plan/options.js';
import { checkCount } from '../plan/shape.js';
import { type Floats, checkLength } from './types.js';

/**
 * Moves the running statistics towards a batch's, in place.
 *
 *     running ← (1 − momentum) · running + momentum · batch
 *
 * With `runningVariance: 'unbiased'` the batch's variance is first multiplied by rows / (rows − 1), as
 * PyTorch does; a batch is normalized with the biased one all the same.
 *
 * @param running - `mean` and `variance`, channels elements each; updated.
 * @param batch - `mean` and biased `variance` of the batch.
 * @throws {TypeError} {RangeError} the arrays differ in length, `rows` or momentum cannot be computed with, or `rows` is 1
 *   and the variance unbiased; then nothing has changed.
 */
export function updateRunning(
  running: { mean: Floats; variance: Floats },
  batch: { mean: Floats; variance: Floats },
  rows: number,
  { momentum, runningVariance }: Pick<Numbers, 'momentum' | 'runningVariance'>,
): void {
  const call = 'updateRunning';
  checkCount(call, 'rows', rows);
  checkRunning(call, { momentum, runningVariance });
  const channels = batch.mean.length;
  const arrays = { 'batch.variance': batch.variance, 'running.mean': running.mean, 'running.variance': running.variance };
  for (const [name, array] of Object.entries(arrays)) checkLength(call, name, array, channels, 'those of batch.mean');
  checkUnbiased(call, rows, runningVariance);
  const factor = runningVarianceFactor(rows, runningVariance);
  for (let c = 0; c < channels; c++) {
    running.mean[c] = (1 - momentum) * running.mean[c] + momentum * batch.mean[c];
    running.variance[c] = (1 - momentum) * running.variance[c] + momentum * batch.variance[c] * factor;
  }
}
