// Claim: f and f′ of every named activation are PyTorch's, of a NaN NaN; an option that is none is refused in a sentence.
// Control: f′ is the slope of f, by differences.
import { describe, expect, it } from 'vitest';
import { ACTIVATIONS, type Activation, type ActivationName, curveOf, resolveActivation } from '../../src/core/activations.js';
import figures from './activations.json';

const names = Object.keys(ACTIVATIONS) as ActivationName[];
const given = (name: string): Activation => (name === 'leakyRelu 0.25' ? { name: 'leakyRelu', slope: 0.25 } : (name as ActivationName));
const SOFTPLUS = {
  name: 'softplus', wgsl: 'fn value(z: f32) -> f32 { return log(1.0 + exp(z)); }\nfn derivative(z: f32) -> f32 { return 1.0 / (1.0 + exp(-z)); }',
  value: (z: number) => Math.log1p(Math.exp(z)), derivative: (z: number) => 1 / (1 + Math.exp(-z)),
};

describe.each(names)('%s', (name) => {
  const f = resolveActivation('', name);
  const { kinks, steepest, bend } = curveOf(f);
  const grid = Array.from({ length: 401 }, (_, i) => (i - 200) / 20 + 0.005);

  it('control: f′ is the slope of f, and moves no faster than it is said to', () => {
    const step = 1e-5;
    for (const z of grid) {
      if (kinks.some((kink) => Math.abs(kink - z) < 0.004)) continue;
      const slope = (f.value(z + step) - f.value(z - step)) / (2 * step);
      expect(Math.abs(f.derivative(z) - slope), `at ${z}`).toBeLessThan(1e-8);
      expect(Math.abs(f.derivative(z))).toBeLessThanOrEqual(steepest);
      expect(Math.abs(f.derivative(z + step) - f.derivative(z - step)) / (2 * step)).toBeLessThanOrEqual(bend + 1e-6);
    }
  });

  it('of a NaN is NaN, of an infinity no NaN', () => {
    expect([f.value(NaN), f.gradient(NaN, 1)]).toEqual([NaN, name === 'none' ? 1 : NaN]); // without one dz is dy
    for (const z of [Infinity, -Infinity]) expect([f.value(z), f.gradient(z, 1)].some(Number.isNaN)).toBe(false);
  });
});

it.each(figures.cases)('$name has PyTorch’s values and gradients', ({ name, y, dz }) => {
  const f = resolveActivation('', given(name));
  figures.z.forEach((z, i) => {
    expect(Math.abs(f.value(z) - y[i]), `f(${z})`).toBeLessThanOrEqual(4e-16 * (1 + Math.abs(z)));
    if (name === 'hardSwish' && z === 3) return; // where PyTorch 1.13 has the right side’s 1; ours is the left’s, 1.5
    expect(Math.abs(f.gradient(z, figures.dy[i]) - dz[i]), `f′(${z})`).toBeLessThanOrEqual(4e-15);
  });
});

it('where f is flat dz is 0 whatever dy is; elsewhere what is broken in dy stays', () => {
  for (const name of ['relu', 'relu6', 'hardSwish'] as const) expect(resolveActivation('', name).gradient(-7, Infinity)).toBe(0);
  expect(resolveActivation('', 'leakyRelu').gradient(-7, -Infinity)).toBe(-Infinity);
  expect(resolveActivation('', 'silu').gradient(-7, NaN)).toBeNaN();
});

it('one of one’s own: equal text has one key, NaN stays', () => {
  const f = resolveActivation('', SOFTPLUS);
  expect(f.value(1)).toBe(SOFTPLUS.value(1));
  expect(f.gradient(1, 3)).toBe(3 * SOFTPLUS.derivative(1));
  expect(resolveActivation('', { ...SOFTPLUS }).key).toBe(f.key);
  expect(resolveActivation('', { ...SOFTPLUS, wgsl: `${SOFTPLUS.wgsl} ` }).key).not.toBe(f.key);
  const careless = resolveActivation('', { ...SOFTPLUS, value: () => 1, derivative: () => 1 });
  expect([careless.value(NaN), careless.gradient(NaN, 1)]).toEqual([NaN, NaN]);
});

it('the slope of a leaky ReLU is rounded as the kernels have it; 0.01 is the plain one', () => {
  expect(resolveActivation('', { name: 'leakyRelu', slope: 0.1 }).slope).toBe(Math.fround(0.1));
  expect(resolveActivation('', { name: 'leakyRelu', slope: 0.25 }).key).toBe('leakyRelu(0.25)');
});

it.each<[string, unknown, string]>([
  ['no name', 'swish ', 'f: "activation" is "swish ", needs one of \'none\', \'relu\', \'leakyRelu\', \'relu6\', \'silu\', \'hardSwish\', \'gelu\', ' +
    'or { name, wgsl, value, derivative }. Use \'silu\'.'],
  ['a number', 1, 'f: "activation" is 1, needs one of'],
  ['null', null, 'f: "activation" is null, needs one of'],
  ['an empty object', {}, 'f: "activation.name" is undefined, needs a letter'],
  ['no slope', { name: 'leakyRelu' }, 'f: "activation.slope" is undefined, needs a finite number (f32).'],
  ['a slope beyond f32', { name: 'leakyRelu', slope: 1e39 }, 'f: "activation.slope" is 1e+39, needs a finite number (f32).'],
  ['a slope of another', { name: 'relu', slope: 0.1 }, 'f: "activation.slope" is not known, needs only name, wgsl, value, derivative.'],
  ['alpha', { name: 'leakyRelu', alpha: 0.1 }, 'f: "activation.alpha" is not known, needs only name, slope.'],
  ['a name of ours', { ...SOFTPLUS, name: 'gelu' }, 'f: "activation.name" is \'gelu\', which is this library\'s own, needs another.'],
  ['a name that is none', { ...SOFTPLUS, name: 'soft plus' }, 'f: "activation.name" is "soft plus", needs a letter'],
  ['no text', { ...SOFTPLUS, wgsl: undefined }, 'f: "activation.wgsl" of \'softplus\' is undefined, needs WGSL with fn value(z: f32) -> f32'],
  ['a text without value', { ...SOFTPLUS, wgsl: '// fn value(z: f32) -> f32 {' }, 'f: "activation.wgsl" of \'softplus\' is a text without fn value'],
  ['a text without derivative', { ...SOFTPLUS, wgsl: SOFTPLUS.wgsl.split('\n')[0] }, 'is a text without fn derivative, needs WGSL with fn derivative(z: f32)'],
  ['no derivative', { ...SOFTPLUS, derivative: undefined }, 'f: "activation.derivative" of \'softplus\' is undefined, needs a function of one number'],
  ['a value that is none', { ...SOFTPLUS, value: () => 'x' as never }, 'f: "activation.value" of \'softplus\' gives "x" for 0.5, needs a number.'],
])('%s is refused', (_, activation, message) => expect(() => resolveActivation('f', activation)).toThrow(message));
