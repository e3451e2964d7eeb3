// Claim: population statistics are the paper's, or those of all rows pooled.
// Control: one batch, where both are that batch's.
import { describe, expect, it } from 'vitest';
import { emptyMoments, forward, moments, populationStatistics, statistics } from '../../src/reference/index.js';
import { apart, f64, normals } from './data.js';

const batch = (...values: number[]) => moments(f64(...values), { rows: values.length, channels: 1 });

describe('by hand', () => {
  const two = [batch(1, 3), batch(10, 10, 16)]; // means 2 and 12, m2 2 and 24

  it('control: one batch', () => {
    for (const method of ['paper', 'pooled'] as const) {
      expect(populationStatistics([two[0]], method)).toEqual({ count: 2, mean: f64(2), variance: f64(2) });
    }
  });

  it('paper: every batch weighs the same, each with its own m / (m − 1)', () => {
    expect(populationStatistics(two, 'paper')).toEqual({ count: 5, mean: f64(7), variance: f64(7) }); // (2 + 12) / 2
  });

  it('pooled: every row weighs the same', () => {
    const { count, mean, variance } = populationStatistics(two, 'pooled', { runningVariance: 'biased' });
    expect(count).toBe(5);
    expect(mean[0]).toBeCloseTo(8, 14);
    expect(variance[0]).toBeCloseTo(146 / 5, 12); // 49 + 25 + 4 + 4 + 64
    expect(populationStatistics(two, 'pooled').variance[0]).toBeCloseTo(146 / 4, 12);
  });

  it('statistics do as well as moments, and a batch without a row is passed over', () => {
    for (const method of ['paper', 'pooled'] as const) {
      const want = populationStatistics(two, method);
      const got = populationStatistics([emptyMoments(1), ...two.map((each) => statistics(each, 1e-3)), emptyMoments(1)], method);
      expect(got.count).toBe(5);
      expect(apart(got.mean, want.mean)).toBeLessThan(1e-14);
      expect(apart(got.variance, want.variance)).toBeLessThan(1e-12);
    }
  });

  it('its inputs are left as they were', () => {
    const given = batch(1, 3);
    populationStatistics([given, given], 'pooled').mean.fill(9);
    populationStatistics([given], 'paper').mean.fill(9);
    expect(given).toEqual(batch(1, 3));
  });
});

describe('many batches', () => {
  const x = normals(8 * 4000, 11).map((value) => 2 * value + 5); // variance 4
  const shape = { rows: 8, channels: 1 };
  const batches = Array.from({ length: 4000 }, (_, k) => forward({ x: x.subarray(8 * k, 8 * k + 8) }, shape, 0));

  it('pooled is exact: the moments of all rows', () => {
    const { count, mean, m2 } = moments(x, { rows: x.length, channels: 1 });
    const pooled = populationStatistics(batches, 'pooled', { runningVariance: 'biased' });
    expect(pooled.count).toBe(count);
    expect(pooled.mean[0]).toBeCloseTo(mean[0], 12);
    expect(pooled.variance[0]).toBeCloseTo(m2[0] / count, 11);
  });

  it('batches of 8 with variance 4 give one near 4, and 3.5 without the unbiased factor', () => {
    // A batch's sample variance deviates by 4 · √(2/7), so their mean by 0.034; four of those here.
    expect(Math.abs(populationStatistics(batches, 'paper').variance[0] - 4)).toBeLessThan(0.14);
    const biased = batches.reduce((sum, { variance }) => sum + variance[0], 0) / batches.length;
    expect(Math.abs(biased - 3.5)).toBeLessThan(0.14);
  });
});

describe('bad input', () => {
  const some = batch(1, 2);
  it.each<[string, () => unknown, string]>([
    ['none', () => populationStatistics([], 'paper'), 'populationStatistics: "batches" has no row, needs at least one batch that has. Run some batches first.'],
    ['none with a row', () => populationStatistics([emptyMoments(1)], 'pooled'), 'populationStatistics: "batches" has no row'],
    ['one row, paper', () => populationStatistics([some, batch(1)], 'paper'),
      'populationStatistics: "batches[1]" has 1 row, needs at least 2 (the paper divides by m − 1). Leave it out, or use \'pooled\'.'],
    ['one row in all', () => populationStatistics([batch(1), emptyMoments(1)], 'pooled'), 'populationStatistics: "batches" has 1 row, needs at least 2'],
    ['another layer', () => populationStatistics([some, emptyMoments(3)], 'pooled'),
      'populationStatistics: "batches[1]" has 3 channels, needs 1 (those of batches[0]). Give batches of one layer.'],
    ['half a count', () => populationStatistics([{ ...some, count: 1.5 }], 'pooled'),
      'populationStatistics: "batches[0].count" is 1.5, needs an integer of at least 0.'],
    ['method', () => populationStatistics([some], 'exact' as never), 'populationStatistics: "method" is "exact", needs \'paper\' or \'pooled\'.'],
    ['biased, paper', () => populationStatistics([some], 'paper', { runningVariance: 'biased' }),
      'populationStatistics: "runningVariance" is "biased", needs \'unbiased\' (the paper multiplies by m / (m − 1)). Use \'pooled\' for the biased one.'],
    ['neither', () => populationStatistics([some], 'pooled', { runningVariance: 'sample' as never }),
      'populationStatistics: "runningVariance" is "sample", needs \'biased\' or \'unbiased\'.'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));
  it('control', () => {
    expect(populationStatistics([batch(1)], 'pooled', { runningVariance: 'biased' })).toEqual({ count: 1, mean: f64(1), variance: f64(0) });
  });
});
