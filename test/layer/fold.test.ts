// Claim: a folded layer computes what the plain layer and then batch norm compute, in every weight layout named, and
// what cannot be folded is refused.
// Control: one channel by hand. The others: plain loops over each layer's own definition, then the reference's `infer`.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchNorm, openBackend } from '../../src/index.js';
import { type InferenceState, type LinearLayer, foldInto, toScaleShift } from '../../src/layer/fold.js';
import { type FollowingLayer, foldFrom } from '../../src/layer/foldFrom.js';
import { infer } from '../../src/reference/infer.js';
import { type Floats, invStdOf } from '../../src/reference/types.js';

/** Seeded, in [−1, 1). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
const fill = (length: number, random: () => number) => Float64Array.from({ length }, random);
const product = (shape: readonly number[]) => shape.reduce((all, size) => all * size, 1);

function batchNormOf(channels: number, random: () => number) {
  return {
    gamma: fill(channels, random), beta: fill(channels, random), runningMean: fill(channels, () => 3 * random()),
    runningVar: fill(channels, () => 1 + random()), eps: 1e-3,
  };
}

const normalized = (x: Floats, channels: number, { eps, ...state }: InferenceState) =>
  infer({ x, ...(state as Record<'runningMean' | 'runningVar', Floats>) }, { rows: x.length / channels, channels }, eps);

/** Both sides do fewer than 100 roundings of 2⁻⁵³ on values below 100. */
function expectClose(got: Floats, want: Floats): void {
  expect(got.length).toBe(want.length);
  expect([...got.keys()].filter((i) => !(Math.abs(got[i] - want[i]) <= 1e-11))).toEqual([]);
}

describe('toScaleShift', () => {
  it('control: by hand', () => {
    const batchNorm = { gamma: [2, 6], beta: [5, 0], runningMean: [10, -1], runningVar: [3, 8], eps: 1 };
    expect(toScaleShift(batchNorm)).toEqual({ scale: Float32Array.of(1, 2), shift: Float32Array.of(-5, 2) });
    expect(toScaleShift(batchNorm, { precision: 'f64' })).toEqual({ scale: Float64Array.of(1, 2), shift: Float64Array.of(-5, 2) });
    const { gamma: _, beta: __, ...plain } = batchNorm;
    expect(toScaleShift(plain)).toEqual({ scale: Float32Array.of(0.5, 1 / 3), shift: Float32Array.of(-5, 1 / 3) });
    expect(toScaleShift({ ...plain, gamma: [2, 6] }).shift).toEqual(Float32Array.of(-10, 2));
    expect(toScaleShift({ ...plain, beta: [5, 0] }).shift).toEqual(Float32Array.of(0, 1 / 3));
  });

  it('is inference', () => {
    const random = randomOf(1);
    const batchNorm = batchNormOf(7, random);
    const { scale, shift } = toScaleShift(batchNorm, { precision: 'f64' });
    const x = fill(70, random);
    expectClose(x.map((value, i) => value * scale[i % 7] + shift[i % 7]), normalized(x, 7, batchNorm));
  });

  it('is a layer in evaluation, from its state', async () => {
    const cpu = await openBackend({ prefer: 'cpu' });
    const layer = await BatchNorm.create(cpu, { channels: 3 });
    const data = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i * i) * 2 + 1);
    layer.forward(cpu.tensor(data, [20, 3]));
    const { scale, shift } = toScaleShift({ ...(await layer.state()), eps: layer.numbers.eps });
    const y = await layer.eval().forward(cpu.tensor(data, [20, 3])).read();
    y.forEach((value, i) => expect(data[i] * scale[i % 3] + shift[i % 3]).toBeCloseTo(value, 5));
  });

  it('f32 results are the f64 ones rounded once', () => {
    const batchNorm = batchNormOf(50, randomOf(2));
    const [single, double] = [toScaleShift(batchNorm), toScaleShift(batchNorm, { precision: 'f64' })];
    expect(single.scale).toEqual(Float32Array.from(double.scale));
    expect(single.shift).toEqual(Float32Array.from(double.shift));
  });

  it('a variance of ∞ gives beta, as inference does, and one between −eps and 0 what inference gives', () => {
    const { scale, shift } = toScaleShift({ gamma: [2, 3], beta: [5, 7], runningMean: [11, 0], runningVar: [Infinity, -0.25], eps: 0.5 }, { precision: 'f64' });
    expect([...scale, ...shift]).toEqual([0, 6, 5, 7]);
  });

  it('eps 0: a channel of variance 0 gives beta, whatever its mean; the others are not touched', () => {
    const batchNorm = { gamma: [3, 3], beta: [7, 7], runningMean: [1e30, 2], runningVar: [0, 4], eps: 0 };
    expect(toScaleShift(batchNorm)).toEqual({ scale: Float32Array.of(0, 1.5), shift: Float32Array.of(7, 4) });
    expect(foldInto({ weight: [5, 2], shape: [2, 1], bias: [9, 9], outputAxis: 0 }, batchNorm)).toEqual(
      { weight: Float32Array.of(0, 3), bias: Float32Array.of(7, 17.5) },
    );
    expect(foldFrom(batchNorm, { weight: [5, 2], shape: [1, 2], outputAxis: 0 })).toEqual(
      { weight: Float32Array.of(0, 3), bias: Float32Array.of(5 * 7 + 2 * 4) },
    );
  });
});

// Each layer by its definition, all tensors NHWC; weights are read through `at`, so that a layout is only an index.
interface Conv { batch: number; size: number; inputs: number; outputs: number; kernel: number; padding: number; stride: number; groups: number }
type At = (out: number, input: number, a: number, b: number) => number;

/** y[n, p, q, o] = b[o] + Σ x[n, p·stride + a − padding, q·stride + b − padding, i] · W, over the inputs of o's group. */
function conv(x: Floats, at: At, bias: Floats | undefined, c: Conv): Float64Array {
  const side = Math.floor((c.size + 2 * c.padding - c.kernel) / c.stride) + 1;
  const y = new Float64Array(c.batch * side * side * c.outputs);
  const [groupInputs, groupOutputs] = [c.inputs / c.groups, c.outputs / c.groups];
  let to = 0;
  for (let n = 0; n < c.batch; n++) for (let p = 0; p < side; p++) for (let q = 0; q < side; q++) for (let o = 0; o < c.outputs; o++, to++) {
    y[to] = bias ? bias[o] : 0;
    for (let i = 0; i < groupInputs; i++) for (let a = 0; a < c.kernel; a++) for (let b = 0; b < c.kernel; b++) {
      const [row, column] = [p * c.stride + a - c.padding, q * c.stride + b - c.padding];
      if (row < 0 || column < 0 || row >= c.size || column >= c.size) continue;
      const input = Math.floor(o / groupOutputs) * groupInputs + i;
      y[to] += x[((n * c.size + row) * c.size + column) * c.inputs + input] * at(o, i, a, b);
    }
  }
  return y;
}

/** Scatters x[n, p, q, i] · W to y[n, p·stride + a − padding, q·stride + b − padding, o], over the outputs of i's group. */
function convTranspose(x: Floats, at: At, bias: Floats | undefined, c: Conv): Float64Array {
  const side = (c.size - 1) * c.stride + c.kernel - 2 * c.padding;
  const y = Float64Array.from({ length: c.batch * side * side * c.outputs }, (_, i) => (bias ? bias[i % c.outputs] : 0));
  const [groupInputs, groupOutputs] = [c.inputs / c.groups, c.outputs / c.groups];
  for (let n = 0; n < c.batch; n++) for (let p = 0; p < c.size; p++) for (let q = 0; q < c.size; q++) for (let i = 0; i < c.inputs; i++) {
    for (let o = 0; o < groupOutputs; o++) for (let a = 0; a < c.kernel; a++) for (let b = 0; b < c.kernel; b++) {
      const [row, column] = [p * c.stride + a - c.padding, q * c.stride + b - c.padding];
      if (row < 0 || column < 0 || row >= side || column >= side) continue;
      const output = Math.floor(i / groupInputs) * groupOutputs + o;
      y[((n * side + row) * side + column) * c.outputs + output] += x[((n * c.size + p) * c.size + q) * c.inputs + i] * at(o, i, a, b);
    }
  }
  return y;
}

interface Layout {
  name: string;
  compute: typeof conv;
  groups: number;
  inputs: number;
  outputs: number;
  shape(c: Conv): number[];
  outputAxis: number | number[];
  /** Only where foldInto needs it. */
  says?: { groups: number };
  /** Only where foldFrom needs it. */
  from?: { groups: number };
  /** Index of an element of the weight: o and i as `at` counts them. */
  index(o: number, i: number, a: number, b: number, c: Conv): number;
}
const layouts: Layout[] = [
  {
    name: 'PyTorch Conv2d [out, in, h, w]', compute: conv, groups: 1, inputs: 3, outputs: 4, outputAxis: 0,
    shape: (c) => [c.outputs, c.inputs, c.kernel, c.kernel], index: (o, i, a, b, c) => ((o * c.inputs + i) * c.kernel + a) * c.kernel + b,
  },
  {
    name: 'PyTorch Conv2d [out, in/groups, h, w], 2 groups', compute: conv, groups: 2, inputs: 6, outputs: 4, outputAxis: 0, from: { groups: 2 },
    shape: (c) => [c.outputs, c.inputs / 2, c.kernel, c.kernel], index: (o, i, a, b, c) => ((o * (c.inputs / 2) + i) * c.kernel + a) * c.kernel + b,
  },
  {
    name: 'Keras Conv2D [h, w, in, out]', compute: conv, groups: 1, inputs: 3, outputs: 4, outputAxis: -1,
    shape: (c) => [c.kernel, c.kernel, c.inputs, c.outputs], index: (o, i, a, b, c) => ((a * c.kernel + b) * c.inputs + i) * c.outputs + o,
  },
  {
    name: 'Keras Conv2D [h, w, in/groups, out], 2 groups', compute: conv, groups: 2, inputs: 6, outputs: 4, outputAxis: -1, from: { groups: 2 },
    shape: (c) => [c.kernel, c.kernel, c.inputs / 2, c.outputs], index: (o, i, a, b, c) => ((a * c.kernel + b) * (c.inputs / 2) + i) * c.outputs + o,
  },
  {
    name: 'Keras DepthwiseConv2D [h, w, in, multiplier]', compute: conv, groups: 3, inputs: 3, outputs: 6, outputAxis: [-2, -1],
    shape: (c) => [c.kernel, c.kernel, c.inputs, 2], index: (o, _, a, b, c) => ((a * c.kernel + b) * c.inputs + Math.floor(o / 2)) * 2 + (o % 2),
  },
  {
    name: 'PyTorch ConvTranspose2d [in, out, h, w]', compute: convTranspose, groups: 1, inputs: 3, outputs: 4, outputAxis: 1,
    shape: (c) => [c.inputs, c.outputs, c.kernel, c.kernel], index: (o, i, a, b, c) => ((i * c.outputs + o) * c.kernel + a) * c.kernel + b,
  },
  {
    name: 'PyTorch ConvTranspose2d [in, out/groups, h, w], 2 groups', compute: convTranspose, groups: 2, inputs: 4, outputs: 6, outputAxis: 1,
      says: { groups: 2 },
    shape: (c) => [c.inputs, c.outputs / 2, c.kernel, c.kernel], index: (o, i, a, b, c) => ((i * (c.outputs / 2) + o) * c.kernel + a) * c.kernel + b,
  },
  {
    name: 'Keras Conv2DTranspose [h, w, out, in]', compute: convTranspose, groups: 1, inputs: 3, outputs: 4, outputAxis: -2,
    shape: (c) => [c.kernel, c.kernel, c.outputs, c.inputs], index: (o, i, a, b, c) => ((a * c.kernel + b) * c.outputs + o) * c.inputs + i,
  },
];

describe('foldInto', () => {
  it('control: by hand', () => {
    const batchNorm = { gamma: [2, 6], beta: [5, 0], runningMean: [10, -1], runningVar: [3, 8], eps: 1 }; // scale 1, 2
    const rows = { weight: [1, 2, 3, 4, 5, 6], shape: [2, 3], outputAxis: 0 };
    expect(foldInto(rows, batchNorm)).toEqual({ weight: Float32Array.of(1, 2, 3, 8, 10, 12), bias: Float32Array.of(-5, 2) });
    expect(foldInto({ ...rows, bias: [10, 1] }, batchNorm).bias).toEqual(Float32Array.of(5, 4));
    const columns = { weight: [1, 2, 3, 4, 5, 6], shape: [3, 2], outputAxis: -1 };
    expect(foldInto(columns, batchNorm).weight).toEqual(Float32Array.of(1, 4, 3, 8, 5, 12));
    expect(foldInto({ ...columns, outputAxis: 1 }, batchNorm, { precision: 'f64' }).weight).toEqual(Float64Array.of(1, 4, 3, 8, 5, 12));
  });

  it.each(layouts)('$name: padding and stride, with and without bias', (layout) => {
    const random = randomOf(3);
    for (const [padding, stride, withBias] of [[0, 1, true], [1, 1, false], [1, 2, true]] as const) {
      const c: Conv = { batch: 2, size: 4, kernel: 3, padding, stride, inputs: layout.inputs, outputs: layout.outputs, groups: layout.groups };
      const shape = layout.shape(c);
      const weight = fill(product(shape), random);
      const bias = withBias ? fill(c.outputs, random) : undefined;
      const x = fill(c.batch * c.size * c.size * c.inputs, random);
      const batchNorm = batchNormOf(c.outputs, random);
      const through = (values: Floats): At => (o, i, a, b) => values[layout.index(o, i, a, b, c)];
      const want = normalized(layout.compute(x, through(weight), bias, c), c.outputs, batchNorm);
      const folded = foldInto({ weight, shape, bias, outputAxis: layout.outputAxis, ...layout.says }, batchNorm, { precision: 'f64' });
      expectClose(layout.compute(x, through(folded.weight), folded.bias, c), want);
    }
  });

  it.each([{ name: 'PyTorch Linear [out, in]', outputAxis: 0 }, { name: 'Keras Dense [in, out]', outputAxis: 1 }])('$name: random sizes, in place of both',
    ({ outputAxis }) => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer(), (inputs, outputs, seed) => {
      const random = randomOf(seed);
      const [weight, bias, x] = [fill(inputs * outputs, random), fill(outputs, random), fill(4 * inputs, random)];
      const batchNorm = batchNormOf(outputs, random);
      const shape = outputAxis === 0 ? [outputs, inputs] : [inputs, outputs];
      const linear = (w: Floats, b: Floats) => Float64Array.from({ length: 4 * outputs }, (_, to) => {
        const [row, o] = [Math.floor(to / outputs), to % outputs];
        let y = b[o];
        for (let i = 0; i < inputs; i++) y += x[row * inputs + i] * w[outputAxis === 0 ? o * inputs + i : i * outputs + o];
        return y;
      });
      const folded = foldInto({ weight, shape, bias, outputAxis }, batchNorm, { precision: 'f64' });
      expectClose(linear(folded.weight, folded.bias), normalized(linear(weight, bias), outputs, batchNorm));
    }), { seed: 1 });
  });

  it('any shape and any axes, in any order: each element is scaled by its channel, once', () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 });
    const cases = shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.shuffledSubarray(shape.map((_, axis) => axis), { minLength: 1 }), fc.boolean()));
    fc.assert(fc.property(cases, ([shape, axes, fromEnd]) => {
      const channels = product(axes.map((axis) => shape[axis]));
      const batchNorm = { runningMean: new Float64Array(channels), runningVar: Float64Array.from({ length: channels }, (_, c) => 1 / (c + 1) ** 2), eps: 0 };
      const weight = new Float64Array(product(shape)).fill(1);
      const outputAxis = axes.map((axis) => (fromEnd ? axis - shape.length : axis));
      const folded = foldInto({ weight, shape, outputAxis: axes.length === 1 ? outputAxis[0] : outputAxis }, batchNorm, { precision: 'f64' });
      const places = (i: number) => shape.map((_, axis) => Math.floor(i / product(shape.slice(axis + 1))) % shape[axis]);
      const channelOf = (i: number) => axes.reduce((channel, axis) => channel * shape[axis] + places(i)[axis], 0);
      expectClose(folded.weight, weight.map((_, i) => channelOf(i) + 1));
    }), { seed: 1, numRuns: 300 });
  });

  it('a bias near a large mean does not cancel', () => {
    const folded =
      foldInto({ weight: [1], shape: [1], bias: [1e8 + 1], outputAxis: 0 }, { gamma: [1], beta: [0.5], runningMean: [1e8], runningVar: [1], eps: 0 });
    expect(folded.bias).toEqual(Float32Array.of(1.5));
  });

  it('f32 results are the f64 ones rounded once; inputs stay as they are', () => {
    const random = randomOf(5);
    const batchNorm = batchNormOf(8, random);
    const layer = { weight: Float32Array.from(fill(48, random)), shape: [8, 6], bias: fill(8, random), outputAxis: 0 };
    const before = structuredClone({ layer, batchNorm });
    const [single, double] = [foldInto(layer, batchNorm), foldInto(layer, batchNorm, { precision: 'f64' })];
    expect(single).toEqual({ weight: Float32Array.from(double.weight), bias: Float32Array.from(double.bias) });
    expect(single.weight[47]).toBe(Math.fround(layer.weight[47] * batchNorm.gamma[7] * invStdOf(batchNorm.runningVar[7], 1e-3)));
    expect({ layer, batchNorm }).toEqual(before);
  });
});

describe('foldFrom', () => {
  it('control: by hand', () => {
    const batchNorm = { gamma: [2, 6], beta: [5, 0], runningMean: [10, -1], runningVar: [3, 8], eps: 1 }; // scale 1, 2; shift −5, 2
    expect(foldFrom(batchNorm, { weight: [1, 2, 3, 4], shape: [2, 2], outputAxis: 0 })).toEqual(
      { weight: Float32Array.of(1, 4, 3, 8), bias: Float32Array.of(-1, -7) },
    );
    expect(foldFrom(batchNorm, { weight: [1, 2, 3, 4], shape: [2, 2], outputAxis: -1, bias: [1, 1] })).toEqual(
      { weight: Float32Array.of(1, 2, 6, 8), bias: Float32Array.of(2, -1) },
    );
  });

  it.each([0, 1])('batch norm, then linear with outputAxis %i: random sizes', (outputAxis) => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), fc.integer(), (inputs, outputs, withBias, seed) => {
      const random = randomOf(seed);
      const [weight, x] = [fill(inputs * outputs, random), fill(4 * inputs, random)];
      const bias = withBias ? fill(outputs, random) : undefined;
      const batchNorm = batchNormOf(inputs, random);
      const linear = (values: Floats, w: Floats, b: Floats | undefined) => Float64Array.from({ length: 4 * outputs }, (_, to) => {
        const [row, o] = [Math.floor(to / outputs), to % outputs];
        let y = b ? b[o] : 0;
        for (let i = 0; i < inputs; i++) y += values[row * inputs + i] * w[outputAxis === 0 ? o * inputs + i : i * outputs + o];
        return y;
      });
      const shape = outputAxis === 0 ? [outputs, inputs] : [inputs, outputs];
      const folded = foldFrom(batchNorm, { weight, shape, bias, outputAxis }, { precision: 'f64' });
      expectClose(linear(x, folded.weight, folded.bias), linear(normalized(x, inputs, batchNorm), weight, bias));
    }), { seed: 1 });
  });

  const convolutions = layouts.filter(({ compute }) => compute === conv);

  it.each(convolutions)('batch norm, then $name: kernels 1 to 3, strides, with and without bias', (layout) => {
    const random = randomOf(4);
    for (const [kernel, stride, withBias] of [[1, 1, true], [1, 2, false], [2, 1, true], [3, 1, false], [3, 2, true]] as const) {
      const c: Conv = { batch: 2, size: 5, kernel, padding: 0, stride, inputs: layout.inputs, outputs: layout.outputs, groups: layout.groups };
      const shape = layout.shape(c);
      const weight = fill(product(shape), random);
      const bias = withBias ? fill(c.outputs, random) : undefined;
      const x = fill(c.batch * c.size * c.size * c.inputs, random);
      const batchNorm = batchNormOf(c.inputs, random);
      const through = (values: Floats): At => (o, i, a, b) => values[layout.index(o, i, a, b, c)];
      const folded = foldFrom(batchNorm, { weight, shape, bias, outputAxis: layout.outputAxis, padding: 0, ...layout.from }, { precision: 'f64' });
      expectClose(conv(x, through(folded.weight), folded.bias, c), conv(normalized(x, c.inputs, batchNorm), through(weight), bias, c));
    }
  });

  it('a kernel of size 1 need not say its padding; axes in an order of their own are told', () => {
    const random = randomOf(6);
    const [weight, batchNorm] = [fill(12, random), batchNormOf(3, random)];
    const plain = foldFrom(batchNorm, { weight, shape: [4, 3], outputAxis: 0 });
    for (const layer of [
      { shape: [4, 3, 1, 1], outputAxis: 0 }, { shape: [4, 3, 1], outputAxis: 0, padding: 'same' }, { shape: [1, 4, 3], outputAxis: 1, inputAxis: 2 },
      { shape: [4, 1, 1, 3], outputAxis: 0, inputAxis: -1, padding: [0, 0] }, { shape: [4, 3], outputAxis: 0, inputAxis: 1, groups: 1, padding: 'valid' },
    ] satisfies Omit<FollowingLayer, 'weight'>[]) expect(foldFrom(batchNorm, { weight, ...layer })).toEqual(plain);
  });

  it('why padding cannot be folded: its zeros do not see the shift; where every shift is 0 it can', () => {
    const random = randomOf(7);
    const c: Conv = { batch: 1, size: 3, kernel: 3, padding: 1, stride: 1, inputs: 3, outputs: 4, groups: 1 };
    const layer = { weight: fill(108, random), shape: [4, 3, 3, 3], outputAxis: 0 };
    const x = fill(27, random);
    const through = (values: Floats): At => (o, i, a, b) => values[((o * 3 + i) * 3 + a) * 3 + b];
    const both = (batchNorm: InferenceState, padding: FollowingLayer['padding']) => {
      const folded = foldFrom(batchNorm, { ...layer, padding }, { precision: 'f64' });
      return [conv(x, through(folded.weight), folded.bias, c), conv(normalized(x, 3, batchNorm), through(layer.weight), undefined, c)] as const;
    };
    const [got, want] = both(batchNormOf(3, random), 0);
    expect([...got.keys()].filter((i) => Math.abs(got[i] - want[i]) > 1e-3)).toHaveLength(32); // all but the four values in the middle
    const { gamma, runningVar, eps } = batchNormOf(3, random);
    for (const padding of [1, [1, 1], [0, 0, 1, 1], 'same'] as const) {
      expectClose(...both({ gamma, runningMean: new Float64Array(3), runningVar, eps }, padding));
      expect(() => both({ gamma, beta: [0, 0.5, 0], runningMean: new Float64Array(3), runningVar, eps }, padding)).toThrow(
        `foldFrom: "padding" is ${typeof padding === 'string' ? '"same"' : Array.isArray(padding) ? `[${padding.join(', ')}]` : padding}, needs 0 (padded ` +
          `zeros come after the ` +
          'batch norm and do not see its shift, 0.5 in channel 1, which a folded bias would add there too). Leave the layer as it is, and run the batch ' +
            'norm before it.',
      );
    }
  });

  it.each([
    ['channelsFirst', 0], ['channelsFirst', 1], ['channelsLast', 0], ['channelsLast', 1],
  ] as const)('a flatten of %s between, outputAxis %i', (flatten, outputAxis) => {
    const random = randomOf(8);
    const [channels, spatial, outputs, batch] = [3, 4, 5, 2];
    const inputs = channels * spatial;
    const [weight, bias, x] = [fill(inputs * outputs, random), fill(outputs, random), fill(batch * inputs, random)];
    const batchNorm = batchNormOf(channels, random);
    const { scale, shift } = toScaleShift(batchNorm, { precision: 'f64' });
    const channelOf = (i: number) => (flatten === 'channelsFirst' ? Math.floor((i % inputs) / spatial) : i % channels);
    const linear = (values: Floats, w: Floats, b: Floats) => Float64Array.from({ length: batch * outputs }, (_, to) => {
      const [row, o] = [Math.floor(to / outputs), to % outputs];
      let y = b[o];
      for (let i = 0; i < inputs; i++) y += values[row * inputs + i] * w[outputAxis === 0 ? o * inputs + i : i * outputs + o];
      return y;
    });
    const folded = foldFrom(batchNorm, { weight, shape: outputAxis === 0 ? [outputs, inputs] : [inputs, outputs], bias, outputAxis, flatten },
      { precision: 'f64' });
    expectClose(linear(x, folded.weight, folded.bias), linear(x.map((value, i) => value * scale[channelOf(i)] + shift[channelOf(i)]), weight, bias));
  });
});

describe('what is refused', () => {
  const batchNorm: InferenceState = { runningMean: [0, 0], runningVar: [1, 1], eps: 1e-5 };
  const layer: LinearLayer = { weight: [1, 2, 3, 4, 5, 6], shape: [2, 3], outputAxis: 0 };
  const scale = (change: object) => () => toScaleShift({ ...batchNorm, ...change });
  const into = (change: object, state: object = {}) => () => foldInto({ ...layer, ...change }, { ...batchNorm, ...state });
  const from = (change: object) => () => foldFrom(batchNorm, { weight: [1, 2, 3, 4, 5, 6], shape: [3, 2], outputAxis: 0, ...change });

  it('control', () => {
    expect([scale({}), into({}), from({})].map((act) => Object.keys(act()))).toEqual([['scale', 'shift'], ['weight', 'bias'], ['weight', 'bias']]);
  });

  it.each<[string, () => unknown, string]>([
    ['a misspelt entry', scale({ gama: [1, 1] }),
      'toScaleShift: "gama" is not an option, needs one of gamma, beta, runningMean, runningVar, eps, batches. Remove or rename it.'],
    ['no state', () => toScaleShift(undefined as never),
      'toScaleShift: "options" is undefined, needs an object with gamma, beta, runningMean, runningVar, eps, batches.'],
    ['no eps', () => toScaleShift({ runningMean: [0], runningVar: [1] } as never), 'toScaleShift: "eps" is undefined, needs a finite number.'],
    ['a negative eps', scale({ eps: -1e-9 }), 'toScaleShift: "eps" is -1e-9, needs a finite number of at least 0.'],
    ['no mean', scale({ runningMean: undefined }),
      'toScaleShift: "runningMean" is undefined, needs one element per channel (inference goes by it). Take it from a layer with trackRunning: true.'],
    ['no variance', scale({ runningVar: undefined }), 'toScaleShift: "runningVar" is undefined, needs one element per channel (inference goes by it).'],
    ['a mean of text', scale({ runningMean: 'ab' }), 'toScaleShift: "runningMean" is "ab", needs a Float32Array, a Float64Array or an array of numbers.'],
    ['a mean of another length than all others', scale({ runningMean: [0], runningVar: [1, 1], gamma: [1, 1], beta: [0, 0] }),
      'toScaleShift: "runningMean" has 1 elements, needs 2 (those of runningVar, one per channel). Give an array of that length.'],
    ['a variance of another length', scale({ runningMean: [0, 0], runningVar: [1], gamma: [1, 1], beta: [0, 0] }),
      'toScaleShift: "runningVar" has 1 elements, needs 2 (those of runningMean, one per channel). Give an array of that length.'],
    ['no channels', scale({ runningMean: [] }), 'toScaleShift: "runningMean" has 0 elements, needs one per channel. Give the state of the layer.'],
    ['lengths', scale({ gamma: [1, 1, 1] }),
      'toScaleShift: "gamma" has 3 elements, needs 2 (those of runningMean, one per channel). Give an array of that length.'],
    ['kinds', scale({ beta: new Int8Array(2) }), 'toScaleShift: "beta" is Int8Array, needs a Float32Array, a Float64Array or an array of numbers.'],
    ['null', scale({ gamma: null }), 'toScaleShift: "gamma" is null, needs a Float32Array, a Float64Array or an array of numbers.'],
    ['NaN', scale({ runningMean: [0, NaN] }), 'toScaleShift: "runningMean" has NaN at 1, needs finite numbers. Correct it before folding.'],
    ['text', scale({ gamma: [1, '1'] }), 'toScaleShift: "gamma" has "1" at 1, needs finite numbers. Correct it before folding.'],
    ['a negative variance', scale({ eps: 1e-10, runningVar: [-1e-9, 1] }),
      'toScaleShift: "runningVar" has -1e-9 at 0, needs numbers of at least −eps -1e-10. Correct it before folding.'],
    ['a variance of NaN', scale({ runningVar: [1, NaN] }), 'toScaleShift: "runningVar" has NaN at 1, needs numbers of at least −eps'],
    ['f32 overflow', scale({ eps: 0, gamma: [1, 1e40], runningVar: [1, 1] }),
      `toScaleShift: "scale" would be 1e+40 at 1, needs a finite f32 (gamma / √(runningVar + eps) is too large). Ask for precision: 'f64', or raise eps.`],
    ['f64 overflow', () => toScaleShift({ ...batchNorm, eps: 0, gamma: [1e308, 1], runningVar: [1e-30, 1] }, { precision: 'f64' }),
      'toScaleShift: "scale" would be Infinity at 0, needs a finite f64 (gamma / √(runningVar + eps) is too large). Raise eps.'],
    ['precision', () => toScaleShift(batchNorm, { precision: 'f16' as never }), `toScaleShift: "precision" is "f16", needs 'f32' or 'f64'.`],
    ['option', () => toScaleShift(batchNorm, { as: 'f64' } as never), 'toScaleShift: "as" is not an option, needs one of precision. Remove or rename it.'],

    ['an unknown property', into({ axis: 0 }), 'foldInto: "axis" is not an option, needs one of weight, shape, bias, outputAxis, groups. Remove or rename it.'],
    ['no shape', into({ shape: undefined }), 'foldInto: "shape" is undefined, needs an array such as [out, in].'],
    ['an empty shape', into({ shape: [] }), 'foldInto: "shape" is [], needs at least one axis. Give the shape of the weight.'],
    ['an empty axis', into({ shape: [2, 0] }), 'foldInto: "shape[1]" is 0, needs an integer of at least 1.'],
    ['no axis', into({ outputAxis: undefined }), 'foldInto: "outputAxis" is undefined, needs an axis of shape [2, 3] (-2 to 1).'],
    ['none of the axes', into({ outputAxis: [] }), 'foldInto: "outputAxis" is [], needs an axis of shape [2, 3] (-2 to 1).'],
    ['one past the last axis', into({ outputAxis: 2 }), 'foldInto: "outputAxis" is 2, needs an axis of shape [2, 3] (-2 to 1).'],
    ['one before the first', into({ outputAxis: -3 }), 'foldInto: "outputAxis" is -3, needs an axis of shape [2, 3] (-2 to 1).'],
    ['half an axis', into({ outputAxis: 0.5 }), 'foldInto: "outputAxis" is 0.5, needs an axis of shape [2, 3] (-2 to 1).'],
    ['an axis twice', into({ outputAxis: [0, -2] }), 'foldInto: "outputAxis" is [0, -2], needs different axes. Name each once.'],
    ['the wrong axis', into({ outputAxis: 1 }),
      `foldInto: "shape" [2, 3] has 3 output channels (outputAxis 1), needs the batch norm's 2. Correct "outputAxis" or "groups", or give the batch norm ` +
        `after this layer.`],
    ['too many axes', into({ outputAxis: [0, 1] }),
      `foldInto: "shape" [2, 3] has 6 output channels (outputAxis [0, 1]), needs the batch norm's 2. Correct "outputAxis", or give the batch norm after ` +
        `this layer.`],
    ['groups of a plain convolution', into({ groups: 2 }),
      'foldInto: "groups" is 2, needs 1 unless "outputAxis" is 1 (a transposed convolution [in, out/groups, …]; elsewhere the output axis has all groups). ' +
        'Leave it out.'],
    ['groups that do not divide', into({ shape: [3, 2], outputAxis: 1, groups: 2 }),
      'foldInto: "groups" is 2, needs a divisor of the 3 input channels (shape[0]). Give that of the layer.'],
    ['groups that do not fit', into({ shape: [2, 3], outputAxis: 1, groups: 2 }),
      `foldInto: "shape" [2, 3] has 6 output channels (outputAxis 1, groups 2), needs the batch norm's 2. Correct "outputAxis" or "groups", or give the ` +
        `batch norm after this layer.`],
    ['no groups', into({ outputAxis: 1, groups: 0 }), 'foldInto: "groups" is 0, needs an integer of at least 1.'],
    ['a short weight', into({ weight: [1, 2, 3, 4, 5] }), 'foldInto: "weight" has 5 elements, needs 6 (shape [2, 3]). Give an array of that length.'],
    ['no weight', into({ weight: undefined }), 'foldInto: "weight" is undefined, needs a Float32Array, a Float64Array or an array of numbers.'],
    ['a weight of NaN', into({ weight: [1, 2, 3, 4, 5, NaN] }), 'foldInto: "weight" has NaN at 5, needs finite numbers. Correct it before folding.'],
    ['a bias of the input', into({ bias: [1, 2, 3] }), 'foldInto: "bias" has 3 elements, needs 2 (one per output channel). Give an array of that length.'],
    ['a bias of infinity', into({ bias: [1, Infinity] }), 'foldInto: "bias" has Infinity at 1, needs finite numbers. Correct it before folding.'],
    ['a weight that overflows', into({ weight: [1, 2, 3, 4, 5, 1e30] }, { eps: 0, runningVar: [1, 1e-20] }),
      'foldInto: "weight" would be 1e+40 at 5, needs a finite f32'],

    ['a padding not said', from({ weight: new Array(54).fill(1), shape: [3, 2, 3, 3] }), 'foldFrom: "padding" is undefined, needs 0 (the kernel is 3 × 3, ' +
      'and padding would not see the shift). Give the convolution\'s; if it is not 0 leave the layer as it is.'],
    ['a padding of no size', from({ shape: [3, 2, 1], padding: -1 }), `foldFrom: "padding" is -1, needs 0, integers, 'valid' or 'same'.`],
    ['a padding of another name', from({ shape: [3, 2, 1], padding: 'full' }), `foldFrom: "padding" is "full", needs 0, integers, 'valid' or 'same'.`],
    ['a padding of a matrix', from({ padding: 1 }),
      `foldFrom: "padding" is 1, needs 0 (shape [3, 2] is a matrix). Leave it out, or give a convolution's whole shape.`],
    ['groups of a matrix', from({ groups: 3 }),
      `foldFrom: "groups" is 3, needs 1 (shape [3, 2] is a matrix). Leave it out, or give a convolution's whole shape.`],
    ['one axis', from({ shape: [6], outputAxis: 0 }),
      'foldFrom: "shape" is [6], needs two axes at least (an input and an output). Give the shape of the weight.'],
    ['a transposed convolution', from({ shape: [2, 3, 1], outputAxis: 1 }),
      `foldFrom: "inputAxis" is undefined, needs the axis of the input channels (the output's is 1 of [2, 3, 1]). Give it; a transposed convolution's ` +
        `outputs see different parts of its kernel: leave it as it is unless the kernel is of size 1.`],
    ['an input axis that is the output', from({ shape: [3, 2, 1], inputAxis: 0 }),
      'foldFrom: "inputAxis" is 0, needs another axis than "outputAxis". Correct it.'],
    ['an input axis that is the output of a matrix', from({ inputAxis: -2 }),
      'foldFrom: "inputAxis" is -2, needs the other axis than "outputAxis". Leave it out.'],
    ['an input axis past the last', from({ inputAxis: 2 }), 'foldFrom: "inputAxis" is 2, needs an axis of shape [3, 2] (-2 to 1).'],
    ['channels of another layer', from({ shape: [2, 3, 1] }), `foldFrom: "shape" is [2, 3, 1], needs 2 at axis 1 (the batch norm's channels are the ` +
      `layer's input). Correct "outputAxis", "inputAxis" or "groups", or give the batch norm before this layer.`],
    ['groups of another layer', from({ weight: [1, 2, 3, 4, 5, 6, 7, 8], shape: [4, 2, 1], groups: 2 }),
      `foldFrom: "shape" is [4, 2, 1], needs 2 / 2 groups at axis 1 (the batch norm's channels are the layer's input).`],
    ['groups that do not divide', from({ shape: [3, 2, 1], groups: 2 }),
      'foldFrom: "groups" is 2, needs a divisor of the 3 output channels. Give that of the layer.'],
    ['groups of a depthwise kernel', from({ shape: [1, 2, 3], outputAxis: [1, 2], groups: 2 }),
      `foldFrom: "groups" is 2, needs 1 where the input axis is one of the output's (each input is its own group). Leave it out.`],
    ['a flatten not said', from({ weight: new Array(12).fill(1), shape: [3, 4] }),
      `foldFrom: "shape" is [3, 4], needs 2 at axis 1 (the batch norm's channels are the layer's input). Behind a flatten of 2 values a channel say which: ` +
        `flatten: 'channelsFirst' (PyTorch) or 'channelsLast' (Keras); else correct "outputAxis", or give the batch norm before this layer.`],
    ['a flatten of other channels', from({ weight: new Array(15).fill(1), shape: [3, 5], flatten: 'channelsFirst' }),
      `foldFrom: "shape" is [3, 5], needs a multiple of 2 at axis 1 (the batch norm's channels are the layer's input, times what was flattened). Correct ` +
        `"outputAxis", or give the batch norm before this layer.`],
    ['a flatten of another name', from({ flatten: true }), `foldFrom: "flatten" is true, needs 'channelsFirst' or 'channelsLast'.`],
    ['a flatten of a convolution', from({ shape: [3, 2, 1], flatten: 'channelsLast' }),
      'foldFrom: "flatten" is "channelsLast", needs a matrix ("shape" is [3, 2, 1]). Leave it out.'],
    ['a misspelt property', from({ pad: 1 }),
      'foldFrom: "pad" is not an option, needs one of weight, shape, bias, outputAxis, inputAxis, groups, padding, flatten. Remove or rename it.'],
    ['both axes', from({ outputAxis: [0, 1] }), 'foldFrom: "outputAxis" is [0, 1], needs one axis (the other has the input). Give 0 or 1.'],
    ['the other axis', from({ outputAxis: 1 }),
      `foldFrom: "shape" is [3, 2], needs 2 at axis 0 (the batch norm's channels are the layer's input). Correct "outputAxis", or give the batch norm before ` +
        `this layer.`],
    ['a bias of the input', from({ bias: [1, 2] }), 'foldFrom: "bias" has 2 elements, needs 3 (one per output channel). Give an array of that length.'],
  ])('%s', (_, act, message) => expect(act).toThrow(message));
});
