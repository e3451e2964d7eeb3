// Claim: a residual and an activation ride along in every pass, and their gradients are those of the composed function.
// Control: without either, the numbers are the plain pass's to the bit.
import { describe, expect, it } from 'vitest';
import type { Activation } from '../../src/core/activations.js';
import { backward, backwardFrozen, forward, gradientCheck, gradientInput, infer, normalize } from '../../src/reference/index.js';
import { LAYOUTS, apart, f64, normals } from './data.js';

const KINKS = [0, 6, -3, 3];
const SOFTPLUS: Activation = {
  name: 'softplus',
  wgsl: 'fn value(z: f32) -> f32 { return log(1.0 + exp(z)); } fn derivative(z: f32) -> f32 { return 1.0 / (1.0 + exp(-z)); }',
  value: (z) => Math.log1p(Math.exp(z)), derivative: (z) => 1 / (1 + Math.exp(-z)),
};

describe('by hand', () => {
  // xHat is (−1, 1) in the first column and 0 in the second, a constant one: z without residual is −1, −1, 3, −1
  const shape = { rows: 2, channels: 2 };
  const inputs = { x: f64(1, 10, 3, 10), gamma: f64(2, 5), beta: f64(1, -1) };
  const residual = f64(2, 1, -4, 3); // z is 1, 0, −1, 2
  const dy = f64(1, 4, 5, 2);

  it('control: no residual, no ReLU', () => {
    const plain = forward(inputs, shape, 0);
    expect(plain.y).toEqual(f64(-1, -1, 3, -1));
    expect(forward({ ...inputs, residual: undefined, activation: 'none' as const }, shape, 0)).toEqual(plain);
    expect(backward({ ...inputs, dy, activation: 'none' as const, ...plain }, shape)).toEqual(backward({ ...inputs, beta: undefined, dy, ...plain }, shape));
  });

  it('forward', () => {
    expect(forward({ ...inputs, activation: 'relu' as const }, shape, 0).y).toEqual(f64(0, 0, 3, 0));
    expect(forward({ ...inputs, residual }, shape, 0).y).toEqual(f64(1, 0, -1, 2));
    expect(forward({ ...inputs, residual, activation: 'relu' as const }, shape, 0).y).toEqual(f64(1, 0, 0, 2));
  });

  it('backward: no gradient where z is negative or exactly 0', () => {
    const { mean, invStd } = forward(inputs, shape, 0);
    const { dx, dgamma, dbeta, dresidual } = backward({ ...inputs, residual, activation: 'relu' as const, dy, mean, invStd }, shape);
    expect(dresidual).toEqual(f64(1, 0, 0, 2));
    expect(dbeta).toEqual(f64(1, 2));
    expect(dgamma).toEqual(f64(-1, 0));
    expect(apart(dx, f64(0, 0, 0, 0))).toBe(0); // 2·(1 − ½ − ½), 2·(0 − ½ + ½), and invStd 0
    const relu = backward({ ...inputs, activation: 'relu' as const, dy, mean, invStd }, shape);
    expect(relu.dbeta).toEqual(f64(5, 0));
    expect(relu.dresidual).toBeUndefined();
  });

  it('inference and the frozen backward', () => {
    const running = { runningMean: f64(0, 6), runningVar: f64(4, 16) }; // xHat ½, 1, 1½, 1; z 2, 4, 4, 4
    const minus = f64(-2, -3, -5, 0); // z 0, 1, −1, 4
    expect(infer({ ...inputs, residual: minus, ...running }, shape, 0)).toEqual(f64(0, 1, -1, 4));
    expect(infer({ ...inputs, residual: minus, activation: 'relu' as const, ...running }, shape, 0)).toEqual(f64(0, 1, 0, 4));
    const { dx, dgamma, dbeta, dresidual } = backwardFrozen({ ...inputs, residual: minus, activation: 'relu' as const, dy, ...running }, shape, 0);
    expect(dresidual).toEqual(f64(0, 4, 0, 2));
    expect(dbeta).toEqual(f64(0, 6));
    expect(dgamma).toEqual(f64(0, 6));
    expect(dx).toEqual(f64(0, 5, 0, 2.5)); // 5 · ¼ · 4 and · 2
  });

  it('a plain add: the gradient is dy itself, written only where an array is given', () => {
    const { mean, invStd } = forward(inputs, shape, 0);
    const plain = backward({ ...inputs, dy, mean, invStd }, shape);
    const added = backward({ ...inputs, residual, dy, mean, invStd }, shape);
    expect(added).toEqual(plain);
    expect(added.dresidual).toBeUndefined();
    const given = new Float32Array(4);
    expect(backward({ ...inputs, residual, dy, mean, invStd }, shape, undefined, given).dresidual).toBe(given);
    expect([...given]).toEqual([...dy]);
  });

  it('ReLU keeps NaN, and makes −∞ 0', () => {
    const still = { mean: f64(0), invStd: f64(1) };
    const x = f64(NaN, -Infinity, Infinity, -0);
    expect(normalize({ x, activation: 'relu' as const, ...still }, { rows: 4, channels: 1 })).toEqual(f64(NaN, 0, Infinity, 0));
  });
});

describe.each(LAYOUTS)('finite differences, $name', ({ name: _, ...shape }) => {
  const [x, dy, residual, gamma, beta] = [36, 36, 36, 3, 3].map((length, i) => normals(length, i + 40));
  const statistics = { runningMean: normals(3, 45), runningVar: f64(0.5, 1, 2) };
  const eps = 1e-2;
  const scalar = (y: Float64Array) => y.reduce((sum, value, i) => sum + value * dy[i], 0);

  it.each([
    ...(['relu', 'leakyRelu', 'relu6', 'silu', 'hardSwish', 'gelu'] as const).flatMap((activation) =>
      [{ activation, residual }, { activation, residual: undefined }]),
    { activation: 'none' as const, residual }, { activation: { name: 'leakyRelu', slope: -0.3 } as const, residual }, { activation: SOFTPLUS, residual },
  ])('$activation, residual', (epilogue) => {
    const all = { x, gamma, beta, ...epilogue };
    const batch = forward(all, shape, eps);
    // Away from the kinks: no z within 100 steps of one.
    const z = forward({ ...all, activation: 'none' as const }, shape, eps).y;
    for (const kink of KINKS) expect(Math.min(...z.map((each) => Math.abs(each - kink)))).toBeGreaterThan(1e-3);
    for (const [loss, gradients] of [
      [(change: object) => scalar(forward({ ...all, ...change }, shape, eps).y), backward({ ...all, dy, ...batch }, shape)],
      [(change: object) => scalar(infer({ ...all, ...statistics, ...change }, shape, eps)), backwardFrozen({ ...all, dy, ...statistics }, shape, eps)],
    ] as const) {
      const { dx, dgamma, dbeta, dresidual } = gradients;
      expect(gradientCheck((at) => loss({ x: at }), x, dx).error).toBeLessThan(1e-8);
      expect(gradientCheck((at) => loss({ gamma: at }), gamma, dgamma).error).toBeLessThan(1e-8);
      expect(gradientCheck((at) => loss({ beta: at }), beta, dbeta).error).toBeLessThan(1e-8);
      if (epilogue.residual) expect(gradientCheck((at) => loss({ residual: at }), residual, dresidual ?? dy).error).toBeLessThan(1e-8);
    }
    // Control: without the epilogue the gradient is another.
    if (epilogue.activation !== 'none') {
      const { dx } = backward({ x, gamma, dy, ...batch }, shape);
      expect(gradientCheck((at) => scalar(forward({ ...all, x: at }, shape, eps).y), x, dx).error).toBeGreaterThan(1e-2);
    }
  });
});

describe('outputs', () => {
  const shape = { rows: 10, channels: 4 };
  const [x, dy, residual] = [1, 2, 3].map((seed) => normals(40, seed));
  const [gamma, beta] = [normals(4, 4), normals(4, 5)];
  const all = { x, gamma, beta, residual, activation: 'relu' as const };
  const batch = forward(all, shape, 1e-5);
  const want = backward({ ...all, dy, ...batch }, shape);

  it('y may be x or the residual', () => {
    const [overX, overResidual] = [x.slice(), residual.slice()];
    expect(forward({ ...all, x: overX }, shape, 1e-5, overX).y).toEqual(batch.y);
    expect(forward({ ...all, residual: overResidual }, shape, 1e-5, overResidual).y).toEqual(batch.y);
  });

  it('dx may be dy or x, dresidual dy', () => {
    const [a, b] = [dy.slice(), dy.slice()];
    for (const epilogue of [{}, { activation: 'relu' as const }, { activation: 'relu' as const, residual }]) {
      const inputs = { x, gamma, beta, dy, ...epilogue };
      const frozen = { runningMean: beta, runningVar: f64(1, 2, 3, 4) };
      const overX = x.slice();
      expect(backward({ ...inputs, ...batch, x: overX }, shape, overX)).toEqual(backward({ ...inputs, ...batch }, shape));
      overX.set(x);
      expect(backwardFrozen({ ...inputs, ...frozen, x: overX }, shape, 1e-5, overX)).toEqual(backwardFrozen({ ...inputs, ...frozen }, shape, 1e-5));
    }
    expect(backward({ ...all, dy: a, ...batch }, shape, a)).toEqual(want);
    expect(backward({ ...all, dy: b, ...batch }, shape, undefined, b)).toEqual(want);
    expect(b).toEqual(want.dresidual);
  });

  it('narrow outputs round once, and cost the sums nothing', () => {
    const { dx, dresidual, dgamma, dbeta } = backward({ ...all, dy, ...batch }, shape, new Float32Array(40), new Float32Array(40));
    expect(dx).toEqual(Float32Array.from(want.dx));
    expect(dresidual).toEqual(Float32Array.from(want.dresidual!));
    expect({ dgamma, dbeta }).toEqual({ dgamma: want.dgamma, dbeta: want.dbeta });
    expect(backward({ ...all, residual: undefined, dy, ...batch }, shape, new Float32Array(40)).dgamma).toEqual(
      backward({ ...all, residual: undefined, dy, ...batch }, shape).dgamma,
    );
  });

  it('inputs are left as they were', () => {
    const before = [x, dy, residual, gamma, beta].map((array) => array.slice());
    backward({ ...all, dy, ...batch }, shape);
    backwardFrozen({ ...all, dy, runningMean: beta, runningVar: f64(1, 1, 1, 1) }, shape, 1e-5);
    expect([x, dy, residual, gamma, beta]).toEqual(before);
  });
});

describe('bad input', () => {
  const x = new Float64Array(6);
  const shape = { rows: 3, channels: 2 };
  const still = { mean: f64(0, 0), invStd: f64(1, 1) };
  const running = { runningMean: f64(0, 0), runningVar: f64(1, 1) };
  const other = new Float64Array(6);
  it('control', () => {
    expect(() => backward({ x, dy: x, residual: other, activation: 'relu', ...still }, shape, undefined, new Float64Array(6))).not.toThrow();
  });
  it.each<[string, () => unknown, string]>([
    ['residual too short', () => forward({ x, residual: x.subarray(1) }, shape, 1e-5),
      'forward: "residual" has 5 elements, needs 6 (rows 3 × channels 2). Give an array of that length.'],
    ['residual of numbers', () => infer({ x, residual: [1] as never, ...running }, shape, 1e-5),
      'infer: "residual" is Array, needs a Float32Array or Float64Array.'],
    ['activation a word', () => forward({ x, activation: 'yes' as never }, shape, 1e-5),
      'forward: "activation" is "yes", needs one of \'none\', \'relu\','],
    ['activation a number', () => backward({ x, dy: x, activation: 1 as never, ...still }, shape), 'backward: "activation" is 1, needs one of'],
    ['beta too long', () => backward({ x, dy: x, beta: x, activation: 'relu', ...still }, shape),
      'backward: "beta" has 6 elements, needs 2 (channels 2)'],
    ['dresidual too short', () => backward({ x, dy: x, residual: other, ...still }, shape, undefined, f64(1)), 'backward: "dresidual" has 1 elements, needs 6'],
    ['dresidual alone', () => backward({ x, dy: x, ...still }, shape, undefined, other),
      'backward: "dresidual" is given, needs "residual", whose gradient it is. Give both or neither.'],
    ['dresidual as dx', () => backward({ x, dy: x, residual: x, ...still }, shape, other, other),
      'backward: "dresidual" is also "out", needs an array of its own, or dy.'],
    ['dresidual as x', () => backwardFrozen({ x, dy: x.slice(), residual: x.slice(), ...running }, shape, 1e-5, undefined, x),
      'backwardFrozen: "dresidual" is also "x", needs an array of its own, or dy.'],
    ['dresidual as residual', () => gradientInput({ x, dy: x, residual: other, ...still, dgamma: f64(0, 0), dbeta: f64(0, 0), count: 3 }, shape, undefined,
      other), 'gradientInput: "dresidual" is also "residual"'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));
});
