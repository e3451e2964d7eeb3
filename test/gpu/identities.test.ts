// Claim: what the formulas promise holds of the kernels' own numbers: sums of dx, restored inputs, one gradient at a time, shifts
// and scales in front, one row alone and in a batch, and gradients added to.
// Control: the same kernels on the same data are within the reference's bounds.
import { afterEach, describe, expect, it } from 'vitest';
import { type BatchNormKernels, type BatchNormOptions, type BufferView, createBatchNorm, savedViews } from '../../src/index.js';
import { type Case, inputsOf } from '../../src/verify/cases.js';
import { type Inputs, expected, indexOf } from '../../src/verify/expected.js';
import { compareAll } from '../../src/verify/run.js';
import { Arguments, optionsOf, run, runRaw, sentinels, shapeOf, sharedDevice, takeErrors, valuesOf, wordsOf } from './harness.js';

const device = await sharedDevice();

afterEach(() => expect(takeErrors()).toEqual([]));

const made = new Map<string, Promise<BatchNormKernels>>();

function kernelsFor(options: BatchNormOptions): Promise<BatchNormKernels> {
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, createBatchNorm(device, options));
  return made.get(key)!;
}

const SHAPES: (Case & Pick<BatchNormOptions, 'plan'>)[] = [
  { name: 'channels-last, one dispatch', rows: 150, channels: 8, plan: 'single' },
  { name: 'channels-last, three', rows: 150, channels: 8, plan: 'split' },
  { name: 'channels-first, one dispatch', rows: 10 * 15, channels: 6, spatial: 15, plan: 'single' },
];

/** Forward, then backward, of inputs whose x, dy, gamma and beta may be replaced. */
async function trained(inputs: Inputs, plan: BatchNormOptions['plan'], eps = inputs.eps) {
  const { channels, rows } = inputs;
  const bn = await kernelsFor({ ...optionsOf(inputs), eps, plan });
  const args = new Arguments(device);
  const [x, dy] = [args.input('x', wordsOf(inputs.x)), args.input('dy', wordsOf(inputs.dy))];
  const [gamma, beta] = [args.input('gamma', wordsOf(inputs.gamma!)) as BufferView, args.input('beta', wordsOf(inputs.beta!)) as BufferView];
  const saved = args.output('saved', sentinels(6 * channels)) as BufferView;
  const out = (name: string, length: number) => args.output(name, sentinels(length));
  run(device, (pass) => {
    bn.forward(pass, { x, gamma, beta, y: out('y', rows * channels), saved }, shapeOf(inputs));
    const gradients = { dgamma: out('dgamma', channels) as BufferView, dbeta: out('dbeta', channels) as BufferView };
    bn.backward(pass, { x, dy, gamma, saved, dx: out('dx', rows * channels), ...gradients }, shapeOf(inputs));
  });
  const found = await args.read();
  args.dispose();
  const { mean, meanLow, variance, invStd } = savedViews(found.get('saved')!, channels);
  const [y, dx] = [valuesOf(found.get('y')!, rows * channels), valuesOf(found.get('dx')!, rows * channels)];
  const [dgamma, dbeta] = [valuesOf(found.get('dgamma')!, channels), valuesOf(found.get('dbeta')!, channels)];
  return { y, dx, dgamma, dbeta, mean: Float64Array.from(mean, (high, c) => high + meanLow[c]), variance: Float64Array.from(variance),
    invStd: Float64Array.from(invStd) };
}

/** Σ of a term over a channel's rows, and its largest size. */
function over(inputs: Inputs, c: number, term: (i: number) => number): { sum: number; most: number } {
  let [sum, most] = [0, 0];
  for (let row = 0; row < inputs.rows; row++) {
    const value = term(indexOf(inputs, row, c));
    sum += value;
    most = Math.max(most, Math.abs(value));
  }
  return { sum, most };
}

/** x in steps of 1/64 between ±4, so that ten times it, or 1000 more, is exact. */
const stepped = (inputs: Inputs): Float32Array => inputs.x.map((value) => Math.max(-4, Math.min(4, Math.round(value * 64) / 64)));

describe.each(SHAPES.map((row) => [row.name, row] as const))('%s', (_, { plan, ...row }) => {
  const inputs = inputsOf(row, 11);
  const { channels, rows } = inputs;

  it('control: within the reference’s bounds', async () => {
    const bn = await kernelsFor({ ...optionsOf(inputs), plan });
    const comparisons = compareAll(inputs, await runRaw(device, bn, inputs), expected(inputs), false);
    expect(comparisons.filter(({ beyond }) => beyond > 0)).toEqual([]);
  });

  it.each([1e-5, 0.5])('Σ dx = 0 and Σ dx · xHat = gamma · invStd · dgamma · eps / (variance + eps), eps %f', async (eps) => {
    const { dx, dgamma, mean, variance, invStd } = await trained(inputs, plan, eps);
    for (let c = 0; c < channels; c++) {
      const scale = Math.abs(inputs.gamma![c]) * invStd[c];
      // Each dx is within 2e-6 · scale · max|dy| of its own (DESIGN: "Numbers"), so their mean is.
      const each = 2e-6 * scale * over(inputs, c, (i) => inputs.dy[i]).most;
      expect(Math.abs(over(inputs, c, (i) => dx[i]).sum)).toBeLessThanOrEqual(rows * each);
      const xHat = (i: number) => (inputs.x[i] - mean[c]) * invStd[c];
      const want = (inputs.gamma![c] * invStd[c] * dgamma[c] * eps) / (variance[c] + eps);
      expect(Math.abs(over(inputs, c, (i) => dx[i] * xHat(i)).sum - want)).toBeLessThanOrEqual(rows * each * over(inputs, c, xHat).most);
      if (eps === 0.5) expect(Math.abs(want)).toBeGreaterThan(rows * each * over(inputs, c, xHat).most); // or nothing was shown
    }
  });

  it('gamma = √(variance + eps) and beta = mean restore x', async () => {
    const { mean, variance } = await trained(inputs, plan);
    const gamma = Float32Array.from(variance, (value) => Math.sqrt(value + inputs.eps));
    const beta = Float32Array.from(mean);
    const { y } = await trained({ ...inputs, gamma, beta }, plan);
    for (let c = 0; c < channels; c++) {
      // y's own 2e-6 · max|y|, and what gamma and beta lost to f32: 2⁻²⁴ of each
      const bound = 2e-6 * over(inputs, c, (i) => inputs.x[i]).most + 2 ** -24 * (over(inputs, c, (i) => inputs.x[i] - mean[c]).most + Math.abs(mean[c]));
      expect(over(inputs, c, (i) => y[i] - inputs.x[i]).most).toBeLessThanOrEqual(bound);
    }
  });

  it('a gradient at one place gives dx all over its channel, and none elsewhere', async () => {
    const [at, own] = [indexOf(inputs, 77, 3), 3];
    const dy = new Float32Array(rows * channels);
    dy[at] = 1;
    const { dx, dgamma, dbeta, mean, invStd } = await trained({ ...inputs, dy }, plan);
    for (let c = 0; c < channels; c++) {
      let zeros = 0;
      for (let row = 0; row < rows; row++) if (dx[indexOf(inputs, row, c)] === 0) zeros++;
      expect(zeros).toBe(c === own ? 0 : rows);
      expect(dbeta[c]).toBe(c === own ? 1 : 0);
      if (c !== own) expect(dgamma[c]).toBe(0);
    }
    const xHat = (inputs.x[at] - mean[own]) * invStd[own];
    expect(Math.abs(dgamma[own] - xHat)).toBeLessThanOrEqual(2e-6 * Math.abs(xHat));
    const want = inputs.gamma![own] * invStd[own] * (1 - 1 / rows - xHat ** 2 / rows);
    expect(Math.abs(dx[at] - want)).toBeLessThanOrEqual(2e-6 * Math.abs(inputs.gamma![own] * invStd[own]));
  });

  it('a bias in front changes neither y nor dx, and its gradient is 0', async () => {
    const x = stepped(inputs);
    const bias = (c: number) => [0, 1000, -250.5, 64][c % 4];
    const moved = x.slice();
    for (let c = 0; c < channels; c++) for (let r = 0; r < rows; r++) moved[indexOf(inputs, r, c)] += bias(c);
    const [plain, biased] = [await trained({ ...inputs, x }, plan), await trained({ ...inputs, x: moved }, plan)];
    for (let c = 0; c < channels; c++) {
      const scale = Math.abs(inputs.gamma![c]) * plain.invStd[c] * over(inputs, c, (i) => inputs.dy[i]).most;
      // each of the two within its bound of the same exact answer
      expect(over(inputs, c, (i) => biased.y[i] - plain.y[i]).most).toBeLessThanOrEqual(4e-6 * over(inputs, c, (i) => plain.y[i]).most);
      expect(over(inputs, c, (i) => biased.dx[i] - plain.dx[i]).most).toBeLessThanOrEqual(4e-6 * scale);
      expect(Math.abs(over(inputs, c, (i) => biased.dx[i]).sum)).toBeLessThanOrEqual(2e-6 * rows * scale);
      expect(Math.abs(biased.mean[c] - plain.mean[c] - bias(c))).toBeLessThanOrEqual(4e-6 * Math.max(1, Math.abs(bias(c))));
    }
  });

  it('ten times x with a hundred times eps is x: y the same, dx a tenth', async () => {
    const x = stepped(inputs);
    const [plain, scaled] = [await trained({ ...inputs, x }, plan, 1e-3), await trained({ ...inputs, x: x.map((value) => 10 * value) }, plan, 0.1)];
    for (let c = 0; c < channels; c++) {
      const scale = Math.abs(inputs.gamma![c]) * plain.invStd[c] * over(inputs, c, (i) => inputs.dy[i]).most;
      // each of the two within its bound, and eps rounded to f32
      expect(over(inputs, c, (i) => scaled.y[i] - plain.y[i]).most).toBeLessThanOrEqual(5e-6 * over(inputs, c, (i) => plain.y[i]).most);
      expect(over(inputs, c, (i) => 10 * scaled.dx[i] - plain.dx[i]).most).toBeLessThanOrEqual(5e-6 * scale);
      expect(Math.abs(scaled.variance[c] - 100 * plain.variance[c])).toBeLessThanOrEqual(2e-6 * scaled.variance[c]);
    }
  });
});

describe('inference of one row, or image, alone is its row in a batch, to the bit', () => {
  const layouts: Pick<Case, 'channels' | 'spatial'>[] = [{ channels: 8 }, { channels: 7 }, { channels: 5, spatial: 12 }, { channels: 5, spatial: 9 }];
  const cases =
    (['f32', 'f16', 'bf16'] as const).flatMap((storage) => (['none', 'relu', 'add', 'add + gelu'] as const).map((after) => [storage, after] as const));

  it.each(cases)('%s, %s', async (storage, after) => {
    const epilogue = { residual: after.startsWith('add'), activation: after === 'relu' ? 'relu' : after === 'add + gelu' ? 'gelu' : 'none' } as const;
    const batch = 37;
    for (const shape of layouts) {
      const { channels, spatial = 1 } = shape;
      const inputs = inputsOf({ name: '', rows: batch * spatial, ...epilogue, ...(storage === 'f32' ? {} : { storage }), ...shape }, 12);
      const bn = await kernelsFor({ ...optionsOf(inputs), modes: ['infer'] });
      const stride = channels * spatial; // of one row, or one image
      const inferred = async (first: number, end: number): Promise<Float32Array> => {
        const args = new Arguments(device);
        const slice = (values: Float32Array) => wordsOf(values.slice(first * stride, end * stride), storage);
        const vector = (name: string, values: Float32Array) => args.input(name, wordsOf(values)) as BufferView;
        run(device, (pass) => bn.infer(pass, {
          x: args.input('x', slice(inputs.x)), ...(inputs.residual ? { residual: args.input('residual', slice(inputs.residual)) } : {}),
          gamma: vector('gamma', inputs.gamma!), beta: vector('beta', inputs.beta!), runningMean: vector('mean', inputs.frozenMean),
          runningVar: vector('var', inputs.frozenVar),
          y: args.output('y', sentinels((end - first) * stride, storage)),
        }, shapeOf({ ...inputs, rows: (end - first) * spatial })));
        const y = valuesOf((await args.read()).get('y')!, (end - first) * stride, storage);
        args.dispose();
        return y;
      };
      const all = await inferred(0, batch);
      expect(new Set(all).size).toBeGreaterThan(batch); // control: there is something to be equal
      for (const [first, end] of [[0, 1], [1, 2], [18, 19], [36, 37], [3, 20]]) {
        expect(await inferred(first, end), `rows ${first} to ${end} of channels ${channels}, spatial ${spatial}`).toEqual(
          all.slice(first * stride, end * stride),
        );
      }
    }
  });
});

describe('accumulate', () => {
  it.each([
    ['backward', 'single'], ['backward', 'split'], ['backwardFrozen', 'single'], ['backwardFrozen', 'split'],
  ] as const)('%s, %s: adds to dgamma and dbeta; without it NaN there is nothing; dx is the same', async (call, plan) => {
    const [inputs, second] = [inputsOf(SHAPES[0], 13), inputsOf(SHAPES[0], 14)];
    const { channels, rows } = inputs;
    const bn = await kernelsFor({ ...optionsOf(inputs), plan });
    const args = new Arguments(device);
    const matrix = (name: string, values: Float32Array) => args.input(name, wordsOf(values));
    const vector = (name: string, values: Float32Array) => args.input(name, wordsOf(values)) as BufferView;
    const x = matrix('x', inputs.x);
    const dys = [matrix('dy0', inputs.dy), matrix('dy1', second.dy)];
    const [gamma, beta] = [vector('gamma', inputs.gamma!), vector('beta', inputs.beta!)];
    const frozen = { runningMean: vector('mean', inputs.frozenMean), runningVar: vector('var', inputs.frozenVar) };
    const saved = args.output('saved', sentinels(6 * channels)) as BufferView;
    const nan = new Uint32Array(channels).fill(0x7fc00000);
    const gradients = (name: string) => ({ dgamma: args.output(`dgamma ${name}`, nan) as BufferView, dbeta: args.output(`dbeta ${name}`, nan) as BufferView });
    run(device, (pass) => {
      bn.forward(pass, { x, gamma, beta, saved, y: args.output('y', sentinels(rows * channels)) }, { rows });
      const backward = (dy: number, name: string, into: ReturnType<typeof gradients>, accumulate?: boolean) => {
        const buffers = { x, dy: dys[dy], gamma, dx: args.output(`dx ${name}`, sentinels(rows * channels)), ...into };
        const options = accumulate === undefined ? undefined : { accumulate };
        if (call === 'backward') bn.backward(pass, { ...buffers, saved }, { rows }, options);
        else bn.backwardFrozen(pass, { ...buffers, ...frozen }, { rows }, options);
      };
      backward(0, 'first', gradients('first'));
      backward(1, 'second', gradients('second'), false);
      const both = gradients('both');
      backward(0, 'both, first', both, false);
      backward(1, 'both, second', both, true);
      backward(0, 'spoiled', gradients('spoiled'), true);
    });
    const found = await args.read();
    const values = (name: string) => valuesOf(found.get(name)!, found.get(name)!.length);
    for (const of of ['dgamma', 'dbeta']) {
      const [first, next, both] = ['first', 'second', 'both'].map((name) => values(`${of} ${name}`));
      expect(first.every(Number.isFinite) && next.every(Number.isFinite)).toBe(true);
      for (let c = 0; c < channels; c++) {
        // two roundings at most, where the product before the sum is not fused into it
        expect(Math.abs(both[c] - (first[c] + next[c]))).toBeLessThanOrEqual(2 ** -23 * (Math.abs(first[c]) + Math.abs(next[c])));
        expect(both[c]).not.toBe(next[c]);
      }
      expect(values(`${of} spoiled`).every(Number.isNaN)).toBe(true); // so that it does add
    }
    expect(found.get('dx both, first')).toEqual(found.get('dx first'));
    expect(found.get('dx both, second')).toEqual(found.get('dx second'));
    expect(found.get('dx spoiled')).toEqual(found.get('dx first'));
    args.dispose();
  });
});
