// Claim: the running statistics move by a batch's weight, and a masked batch with too few rows moves only what it can.
// Control: a batch of several rows moves both. (By hand, biased and unbiased: reference.test.ts.)
import { describe, expect, it } from 'vitest';
import { forward, updateRunning } from '../../src/reference/index.js';
import { f64, normals } from './data.js';

const batch = { mean: f64(4), variance: f64(3) };
function run(rows: number, options: Partial<Parameters<typeof updateRunning>[3]>) {
  const running = { mean: f64(2), variance: f64(1) };
  const moved = updateRunning(running, batch, rows, { momentum: 0.25, runningVariance: 'unbiased', ...options });
  return { moved, mean: running.mean[0], variance: running.variance[0] };
}

describe('masked batches', () => {
  it('control: four rows, masked or not', () => {
    const want = { moved: { mean: true, variance: true }, mean: 2.5, variance: 1.75 };
    expect(run(4, {})).toEqual(want);
    expect(run(4, { masked: true })).toEqual(want);
  });

  it('no row: nothing moves', () => {
    expect(run(0, { masked: true })).toEqual({ moved: { mean: false, variance: false }, mean: 2, variance: 1 });
    expect(run(0, { masked: true, runningVariance: 'biased' })).toEqual({ moved: { mean: false, variance: false }, mean: 2, variance: 1 });
  });

  it('one row: the mean moves, the variance if biased', () => {
    expect(run(1, { masked: true })).toEqual({ moved: { mean: true, variance: false }, mean: 2.5, variance: 1 });
    expect(run(1, { masked: true, runningVariance: 'biased' })).toEqual({ moved: { mean: true, variance: true }, mean: 2.5, variance: 1.5 });
  });

  it('two rows: both', () => expect(run(2, { masked: true })).toEqual({ moved: { mean: true, variance: true }, mean: 2.5, variance: 2.25 }));

  it('a batch’s count is what it takes', () => {
    const running = { mean: f64(2, 2), variance: f64(1, 1) };
    const { count, ...none } = forward({ x: new Float64Array(6).fill(NaN), validRows: 0 }, { rows: 3, channels: 2 }, 1e-5);
    expect(updateRunning(running, none, count, { momentum: 0.1, runningVariance: 'unbiased', masked: true })).toEqual({ mean: false, variance: false });
    expect(running).toEqual({ mean: f64(2, 2), variance: f64(1, 1) });
  });
});

describe('momentum 1 / k', () => {
  it('gives the plain mean over the batches, whatever stood there', () => {
    const running = { mean: f64(77), variance: f64(-5) };
    const batches = Array.from({ length: 7 }, (_, k) => forward({ x: normals(10, k + 1) }, { rows: 10, channels: 1 }, 0));
    batches.forEach((batch, i) => updateRunning(running, batch, 10, { momentum: 1 / (i + 1), runningVariance: 'unbiased' }));
    const mean = (value: (batch: (typeof batches)[0]) => number) => batches.reduce((sum, batch) => sum + value(batch), 0) / 7;
    expect(running.mean[0]).toBeCloseTo(mean((batch) => batch.mean[0]), 14);
    expect(running.variance[0]).toBeCloseTo(mean((batch) => batch.variance[0]) * (10 / 9), 14);
  });
});

describe('bad input', () => {
  it.each<[string, () => unknown, string]>([
    ['one row, unmasked', () => run(1, {}), 'updateRunning: "rows" is 1, needs at least 2'],
    ['no row, unmasked', () => run(0, {}), 'updateRunning: "rows" is 0, needs an integer of at least 1.'],
    ['less than none', () => run(-1, { masked: true }), 'updateRunning: "rows" is -1, needs an integer of at least 0.'],
    ['masked a word', () => run(4, { masked: 'no' as never }), 'updateRunning: "masked" is "no", needs true or false.'],
    ['momentum above 1', () => run(4, { momentum: 1.5 }), 'updateRunning: "momentum" is 1.5, needs a number from 0 to 1'],
    ['cumulative', () => run(4, { momentum: 'cumulative' as never }), 'updateRunning: "momentum" is "cumulative", needs a number'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));
});
