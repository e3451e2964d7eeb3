import { type RunningVariance, runningVarianceFactor } from '../core/options.js';
import { describe } from '../core/shape.js';
import { type Moments, emptyMoments, merge } from './moments.js';
import { type Statistics, checkRows } from './types.js';

/** What inference uses in a batch's place: `runningMean` and `runningVar` of `infer`. */
export interface Population {
  /** Rows of all batches. */
  count: number;
  mean: Float64Array;
  variance: Float64Array;
}

/**
 * Population statistics from several batches.
 *
 *     'paper'    mean = E[mean]      variance = E[m / (m − 1) · variance]        E over batches, m a batch's count
 *     'pooled'   the moments of all rows of all batches
 *
 * `'paper'` is Ioffe & Szegedy 2015, Algorithm 2, line 10 — https://arxiv.org/abs/1502.03167 — where all batches have
 * m rows. With unequal ones each is multiplied by its own m / (m − 1) and weighs the same in both means, whatever its
 * size. It leaves out how the batches' means differ from each other, `'pooled'` does not: it is exact (PreciseBN).
 *
 * @param batches - moments or statistics of each, the same channels; one without a row is passed over.
 * @param options - `runningVariance`: for `'pooled'`, whether m2 is divided by count or by count − 1, default
 *   `'unbiased'`. `'paper'` is always unbiased.
 * @throws {TypeError} {RangeError} no batch has a row, their channels differ, method or option is none of these, or an
 *   unbiased variance is asked of one row: of a batch in `'paper'`, of all in `'pooled'`.
 */
export function populationStatistics(
  batches: readonly (Moments | Statistics)[],
  method: 'paper' | 'pooled',
  { runningVariance = 'unbiased' }: { runningVariance?: RunningVariance } = {},
): Population {
  const call = 'populationStatistics';
  if (method !== 'paper' && method !== 'pooled') throw new RangeError(`${call}: "method" is ${describe(method)}, needs 'paper' or 'pooled'.`);
  if (runningVariance !== 'unbiased' && (runningVariance !== 'biased' || method === 'paper')) {
    const needed = method === 'paper' ? `'unbiased' (the paper multiplies by m / (m − 1)). Use 'pooled' for the biased one.` : `'biased' or 'unbiased'.`;
    throw new RangeError(`${call}: "runningVariance" is ${describe(runningVariance)}, needs ${needed}`);
  }
  batches.forEach((batch, i) => checkBatch(call, batch, i, batches[0].mean.length, method));
  const seen = batches.filter(({ count }) => count > 0).map(momentsOfBatch);
  if (seen.length === 0) throw new RangeError(`${call}: "batches" has no row, needs at least one batch that has. Run some batches first.`);
  const pooled = seen.reduce(merge, emptyMoments(seen[0].mean.length));
  if (method === 'paper') return { count: pooled.count, ...meansOf(seen) };
  if (pooled.count === 1 && runningVariance === 'unbiased') {
    throw new RangeError(
      `${call}: "batches" has 1 row, needs at least 2 (an unbiased variance divides by rows − 1). ` +
        `Give more, or use runningVariance: 'biased'.`,
    );
  }
  const factor = runningVarianceFactor(pooled.count, runningVariance);
  return { count: pooled.count, mean: pooled.mean, variance: pooled.m2.map((m2) => (m2 / pooled.count) * factor) };
}

function checkBatch(call: string, { count, mean }: Moments | Statistics, i: number, channels: number, method: string): void {
  checkRows(call, `batches[${i}].count`, count);
  if (mean.length !== channels) {
    throw new RangeError(
      `${call}: "batches[${i}]" has ${mean.length} channels, needs ${channels} (those of batches[0]). Give batches of one layer.`,
    );
  }
  if (count === 1 && method === 'paper') {
    throw new RangeError(`${call}: "batches[${i}]" has 1 row, needs at least 2 (the paper divides by m − 1). Leave it out, or use 'pooled'.`);
  }
}

function momentsOfBatch(batch: Moments | Statistics): Moments {
  return 'm2' in batch ? batch : { count: batch.count, mean: batch.mean, m2: batch.variance.map((variance) => variance * batch.count) };
}

/** The mean over batches of their means and of their unbiased variances. */
function meansOf(batches: readonly Moments[]): { mean: Float64Array; variance: Float64Array } {
  const [first] = batches;
  const mean = first.mean.map((value, c) => value + batches.reduce((sum, batch) => sum + (batch.mean[c] - value), 0) / batches.length);
  const variance = first.m2.map((_, c) => batches.reduce((sum, { m2, count }) => sum + m2[c] / (count - 1), 0) / batches.length);
  return { mean, variance };
}
