// Claim: forward and backward are their phases, so parts of a batch, each on its own, give what the whole gives.
// Control: one part, to the bit.
import { describe, expect, it } from 'vitest';
import {
  type Moments, backward, emptyMoments, forward, gradientInput, gradientSums, merge, moments, normalize, statistics,
} from '../../src/reference/index.js';
import { LAYOUTS, apart, column, f64, normals } from './data.js';

const EPS = 1e-3;
const total = (parts: Float64Array[]) => parts.reduce((sum, part) => sum.map((value, c) => value + part[c]));

describe.each(LAYOUTS)('$name', ({ name: _, ...shape }) => {
  const elements = shape.rows * shape.channels;
  const [x, dy, residual] = [1, 2, 3].map((seed) => normals(elements, seed));
  const [gamma, beta] = [normals(3, 4), normals(3, 5)];

  describe.each([
    { name: 'plain' }, { name: 'relu', activation: 'relu' as const }, { name: 'add', residual },
    { name: 'add and relu', residual, activation: 'relu' as const },
    { name: 'masked', mask: Uint32Array.from({ length: 12 }, (_, row) => Number(row % 5 > 1)) },
    { name: 'the first seven, add and relu', validRows: 7, residual, activation: 'relu' as const },
  ])('$name', ({ name: _, ...options }) => {
    const inputs = { x, gamma, beta, ...options };

    it('control: the phases of one part are the whole, to the bit', () => {
      const { y, ...batch } = forward(inputs, shape, EPS);
      expect(statistics(moments(x, shape, options), EPS)).toEqual(batch);
      expect(normalize({ ...inputs, ...batch }, shape)).toEqual(y);
      const { dx, dresidual, ...sums } = backward({ ...inputs, dy, ...batch }, shape);
      expect(gradientSums({ ...inputs, dy, ...batch }, shape)).toEqual(sums);
      expect(gradientInput({ ...inputs, dy, ...batch, ...sums }, shape)).toEqual({ dx, dresidual });
    });

    it('parts of 1, 1 and 1 batch items, or of 5, 1 and 6 rows, merged', () => {
      const cuts = shape.layout === 'channelsFirst' ? [0, 4, 8, 12] : [0, 5, 6, 12];
      const parts = cuts.slice(1).map((end, i) => {
        const [from, rows] = [cuts[i], end - cuts[i]];
        const slice = (values?: Float64Array) => values?.subarray(from * 3, end * 3);
        const part = {
          x: slice(x)!, dy: slice(dy)!, gamma, beta, residual: slice(options.residual), activation: options.activation, mask: options.mask?.subarray(from, end),
          validRows: options.validRows === undefined ? undefined : Math.min(Math.max(options.validRows - from, 0), rows),
        };
        return { part, shape: { ...shape, rows } };
      });
      const { y, ...whole } = forward(inputs, shape, EPS);
      const want = backward({ ...inputs, dy, ...whole }, shape);
      const batch = statistics(parts.map(({ part, shape }) => moments(part.x, shape, part)).reduce(merge, emptyMoments(3)), EPS);
      expect(batch.count).toBe(whole.count);
      const sums = parts.map(({ part, shape }) => gradientSums({ ...part, ...batch }, shape));
      const [dgamma, dbeta] = [total(sums.map((sum) => sum.dgamma)), total(sums.map((sum) => sum.dbeta))];
      const join = (pieces: ArrayLike<number>[]) => pieces.flatMap((piece) => Array.from(piece));
      const back = parts.map(({ part, shape }) => gradientInput({ ...part, ...batch, dgamma, dbeta }, shape));
      for (const [got, wanted] of [
        [batch.mean, whole.mean], [batch.variance, whole.variance], [dgamma, want.dgamma], [dbeta, want.dbeta],
        [join(parts.map(({ part, shape }) => normalize({ ...part, ...batch }, shape))), y], [join(back.map(({ dx }) => dx)), want.dx],
      ]) expect(apart(got, wanted)).toBeLessThan(1e-12);
      if (want.dresidual) expect(join(back.map(({ dresidual }) => dresidual!))).toEqual([...want.dresidual]);
    });
  });
});

describe('merge', () => {
  it('is exact in any order of unequal parts, some of them empty, far from zero', () => {
    const x = normals(600, 3).map((value) => value + 1e6);
    const whole = moments(x, { rows: 200, channels: 3 });
    const parts = [[0, 1], [1, 3], [3, 200]].map(([from, end]) => moments(x.subarray(from * 3, end * 3), { rows: end - from, channels: 3 }));
    const empty = moments(x, { rows: 200, channels: 3 }, { validRows: 0 });
    expect(empty).toEqual(emptyMoments(3));
    for (const order of [[0, 1, 2], [2, 1, 0], [1, 2, 0]]) {
      const merged = order.map((i) => parts[i]).flatMap((part) => [empty, part]).reduce(merge);
      expect(merged.count).toBe(200);
      expect(apart(merged.mean, whole.mean)).toBeLessThan(1e-9); // 2⁻⁵² · 1e6, a few times
      expect(apart(merged.m2, whole.m2)).toBeLessThan(1e-9 * whole.m2[0]);
    }
  });
});

describe('identities of the closed form', () => {
  const shape = { rows: 50, channels: 4 };
  const [x, dy] = [normals(200, 1), normals(200, 2)];
  const [gamma, beta] = [normals(4, 3), normals(4, 4)];

  it.each(['none', 'relu', 'silu'] as const)('Σ dx = 0 and Σ dx · xHat = gamma · invStd · dgamma · eps / (variance + eps), activation %s', (activation) => {
    for (const eps of [1e-5, 0.5]) {
      const batch = forward({ x, gamma, beta, activation }, shape, eps);
      const { dx, dgamma } = backward({ x, dy, gamma, beta, activation, ...batch }, shape);
      for (let c = 0; c < 4; c++) {
        const scale = gamma[c] * batch.invStd[c];
        const [dxs, xs] = [column(dx, shape, c), column(x, shape, c)];
        expect(dxs.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 12);
        const slope = dxs.reduce((sum, value, row) => sum + value * (xs[row] - batch.mean[c]) * batch.invStd[c], 0);
        expect(slope).toBeCloseTo((scale * dgamma[c] * eps) / (batch.variance[c] + eps), 12);
      }
    }
  });

  it('a bias in front changes nothing and has no gradient', () => {
    const bias = f64(3, -2, 10, 0.5);
    const moved = x.map((value, i) => value + bias[i % 4]);
    expect(apart(forward({ x: moved, gamma, beta }, shape, EPS).y, forward({ x, gamma, beta }, shape, EPS).y)).toBeLessThan(1e-13);
    const { dx } = backward({ x: moved, dy, gamma, ...forward({ x: moved }, shape, EPS) }, shape);
    const dbias = f64(0, 1, 2, 3).map((c) => column(dx, shape, c).reduce((sum, value) => sum + value, 0));
    expect(apart(dbias, f64(0, 0, 0, 0))).toBeLessThan(1e-12);
  });
});

describe('bad input', () => {
  const x = new Float64Array(6);
  const shape = { rows: 3, channels: 2 };
  const still = { mean: f64(0, 0), invStd: f64(1, 1) };
  const sums = { dgamma: f64(0, 0), dbeta: f64(0, 0) };
  const some: Moments = { count: 3, mean: f64(0, 0), m2: f64(1, 1) };
  it('control', () => {
    expect(() => gradientInput({ x, dy: x, ...still, ...sums, count: 3 }, shape)).not.toThrow();
    expect(() => statistics(some, 0)).not.toThrow();
  });
  it.each<[string, () => unknown, string]>([
    ['count of another part', () => gradientInput({ x, dy: x, ...still, ...sums, count: 2 }, shape),
      'gradientInput: "count" is 2, needs at least 3 (the rows of this part). Give that of all parts together.'],
    ['count of a masked part', () => gradientInput({ x, dy: x, ...still, ...sums, count: 1, validRows: 2 }, shape),
      'gradientInput: "count" is 1, needs at least 2'],
    ['no count', () => gradientInput({ x, dy: x, ...still, ...sums } as never, shape), 'gradientInput: "count" is undefined, needs an integer of at least 0.'],
    ['no dgamma', () => gradientInput({ x, dy: x, ...still, dbeta: f64(0, 0), count: 3 } as never, shape),
      'gradientInput: "dgamma" is undefined, needs a Float32Array or Float64Array.'],
    ['no invStd', () => gradientSums({ x, dy: x, mean: f64(0, 0) } as never, shape), 'gradientSums: "invStd" is undefined'],
    ['x too short', () => normalize({ x: x.subarray(1), ...still }, shape), 'normalize: "x" has 5 elements, needs 6'],
    ['half a count', () => statistics({ ...some, count: 1.5 }, 0), 'statistics: "moments.count" is 1.5, needs an integer of at least 0.'],
    ['m2 of another layer', () => statistics({ ...some, m2: f64(1) }, 0), 'statistics: "moments.m2" has 1 elements, needs 2 (those of moments.mean).'],
    ['eps', () => statistics(some, -1), 'statistics: "eps" is -1, needs a finite number of at least 0.'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));
});
