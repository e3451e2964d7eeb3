import { checkEps } from '../core/options.js';
import type { Moments } from './moments.js';
import { type Statistics, checkLength, checkRows, invStdsOf, nanUnlessFinite } from './types.js';

/**
 * Moments as what a batch is normalized with.
 *
 *     variance = m2 / count        invStd = 1 / √(variance + eps)
 *
 * A variance that is not finite is NaN, and so is then invStd.
 *
 * @param moments - of the whole batch: its parts' merged. Without a row, mean and variance are 0.
 * @throws {TypeError} {RangeError} `count` or eps cannot be computed with, or `mean` and `m2` differ in length.
 */
export function statistics(moments: Moments, eps: number): Statistics {
  const { count, mean, m2 } = moments;
  checkRows('statistics', 'moments.count', count);
  checkLength('statistics', 'moments.m2', m2, mean.length, 'those of moments.mean');
  checkEps('statistics', eps);
  return statisticsOf(moments, eps);
}

/** `statistics` of checked arguments. */
export function statisticsOf({ count, mean, m2 }: Moments, eps: number): Statistics {
  const variance = new Float64Array(mean.length);
  if (count > 0) for (let c = 0; c < variance.length; c++) variance[c] = nanUnlessFinite(m2[c] / count);
  return { count, mean, variance, invStd: invStdsOf(variance, eps) };
}
