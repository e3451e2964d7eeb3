import { type Numbers, checkFlag, checkRunning, checkUnbiased, runningVarianceFactor } from '../core/options.js';
import { checkCount } from '../core/shape.js';
import { type Floats, checkLength, checkRows, nanUnlessFinite, nanUnlessFiniteF32 } from './types.js';

/** Which of the running statistics a batch has moved. */
export interface Moved {
  mean: boolean;
  variance: boolean;
}

/**
 * Moves the running statistics towards a batch's, in place.
 *
 *     running ← (1 − momentum) · running + momentum · batch
 *
 * With `runningVariance: 'unbiased'` the batch's variance is first multiplied by rows / (rows − 1), as
 * PyTorch does; a batch is normalized with the biased one all the same.
 *
 * How many rows of a masked batch count is up to the data, so with `masked` too few of them are no error: without
 * any, nothing moves; one has no unbiased variance, so then the mean moves and the variance stays.
 *
 * No infinity is stored: where the batch's value, or what would be stored, is not finite in f32 (in f64, where `running` is a
 * `Float64Array`), NaN is, so that inference shows it.
 *
 * @param running - `mean` and `variance`, channels elements each; updated.
 * @param batch - `mean` and biased `variance` of the batch.
 * @param rows - rows the batch's statistics are of: its `count`.
 * @param options - `momentum`, from 0 to 1; 1 / k for the k-th batch, counted from 1, makes the running statistics the
 *   plain mean over all batches so far (PyTorch's `momentum=None`). `masked`, default false.
 * @returns which of the two moved; both unless `masked`.
 * @throws {TypeError} {RangeError} the arrays differ in length, `rows` or momentum cannot be computed with, or, unless
 *   `masked`, `rows` is 0, or 1 and the variance unbiased; then nothing has changed.
 */
export function updateRunning(
  running: { mean: Floats; variance: Floats },
  batch: { mean: Floats; variance: Floats },
  rows: number,
  { momentum, runningVariance, masked = false }: Pick<Numbers, 'momentum' | 'runningVariance'> & { masked?: boolean },
): Moved {
  const call = 'updateRunning';
  checkFlag(call, 'masked', masked);
  (masked ? checkRows : checkCount)(call, 'rows', rows);
  checkRunning(call, { momentum, runningVariance });
  if (typeof momentum !== 'number') {
    throw new TypeError(`${call}: "momentum" is ${JSON.stringify(momentum)}, needs a number. Give 1 / k for the k-th batch.`);
  }
  const channels = batch.mean.length;
  const arrays = { 'batch.variance': batch.variance, 'running.mean': running.mean, 'running.variance': running.variance };
  for (const [name, array] of Object.entries(arrays)) checkLength(call, name, array, channels, 'those of batch.mean');
  if (!masked) checkUnbiased(call, rows, runningVariance);
  const moved = { mean: rows > 0, variance: rows > 1 || (rows === 1 && runningVariance === 'biased') };
  const factor = runningVarianceFactor(rows, runningVariance);
  if (moved.mean) move(running.mean, batch.mean, 1, momentum);
  if (moved.variance) move(running.variance, batch.variance, factor, momentum);
  return moved;
}

function move(running: Floats, batch: Floats, factor: number, momentum: number): void {
  const finite = running instanceof Float32Array ? nanUnlessFiniteF32 : nanUnlessFinite;
  for (let c = 0; c < running.length; c++) running[c] = finite((1 - momentum) * running[c] + momentum * finite(batch[c] * factor));
}
