// Claim: the reference is right: against numbers worked by hand, PyTorch's figures in f64, its own staged twin
// and central differences.
import { describe, expect, it } from 'vitest';
import { random } from '../../src/data/random.js';
import {
  backward, backwardFrozen, backwardStaged, emptyMoments, forward, gradientCheck, infer, merge, moments, updateRunning,
} from '../../src/reference/index.js';
import { FIGURES } from '../../src/verify/figures.js';

const f64 = (...values: number[]) => Float64Array.from(values);
const normals = (length: number, seed: number) => {
  const source = random(seed);
  return Float64Array.from({ length }, () => source.normal());
};

describe('by hand', () => {
  // columns (1, 3) and (10, 10): means 2 and 10, variances 1 and 0
  const x = f64(1, 10, 3, 10);
  const shape = { rows: 2, channels: 2 };

  it('control: forward, eps 0', () => {
    const { y, mean, variance, invStd } = forward({ x, gamma: f64(2, 5), beta: f64(1, -1) }, shape, 0);
    expect(mean).toEqual(f64(2, 10));
    expect(variance).toEqual(f64(1, 0));
    expect(invStd).toEqual(f64(1, 0)); // a constant column: invStd 0, y = beta
    expect(y).toEqual(f64(-1, -1, 3, -1));
  });

  it('eps stands inside the root', () => {
    const { y } = forward({ x, gamma: f64(1, 1) }, shape, 3);
    expect(y).toEqual(f64(-0.5, 0, 0.5, 0)); // ±1 / √(1 + 3)
  });

  it('backward: dx of two rows is 0 where xHat takes all of dy', () => {
    const dy = f64(1, 4, 5, 2);
    const { dx, dgamma, dbeta } = backward({ x, dy, gamma: f64(2, 5), mean: f64(2, 10), invStd: f64(1, 0) }, shape);
    expect(dbeta).toEqual(f64(6, 6));
    expect(dgamma).toEqual(f64(4, 0)); // −1·1 + 1·5
    expect([...dx].map((value) => value + 0)).toEqual([0, 0, 0, 0]); // 2·(1 − 3 + 1·4/2), and invStd 0
  });

  it('infer and the frozen backward', () => {
    const running = { runningMean: f64(0, 6), runningVar: f64(4, 16) };
    expect(infer({ x, gamma: f64(2, 1), beta: f64(0, 1), ...running }, shape, 0)).toEqual(f64(1, 2, 3, 2));
    const { dx, dgamma, dbeta } = backwardFrozen({ x, dy: f64(1, 2, 3, 4), gamma: f64(2, 1), ...running }, shape, 0);
    expect(dx).toEqual(f64(1, 0.5, 3, 1));
    expect(dbeta).toEqual(f64(4, 6));
    expect(dgamma).toEqual(f64(5, 6)); // 1·½ + 3·1½; 2·1 + 4·1
  });

  it('running statistics, biased and unbiased', () => {
    const batch = { mean: f64(4), variance: f64(3) };
    const run = (runningVariance: 'biased' | 'unbiased', rows: number) => {
      const running = { mean: f64(2), variance: f64(1) };
      updateRunning(running, batch, rows, { momentum: 0.25, runningVariance });
      return [...running.mean, ...running.variance];
    };
    expect(run('biased', 4)).toEqual([2.5, 1.5]);
    expect(run('unbiased', 4)).toEqual([2.5, 1.75]); // 3 · 4/3 = 4
    expect(run('biased', 1)).toEqual([2.5, 1.5]);
    const untouched = { mean: f64(2), variance: f64(1) };
    for (const [rows, change, message] of [
      [0, {}, '"rows" is 0'], [4, { momentum: NaN }, '"momentum" is NaN'], [4, { runningVariance: 'sample' }, '"runningVariance" is "sample"'],
    ] as const) {
      expect(() => updateRunning(untouched, batch, rows, { momentum: 0.1, runningVariance: 'biased', ...change } as never)).toThrow(
        `updateRunning: ${message}`,
      );
    }
    expect(() => updateRunning(untouched, { mean: f64(4), variance: f64() }, 4, { momentum: 0.1, runningVariance: 'biased' })).toThrow(
      'updateRunning: "batch.variance" has 0 elements, needs 1',
    );
    expect(untouched).toEqual({ mean: f64(2), variance: f64(1) });
    expect(() => run('unbiased', 1)).toThrow('updateRunning: "rows" is 1, needs at least 2');
  });

  it('f32 arrays in and out, arithmetic in f64', () => {
    const far = Float32Array.of(1e6, 1e6 + 1, 1e6 + 2);
    const out = new Float32Array(3);
    const { y } = forward({ x: far }, { rows: 3, channels: 1 }, 0, out);
    expect(y).toBe(out);
    expect(y).toEqual(Float32Array.of(-Math.sqrt(1.5), 0, Math.sqrt(1.5)));
  });

  it('y may be x, and dx may be dy', () => {
    const [a, dy] = [normals(40, 1), normals(40, 2)];
    const wide = { rows: 10, channels: 4 };
    const apart = forward({ x: a }, wide, 1e-5);
    const gradients = backward({ x: a, dy, mean: apart.mean, invStd: apart.invStd }, wide);
    const over = dy.slice();
    expect(backward({ x: a, dy: over, mean: apart.mean, invStd: apart.invStd }, wide, over).dx).toEqual(gradients.dx);
    const b = a.slice();
    expect(forward({ x: b }, wide, 1e-5, b).y).toEqual(apart.y);
  });
});

describe('PyTorch’s figures', () => {
  // Both work in f64; torch's x · a + (beta − mean · a) loses |mean|/deviation of its digits.
  const TOLERANCE: Record<string, number> = { 'mean 1e6 deviations': 1e-10, 'tall 64x2, mean 1000 deviations': 2e-13, 'outlier first row': 1e-13 };

  it.each(FIGURES)('$name', ({ name, inputs, want }) => {
    const { rows, channels, eps, x, dy, frozenMean, frozenVar } = inputs;
    const gamma = inputs.gamma ?? undefined;
    const beta = inputs.beta ?? undefined;
    const batch = forward({ x, gamma, beta }, { rows, channels }, eps);
    const { dx, dgamma, dbeta } = backward({ x, dy, gamma, ...batch }, { rows, channels });
    const running = { mean: Float64Array.from(inputs.runningMean), variance: Float64Array.from(inputs.runningVar) };
    updateRunning(running, batch, rows, inputs);
    const frozen = backwardFrozen({ x, dy, gamma, runningMean: frozenMean, runningVar: frozenVar }, { rows, channels }, eps);
    const { y, mean, variance, invStd } = batch;
    const got = {
      y, mean, variance, invStd, dx, dgamma, dbeta, runningMean: running.mean, runningVar: running.variance,
      inferY: infer({ x, gamma, beta, runningMean: frozenMean, runningVar: frozenVar }, { rows, channels }, eps),
      frozenDx: frozen.dx, frozenDgamma: frozen.dgamma, frozenDbeta: frozen.dbeta,
    };
    for (const output of Object.keys(got) as (keyof typeof got)[]) {
      if ((!gamma && /dgamma/i.test(output)) || (!beta && /dbeta/i.test(output))) continue;
      for (let c = 0; c < channels; c++) {
        const column = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => i % channels === c);
        const scale = Math.max(1, ...column(want[output]).map(Math.abs), output === 'dx' ? Math.abs(gamma ? gamma[c] : 1) * want.invStd[c] : 0);
        const apart = Math.max(...column(got[output]).map((value, i) => Math.abs(value - column(want[output])[i])));
        expect(apart <= (TOLERANCE[name] ?? 2e-14) * scale, `${output}, channel ${c}: ${apart} apart, scale ${scale}`).toBe(true);
      }
    }
  });

  it('three batches in a row', () => {
    const several = FIGURES.filter(({ batches }) => batches.length > 0);
    expect(several).toHaveLength(3);
    for (const { inputs, batches, runningMean3, runningVar3 } of several) {
      const running = { mean: Float64Array.from(inputs.runningMean), variance: Float64Array.from(inputs.runningVar) };
      for (const x of batches) updateRunning(running, forward({ x }, inputs, inputs.eps), inputs.rows, inputs);
      running.mean.forEach((value, c) => expect(value).toBeCloseTo(runningMean3[c], 13));
      running.variance.forEach((value, c) => expect(value).toBeCloseTo(runningVar3[c], 13));
    }
  });
});

describe('channels-first', () => {
  const [batch, channels, spatial] = [3, 4, 5];
  const shape = { rows: batch * spatial, channels };
  const first = { ...shape, layout: 'channelsFirst', spatial } as const;
  /** [rows, channels] to [batch, channels, spatial]. */
  const move = (values: Float64Array) =>
    values.map((_, i) => values[(Math.floor(i / (channels * spatial)) * spatial + (i % spatial)) * channels + (Math.floor(i / spatial) % channels)]);
  const [x, dy] = [normals(60, 1), normals(60, 2)];
  const [gamma, beta] = [normals(4, 3), normals(4, 4)];

  it('gives channels-last’s numbers, moved', () => {
    const last = forward({ x, gamma, beta }, shape, 1e-5);
    const got = forward({ x: move(x), gamma, beta }, first, 1e-5);
    const close = (a: Float64Array, b: Float64Array) => a.forEach((value, i) => expect(value).toBeCloseTo(b[i], 13));
    close(got.y, move(last.y));
    close(got.variance, last.variance);
    const want = backward({ x, dy, gamma, ...last }, shape);
    const gradients = backward({ x: move(x), dy: move(dy), gamma, ...last }, first);
    close(gradients.dx, move(want.dx));
    close(gradients.dgamma, want.dgamma);
    close(gradients.dbeta, want.dbeta);
    close(backwardStaged({ x: move(x), dy: move(dy), gamma, beta }, first, 1e-5).dx, move(want.dx));
    const running = { runningMean: f64(1, 2, 3, 4), runningVar: f64(1, 2, 3, 4) };
    close(infer({ x: move(x), gamma, beta, ...running }, first, 1e-5), move(infer({ x, gamma, beta, ...running }, shape, 1e-5)));
    const frozen = backwardFrozen({ x, dy, gamma, ...running }, shape, 1e-5);
    const frozenFirst = backwardFrozen({ x: move(x), dy: move(dy), gamma, ...running }, first, 1e-5);
    close(frozenFirst.dx, move(frozen.dx));
    close(frozenFirst.dgamma, frozen.dgamma);
  });
});

describe('staged and closed form', () => {
  it('agree to 1e-13 of the largest value over 20 seeds at N=100, D=500', () => {
    const shape = { rows: 100, channels: 500 };
    for (let seed = 1; seed <= 20; seed++) {
      const [x, dy, gamma, beta] = [50000, 50000, 500, 500].map((length, i) => normals(length, seed * 4 + i));
      const closed = backward({ x, dy, gamma, ...forward({ x, gamma, beta }, shape, 1e-5) }, shape);
      const staged = backwardStaged({ x, dy, gamma, beta }, shape, 1e-5);
      for (const output of ['dx', 'dgamma', 'dbeta'] as const) {
        const largest = closed[output].reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        const apart = closed[output].reduce((max, value, i) => Math.max(max, Math.abs(value - staged[output][i])), 0);
        expect(apart <= 1e-13 * largest, `${output}, seed ${seed}: ${apart} of ${largest}`).toBe(true);
      }
    }
  });

  it('the staged forward is the forward, node by node', () => {
    const shape = { rows: 9, channels: 4 };
    const [x, dy, gamma, beta] = [36, 36, 4, 4].map((length, i) => normals(length, i + 50));
    const { values, gradients, dx } = backwardStaged({ x, dy, gamma, beta }, shape, 1e-3);
    const { y, mean, variance, invStd } = forward({ x, gamma, beta }, shape, 1e-3);
    for (const [got, want] of [[values.y, y], [values.mean, mean], [values.variance, variance], [values.invStd, invStd]]) {
      got.forEach((value, i) => expect(value).toBeCloseTo(want[i], 14));
    }
    expect(gradients.dx).toBe(dx);
    expect(Object.keys(values)).toHaveLength(9);
    expect(Object.keys(gradients)).toHaveLength(9);
  });

  it('a constant column with eps 0 gives dx 0 in both', () => {
    const { dx } = backwardStaged({ x: f64(2, 2, 2), dy: f64(1, 2, 3) }, { rows: 3, channels: 1 }, 0);
    expect([...dx].map((value) => value + 0)).toEqual([0, 0, 0]);
  });
});

describe('gradientCheck', () => {
  const cube = (at: Float64Array) => at[0] ** 3 + 2 * at[1];

  it('control: a right gradient', () => {
    expect(gradientCheck(cube, f64(2, 5), f64(12, 2)).error).toBeLessThan(1e-8);
  });

  it('a wrong one is found, with its index', () => {
    const { error, index, analytic, numeric } = gradientCheck(cube, f64(2, 5), f64(12, 2.1));
    expect({ index, analytic }).toEqual({ index: 1, analytic: 2.1 });
    expect(numeric).toBeCloseTo(2, 8);
    expect(error).toBeCloseTo(0.1 / 2.1, 6);
  });

  it('NaN is the worst', () => {
    expect(gradientCheck(cube, f64(2, 5), f64(NaN, 2))).toMatchObject({ error: NaN, index: 0 });
  });

  it('looks only where it is told, and leaves the point alone', () => {
    const at = f64(2, 5);
    expect(gradientCheck(cube, at, f64(12, 99), { indices: [0] }).index).toBe(0);
    expect(at).toEqual(f64(2, 5));
  });

  it('bad input', () => {
    expect(() => gradientCheck(cube, f64(2, 5), f64(1, 2), { indices: [] })).toThrow(
      'gradientCheck: "indices" is empty, needs at least one element. An empty check would pass.',
    );
    expect(() => gradientCheck(cube, f64(2, 5), f64(1))).toThrow('gradientCheck: "gradient" has 1 elements, needs 2 (those of "at")');
    expect(() => gradientCheck(cube, f64(2, 5), f64(1, 2), { indices: [2] })).toThrow('gradientCheck: "indices" holds 2, needs integers from 0 to 1.');
    const check = gradientCheck as (...args: unknown[]) => unknown;
    expect(() => check({ x: f64(2) }, { x: f64(2) }, { x: f64(12) })).toThrow('gradientCheck: "loss" is Object, needs a function of the array.');
    expect(() => check(cube, { x: f64(2) }, { x: f64(12) })).toThrow('gradientCheck: "at" is Object, needs a Float32Array or Float64Array.');
    expect(() => check(cube, f64(2), { x: f64(12) })).toThrow('gradientCheck: "gradient" is Object, needs a Float32Array or Float64Array.');
    expect(() => check(cube, f64(), f64())).toThrow('gradientCheck: "at" is empty, needs at least one element.');
    expect(() => check(() => ({}), f64(2), f64(12))).toThrow('gradientCheck: "loss" gave Object, needs a number.');
    expect(() => check(cube, f64(2), f64(12), { step: 0 })).toThrow('gradientCheck: "step" is 0, needs a finite number above 0.');
    expect(() => check(cube, f64(2), f64(12), { index: [0] })).toThrow('gradientCheck: "index" is not an option, needs one of step, indices.');
  });

  it('dx, dgamma and dbeta of the reference', () => {
    const shape = { rows: 6, channels: 3 };
    const [x, dy, gamma, beta] = [18, 18, 3, 3].map((length, i) => normals(length, i + 9));
    const loss = (input: Parameters<typeof forward>[0]) => forward(input, shape, 1e-2).y.reduce((sum, y, i) => sum + y * dy[i], 0);
    const { dx, dgamma, dbeta } = backward({ x, dy, gamma, ...forward({ x, gamma, beta }, shape, 1e-2) }, shape);
    expect(gradientCheck((at) => loss({ x: at, gamma, beta }), x, dx).error).toBeLessThan(1e-8);
    expect(gradientCheck((at) => loss({ x, gamma: at, beta }), gamma, dgamma).error).toBeLessThan(1e-8);
    expect(gradientCheck((at) => loss({ x, gamma, beta: at }), beta, dbeta).error).toBeLessThan(1e-8);
  });
});

describe('merge', () => {
  it('control: two halves give the whole', () => {
    const x = normals(300, 3);
    const whole = moments(x, { rows: 100, channels: 3 });
    const merged = merge(moments(x.subarray(0, 90), { rows: 30, channels: 3 }), moments(x.subarray(90), { rows: 70, channels: 3 }));
    expect(merged.count).toBe(100);
    for (const name of ['mean', 'm2'] as const) merged[name].forEach((value, c) => expect(value).toBeCloseTo(whole[name][c], 12));
  });

  it('by hand: (1, 3) with (10)', () => {
    const a = { count: 2, mean: f64(2), m2: f64(2) };
    const b = { count: 1, mean: f64(10), m2: f64(0) };
    const merged = merge(a, b);
    expect(merged.count).toBe(3);
    expect(merged.mean[0]).toBeCloseTo(14 / 3, 14);
    expect(merged.m2[0]).toBeCloseTo(2 + (64 * 2) / 3, 12);
  });

  it('empty is its neutral element', () => {
    const a = moments(normals(8, 1), { rows: 4, channels: 2 });
    expect(merge(a, emptyMoments(2))).toEqual(a);
    expect(merge(emptyMoments(2), a)).toEqual(a);
    expect(merge(emptyMoments(2), emptyMoments(2))).toEqual(emptyMoments(2));
  });

  it('bad input', () => {
    expect(() => merge(emptyMoments(2), emptyMoments(3))).toThrow('merge: "b" has 3 channels, needs 2 (those of "a").');
  });
});

describe('bad input', () => {
  const x = new Float64Array(6);
  const shape = { rows: 3, channels: 2 };
  it('control', () => expect(() => forward({ x }, shape, 1e-5)).not.toThrow());
  it.each<[string, () => unknown, string]>([
    ['x too short', () => forward({ x: x.subarray(1) }, shape, 1e-5),
      'forward: "x" has 5 elements, needs 6 (rows 3 × channels 2). Give an array of that length.'],
    ['x of integers', () => forward({ x: new Int32Array(6) as unknown as Float32Array }, shape, 1e-5),
      'forward: "x" is Int32Array, needs a Float32Array or Float64Array.'],
    ['gamma too long', () => forward({ x, gamma: x }, shape, 1e-5), 'forward: "gamma" has 6 elements, needs 2 (channels 2)'],
    ['out too short', () => forward({ x }, shape, 1e-5, new Float32Array(5)), 'forward: "out" has 5 elements, needs 6'],
    ['no rows', () => forward({ x: x.subarray(6) }, { rows: 0, channels: 2 }, 1e-5), 'forward: "rows" is 0, needs an integer of at least 1.'],
    ['dy', () => backward({ x, dy: x.subarray(2), mean: f64(0, 0), invStd: f64(1, 1) }, shape), 'backward: "dy" has 4 elements, needs 6'],
    ['runningVar', () => infer({ x, runningMean: f64(0, 0), runningVar: f64(1) }, shape, 1e-5), 'infer: "runningVar" has 1 elements, needs 2'],
    ['frozen', () => backwardFrozen({ x, dy: x, runningMean: f64(0), runningVar: f64(1, 1) }, shape, 1e-5),
      'backwardFrozen: "runningMean" has 1 elements, needs 2'],
    ['eps forgotten', () => forward({ x }, shape, undefined as never), 'forward: "eps" is undefined, needs a finite number.'],
    ['eps NaN', () => infer({ x, runningMean: f64(0, 0), runningVar: f64(1, 1) }, shape, NaN), 'infer: "eps" is NaN, needs a finite number (f32).'],
    ['eps negative', () => backwardStaged({ x, dy: x }, shape, -1), 'backwardStaged: "eps" is -1, needs a finite number of at least 0.'],
    ['no mean', () => backward({ x, dy: x, invStd: f64(1, 1) } as never, shape), 'backward: "mean" is undefined, needs a Float32Array or Float64Array.'],
    ['no shape', () => forward({ x }, undefined as never, 1e-5), 'forward: "shape" is undefined, needs { rows, channels }.'],
    ['spatial', () => forward({ x }, { ...shape, layout: 'channelsFirst', spatial: 2 }, 1e-5),
      'forward: "spatial" is 2, needs a divisor of rows 3 (rows = batch · spatial).'],
    ['layout', () => forward({ x }, { ...shape, layout: 'NHWC' as never }, 1e-5), 'forward: "layout" is "NHWC", needs \'channelsLast\' or \'channelsFirst\'.'],
    ['staged', () => backwardStaged({ x, dy: x, beta: f64(1) }, shape, 1e-5), 'backwardStaged: "beta" has 1 elements, needs 2'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));
});
