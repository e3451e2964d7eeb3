// Claim: rows that `mask` or `validRows` leaves out count nowhere, get 0, and may hold anything.
// Control: where all rows count, the numbers are the plain pass's to the bit.
import { describe, expect, it } from 'vitest';
import { backward, backwardFrozen, forward, gradientCheck, infer, moments, normalize, type Shape } from '../../src/reference/index.js';
import { LAYOUTS, apart, column, f64, indexOf, keep, normals, rowsOf } from './data.js';

const FILLS: [string, (row: number, rows: number) => number][] = [
  ['every other', (row) => row % 2],
  ['all but the first', (row) => Number(row > 0)],
  ['all but the last', (row, rows) => Number(row < rows - 1)],
  ['the middle, across a border between batch items', (row, rows) => Number(row >= rows / 4 - 1 && row <= rows / 2)],
  ['only the last', (row, rows) => Number(row === rows - 1)],
];
const SHAPES: (Shape & { name: string })[] = [
  ...LAYOUTS,
  { name: 'channels-first, spatial 1', rows: 12, channels: 3, layout: 'channelsFirst', spatial: 1 },
  { name: 'one channel', rows: 12, channels: 1 },
  { name: 'several blocks', rows: 1000, channels: 5 },
  { name: 'blocks of four rows', rows: 9, channels: 1030 },
];
const maskOf = (rows: number, fill: (row: number, rows: number) => number) => Uint32Array.from({ length: rows }, (_, row) => fill(row, rows));
const EPS = 1e-3;

function dataOf({ rows, channels }: Shape) {
  const [x, dy, residual] = [1, 2, 3].map((seed) => normals(rows * channels, seed));
  const [gamma, beta, runningMean] = [4, 5, 6].map((seed) => normals(channels, seed));
  return { x, dy, residual, gamma, beta, running: { runningMean, runningVar: normals(channels, 7).map((value) => value * value + 0.5) } };
}

describe.each(SHAPES)('$name', ({ name: _, ...shape }) => {
  const { x, dy, residual, gamma, beta, running } = dataOf(shape);
  const all = { x, gamma, beta, residual, activation: 'relu' as const };

  it('control: all rows', () => {
    const ones = new Uint32Array(shape.rows).fill(1);
    for (const valid of [{ mask: ones }, { validRows: shape.rows }]) {
      expect(moments(x, shape, valid)).toEqual(moments(x, shape));
      const [plain, got] = [{}, valid].map((rows) => forward({ ...all, ...rows }, shape, EPS));
      expect(got).toEqual(plain);
      expect(plain.count).toBe(shape.rows);
      expect(backward({ ...all, dy, ...plain, ...valid }, shape)).toEqual(backward({ ...all, dy, ...plain }, shape));
      expect(backwardFrozen({ ...all, dy, ...running, ...valid }, shape, EPS)).toEqual(backwardFrozen({ ...all, dy, ...running }, shape, EPS));
    }
  });

  it.each(FILLS)('%s: the same as without the other rows, and 0 there', (_, fill) => {
    const mask = maskOf(shape.rows, fill);
    const rows = rowsOf(mask);
    const few = { rows: rows.length, channels: shape.channels };
    const only = { x: keep(x, shape, rows), gamma, beta, residual: keep(residual, shape, rows), activation: 'relu' as const };
    const dyOnly = keep(dy, shape, rows);
    const want = forward(only, few, EPS);
    const got = forward({ ...all, mask }, shape, EPS);
    const wantGradients = backward({ ...only, dy: dyOnly, ...want }, few);
    const gradients = backward({ ...all, mask, dy, ...got }, shape);
    const wantFrozen = backwardFrozen({ ...only, dy: dyOnly, ...running }, few, EPS);
    const frozen = backwardFrozen({ ...all, mask, dy, ...running }, shape, EPS);
    expect(got.count).toBe(rows.length);
    const out = Array.from({ length: shape.rows }, (_, row) => row).filter((row) => mask[row] === 0);
    for (const [matrix, alone] of [
      [got.y, want.y], [gradients.dx, wantGradients.dx], [gradients.dresidual, wantGradients.dresidual],
      [frozen.dx, wantFrozen.dx], [frozen.dresidual, wantFrozen.dresidual],
      [infer({ ...all, mask, ...running }, shape, EPS), infer({ ...only, ...running }, few, EPS)],
    ]) {
      expect(apart(keep(matrix!, shape, rows), alone!)).toBeLessThan(1e-11);
      expect(keep(matrix!, shape, out)).toEqual(new Float64Array(out.length * shape.channels)); // 0, and not −0
    }
    for (const [vector, alone] of [
      [got.mean, want.mean], [got.variance, want.variance], [gradients.dgamma, wantGradients.dgamma],
      [gradients.dbeta, wantGradients.dbeta], [frozen.dgamma, wantFrozen.dgamma], [frozen.dbeta, wantFrozen.dbeta],
    ]) expect(apart(vector, alone)).toBeLessThan(1e-11);
  });

  it.each([0, 1, 5, shape.rows - 1])('validRows %i is the mask of as many ones', (validRows) => {
    const mask = maskOf(shape.rows, (row) => Number(row < validRows));
    const batch = forward({ ...all, mask }, shape, EPS);
    expect(forward({ ...all, validRows }, shape, EPS)).toEqual(batch);
    expect(backward({ ...all, dy, ...batch, validRows }, shape)).toEqual(backward({ ...all, dy, ...batch, mask }, shape));
  });

  it('NaN and infinity in rows left out change no bit', () => {
    const mask = maskOf(shape.rows, (row) => row % 2);
    const poisoned = (values: Float64Array, poison: number) => {
      const copy = values.slice();
      for (let row = 0; row < shape.rows; row += 2) for (let c = 0; c < shape.channels; c++) copy[indexOf(shape, row, c)] = poison;
      return copy;
    };
    const run = (poison?: number) => {
      const of = (values: Float64Array) => (poison === undefined ? values : poisoned(values, poison));
      const inputs = { ...all, x: of(x), residual: of(residual), mask };
      const batch = forward(inputs, shape, EPS);
      return [
        batch, backward({ ...inputs, dy: of(dy), ...batch }, shape), backward({ ...inputs, dy: of(dy), activation: 'none' as const, ...batch }, shape),
        infer({ ...inputs, ...running }, shape, EPS), backwardFrozen({ ...inputs, dy: of(dy), ...running }, shape, EPS),
      ];
    };
    for (const poison of [NaN, Infinity, -Infinity]) expect(run(poison)).toEqual(run());
  });

  it('in place, rows left out are 0 too', () => {
    const mask = maskOf(shape.rows, (row) => row % 2);
    const batch = forward({ ...all, mask }, shape, EPS);
    const [y, dx, dresidual] = [x.slice(), dy.slice(), dy.slice()];
    expect(forward({ ...all, x: y, mask }, shape, EPS, y).y).toEqual(batch.y);
    const want = backward({ ...all, dy, mask, ...batch }, shape);
    expect(backward({ ...all, dy: dx, mask, ...batch }, shape, dx).dx).toEqual(want.dx);
    expect(backward({ ...all, dy: dresidual, mask, ...batch }, shape, undefined, dresidual)).toEqual(want);
    const [inferred, frozen] = [x.slice(), dy.slice()];
    expect(infer({ ...all, x: inferred, mask, ...running }, shape, EPS, inferred)).toEqual(infer({ ...all, mask, ...running }, shape, EPS));
    const wantFrozen = backwardFrozen({ ...all, dy, mask, ...running }, shape, EPS).dx;
    expect(backwardFrozen({ ...all, dy: frozen, mask, ...running }, shape, EPS, frozen).dx).toEqual(wantFrozen);
  });
});

describe('which rows', () => {
  it('a channels-first row is a place of a batch item: n · spatial + s', () => {
    const shape = { rows: 4, channels: 2, layout: 'channelsFirst', spatial: 2 } as const;
    const x = f64(1, 2, 10, 20, 3, 4, 30, 40); // channel 0: 1 2 3 4, channel 1: 10 20 30 40
    const { count, mean, m2 } = moments(x, shape, { mask: Uint32Array.of(0, 1, 1, 0) });
    expect({ count, mean, m2 }).toEqual({ count: 2, mean: f64(2.5, 25), m2: f64(0.5, 50) });
    expect(normalize({ x, mean: f64(0, 0), invStd: f64(1, 1), mask: Uint32Array.of(0, 1, 1, 0) }, shape)).toEqual(f64(0, 2, 0, 20, 3, 0, 30, 0));
    expect(moments(x, shape, { validRows: 3 }).mean).toEqual(f64(2, 20));
  });

  it('sums run about a value that counts', () => {
    const x = f64(1e300, 0.1, 0.1, 0.1);
    expect(moments(x, { rows: 4, channels: 1 }, { mask: Uint32Array.of(0, 1, 1, 1) })).toEqual({ count: 3, mean: f64(0.1), m2: f64(0) });
  });

  it('a plain add with rows left out has a dresidual of its own', () => {
    const [x, dy] = [f64(1, 2, 3), f64(4, 5, NaN)];
    const { dresidual } = backward({ x, dy, residual: x, mean: f64(1.5), invStd: f64(2), validRows: 2 }, { rows: 3, channels: 1 });
    expect(dresidual).toEqual(f64(4, 5, 0));
  });

  it('one row: variance 0, y beta, dx 0', () => {
    const mask = Uint32Array.of(0, 0, 1);
    const shape = { rows: 3, channels: 2 };
    const batch = forward({ x: f64(9, 9, 9, 9, 5, 7), beta: f64(3, -1), mask }, shape, 1e-5);
    expect(batch).toMatchObject({ count: 1, mean: f64(5, 7), variance: f64(0, 0), y: f64(0, 0, 0, 0, 3, -1) });
    const { dx, dbeta } = backward({ x: f64(9, 9, 9, 9, 5, 7), dy: f64(1, 1, 1, 1, 2, 3), ...batch, mask }, shape);
    expect(apart(dx, new Float64Array(6))).toBe(0);
    expect(dbeta).toEqual(f64(2, 3));
  });

  it('no row: mean and variance 0, y and gradients 0', () => {
    const shape = { rows: 3, channels: 2 };
    const x = new Float64Array(6).fill(NaN);
    for (const none of [{ validRows: 0 }, { mask: new Uint32Array(3) }]) {
      expect(forward({ x, beta: f64(3, 4), ...none }, shape, 0.25)).toEqual(
        { y: new Float64Array(6), count: 0, mean: f64(0, 0), variance: f64(0, 0), invStd: f64(2, 2) },
      );
      expect(forward({ x, ...none }, shape, 0).invStd).toEqual(f64(0, 0));
      const { dx, dgamma, dbeta } = backward({ x, dy: x, ...forward({ x, ...none }, shape, 1), ...none }, shape);
      expect({ dx, dgamma, dbeta }).toEqual({ dx: new Float64Array(6), dgamma: f64(0, 0), dbeta: f64(0, 0) });
    }
  });
});

describe.each(LAYOUTS)('finite differences, $name', ({ name: _, ...shape }) => {
  const { x, dy, residual, gamma, beta } = dataOf(shape);
  const mask = maskOf(shape.rows, (row) => Number(row % 3 > 0));
  const scalar = (y: Float64Array) => y.reduce((sum, value, i) => sum + value * dy[i], 0);

  it.each(['none', 'relu', 'gelu'] as const)('activation %s', (activation) => {
    const all = { x, gamma, beta, residual, activation, mask };
    const loss = (change: object) => scalar(forward({ ...all, ...change }, shape, EPS).y);
    const { dx, dgamma, dbeta, dresidual } = backward({ ...all, dy, ...forward(all, shape, EPS) }, shape);
    expect(gradientCheck((at) => loss({ x: at }), x, dx).error).toBeLessThan(1e-7);
    expect(gradientCheck((at) => loss({ gamma: at }), gamma, dgamma).error).toBeLessThan(1e-7);
    expect(gradientCheck((at) => loss({ beta: at }), beta, dbeta).error).toBeLessThan(1e-7);
    expect(gradientCheck((at) => loss({ residual: at }), residual, dresidual!).error).toBeLessThan(1e-7);
    // Control: the gradient of all rows is another.
    const whole = backward({ ...all, mask: undefined, dy, ...forward(all, shape, EPS) }, shape);
    expect(gradientCheck((at) => loss({ x: at }), x, whole.dx).error).toBeGreaterThan(1e-2);
  });

  it('Σ dx is 0 over the rows that count', () => {
    const { dx } = backward({ x, dy, gamma, mask, ...forward({ x, mask }, shape, EPS) }, shape);
    for (let c = 0; c < shape.channels; c++) expect(column(dx, shape, c).reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 12);
  });
});

describe('bad input', () => {
  const x = new Float64Array(6);
  const shape = { rows: 3, channels: 2 };
  const mask = Uint32Array.of(1, 0, 1);
  const still = { mean: f64(0, 0), invStd: f64(1, 1) };
  it('control', () => expect(() => forward({ x, mask }, shape, 1e-5)).not.toThrow());
  it.each<[string, () => unknown, string]>([
    ['both', () => forward({ x, mask, validRows: 2 }, shape, 1e-5), 'forward: "mask" and "validRows" are both given, needs one of them. Leave one out.'],
    ['a mask of booleans', () => moments(x, shape, { mask: [true, false, true] as never }), 'moments: "mask" is Array, needs a Uint32Array.'],
    ['a mask of bytes', () => backward({ x, dy: x, ...still, mask: new Uint8Array(3) as never }, shape),
      'backward: "mask" is Uint8Array, needs a Uint32Array.'],
    ['a mask of elements', () => normalize({ x, ...still, mask: new Uint32Array(6) }, shape),
      'normalize: "mask" has 6 elements, needs 3 (rows 3). Give one entry per row.'],
    ['less than none', () => forward({ x, validRows: -1 }, shape, 1e-5), 'forward: "validRows" is -1, needs an integer of at least 0.'],
    ['half a row', () => infer({ x, runningMean: f64(0, 0), runningVar: f64(1, 1), validRows: 1.5 }, shape, 1e-5),
      'infer: "validRows" is 1.5, needs an integer of at least 0.'],
    ['a word', () => backwardFrozen({ x, dy: x, runningMean: f64(0, 0), runningVar: f64(1, 1), validRows: '2' as never }, shape, 1e-5),
      'backwardFrozen: "validRows" is "2", needs an integer'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));
});
