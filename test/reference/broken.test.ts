// Claim: broken values stay visible in the reference, and what f32 may flush counts as 0. Control: ordinary values.
import { describe, expect, it } from 'vitest';
import { backward, backwardFrozen, backwardStaged, forward, infer, moments, statistics, updateRunning } from '../../src/reference/index.js';
import { invStdOf } from '../../src/reference/types.js';

const f64 = (...values: number[]) => Float64Array.from(values);
const shape = { rows: 4, channels: 1 };

describe('invStd', () => {
  it.each<[string, number, number, number]>([
    ['control', 3, 1, 0.5],
    ['both 0', 0, 0, 0],
    ['NaN', NaN, 1, NaN],
    ['below −eps', -2, 1, NaN],
    ['−∞', -Infinity, 1, NaN],
    ['−eps', -1, 1, 0],
    ['between −eps and 0', -0.75, 1, 2],
    ['∞', Infinity, 1, 0],
    ['the smallest normal f32', 2 ** -126, 0, 2 ** 63],
    ['below it', 2 ** -127, 0, 0],
    ['an eps below it', 0, 1e-50, 0],
    ['both below it, their sum not', 0.9 * 2 ** -126, 0.9 * 2 ** -126, 0],
  ])('%s', (_, variance, eps, want) => expect(invStdOf(variance, eps)).toBe(want));
});

describe('NaN behind a ReLU', () => {
  it('is NaN forward and backward, where it stands; a NaN of dy that the ReLU lets not back is 0', () => {
    const residual = f64(0, NaN, 0, -9);
    const running = { runningMean: f64(0), runningVar: f64(1) };
    const [x, dy] = [f64(1, 1, -1, 1), f64(2, 3, NaN, 5)];
    expect(infer({ x, residual, activation: 'relu' as const, ...running }, shape, 0)).toEqual(f64(1, NaN, 0, 0));
    const { dx, dresidual, dbeta } = backwardFrozen({ x, dy, residual, activation: 'relu' as const, ...running }, shape, 0);
    expect([dx, dresidual, dbeta]).toEqual([f64(2, NaN, 0, 0), f64(2, NaN, 0, 0), f64(NaN)]);
  });
});

describe('what is not finite in a batch', () => {
  it.each<[string, Float64Array]>([
    ['NaN', f64(1, NaN, 2, 3)], ['∞', f64(1, Infinity, 2, 3)], ['squares beyond f64', f64(1e200, -1e200, 2e200, 0)],
  ])('%s: y, dx and both forms of the backward are NaN, never beta', (_, x) => {
    const batch = forward({ x }, shape, 1e-5);
    expect(batch.y).toEqual(f64(NaN, NaN, NaN, NaN));
    expect(backward({ x, dy: f64(1, 2, 3, 4), ...batch }, shape).dx).toEqual(f64(NaN, NaN, NaN, NaN));
    expect(backwardStaged({ x, dy: f64(1, 2, 3, 4) }, shape, 1e-5).dx).toEqual(f64(NaN, NaN, NaN, NaN));
  });

  it('beyond f32 only: f64 has the true answer, and running statistics in f32 are NaN', () => {
    const x = f64(1e20, -1e20, 2e20, 0);
    const { mean, variance } = statistics(moments(x, shape), 1e-5);
    expect(variance[0]).toBeCloseTo(1.25e40, -26);
    const options = { momentum: 0.1, runningVariance: 'unbiased' } as const;
    const narrow = { mean: Float32Array.of(0), variance: Float32Array.of(1) };
    updateRunning(narrow, { mean, variance }, 4, options);
    expect(narrow).toEqual({ mean: Float32Array.of(5e18), variance: Float32Array.of(NaN) });
    const wide = { mean: f64(0), variance: f64(1) };
    updateRunning(wide, { mean, variance }, 4, options);
    expect(wide.variance[0] / 1e40).toBeCloseTo(0.1 * 1.25 * (4 / 3), 12);
  });

  it('no running statistic becomes infinite', () => {
    const running = { mean: f64(0, 0), variance: Float32Array.of(1, Infinity) };
    updateRunning(running, { mean: f64(Infinity, 0), variance: f64(3e38, 1) }, 2, { momentum: 1, runningVariance: 'unbiased' });
    expect(running).toEqual({ mean: f64(NaN, 0), variance: Float32Array.of(NaN, NaN) });
  });
});

describe('rows that count', () => {
  it('any number but 0 in a mask; all, where there are fewer than validRows', () => {
    const x = f64(1, 2, 4, 8);
    const batch = (valid: object) => forward({ x, ...valid }, shape, 1e-5);
    expect(batch({ mask: Uint32Array.of(7, 1, 0, 0xffffffff) })).toEqual(batch({ mask: Uint32Array.of(1, 1, 0, 1) }));
    expect(batch({ validRows: 2 ** 32 })).toEqual(batch({}));
  });
});
