import { type Numbers, checkUnbiased, runningVarianceFactor } from '../plan/options.js';
import { type Floats } from './types.js';

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
 * @throws {RangeError} the arrays differ in length, or `rows` is 1 and the variance unbiased.
 */
export function updateRunning(
  running: { mean: Floats; variance: Floats },
  batch: { mean: Floats; variance: Floats },
  rows: number,
  { momentum, runningVariance }: Pick<Numbers, 'momentum' | 'runningVariance'>,
): void {
  const channels = batch.mean.length;
  for (const [name, array] of Object.entries({ 'running.mean': running.mean, 'running.variance': running.variance })) {
    if (array.length !== channels) {
      throw new RangeError(`updateRunning: "${name}" has ${array.length} elements, needs ${channels} (those of the batch). Give one per channel.`);
    }
  }
  checkUnbiased('updateRunning', rows, runningVariance);
  const factor = runningVarianceFactor(rows, runningVariance);
  for (let c = 0; c < channels; c++) {
    running.mean[c] = (1 - momentum) * running.mean[c] + momentum * batch.mean[c];
    running.variance[c] = (1 - momentum) * running.variance[c] + momentum * batch.variance[c] * factor;
  }
}
