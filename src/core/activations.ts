import { optionMeant, valueMeant } from './meant.js';
import { describe } from './shape.js';

/** What may follow z = gamma · xHat + beta (+ residual) by its name alone; see `ACTIVATIONS`. */
export type ActivationName = 'none' | 'relu' | 'leakyRelu' | 'relu6' | 'silu' | 'hardSwish' | 'gelu';

/** f and f′ of one number. */
export interface ActivationFunctions {
  value(z: number): number;
  /** f′(z); at a kink either side's. */
  derivative(z: number): number;
}

/** Leaky ReLU with a slope of one's own: z where z > 0, else slope · z. By its name alone the slope is 0.01. */
export interface LeakyRelu {
  name: 'leakyRelu';
  /** A finite f32. */
  slope: number;
}

/**
 * An activation of one's own: its kernels in WGSL, and the same two functions in TypeScript for the CPU.
 *
 * The text defines `fn value(z: f32) -> f32` and `fn derivative(z: f32) -> f32`, and whatever else they use; its names are its
 * own. Of a NaN y and dz are NaN whatever the text says.
 *
 * @example { name: 'softplus', wgsl: `
 *   fn value(z: f32) -> f32 { return max(z, 0.0) + log(1.0 + exp(-abs(z))); }
 *   fn derivative(z: f32) -> f32 { return 1.0 / (1.0 + exp(-z)); }`,
 *   value: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), derivative: (z) => 1 / (1 + Math.exp(-z)) }
 */
export interface CustomActivation extends ActivationFunctions {
  /** Letters, digits and _; what labels and errors say. */
  name: string;
  wgsl: string;
}

/** The option: a name, a leaky ReLU with its slope, or one's own. */
export type Activation = ActivationName | LeakyRelu | CustomActivation;

/** An activation as every room takes it. */
export interface ResolvedActivation extends ActivationFunctions {
  readonly name: string;
  /** Equal keys have equal text. */
  readonly key: string;
  /** As it was given. */
  readonly option: Activation;
  /** dz = f′(z) · dy; where f is flat dz is 0 whatever dy is. */
  gradient(z: number, dy: number): number;
  /** Of a leaky ReLU. */
  readonly slope?: number;
  /** Of one's own. */
  readonly wgsl?: string;
}

/** f, f′ and what bounds them: where f′ jumps, and the largest |f′| and |f″| between. */
interface Curve extends ActivationFunctions {
  kinks: readonly number[];
  steepest: number;
  bend: number;
}

/** √(2/π) */
const GELU_SCALE = Math.sqrt(2 / Math.PI);
const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const geluTanh = (z: number): number => Math.tanh(GELU_SCALE * (z + 0.044715 * z ** 3));

/**
 * f and f′ by name; the WGSL twin of each stands in shaders/activations. Of a NaN both are NaN; at a kink f′ is PyTorch's, but hard swish's 1.5 at 3.
 *
 * - `relu`: max(0, z)
 * - `leakyRelu`: z where z > 0, else slope · z
 * - `relu6`: min(max(0, z), 6)
 * - `silu`: z · σ(z) — https://arxiv.org/abs/1702.03118
 * - `hardSwish`: z · min(max(0, z + 3), 6) / 6 — https://arxiv.org/abs/1905.02244
 * - `gelu`: z / 2 · (1 + tanh(√(2/π) · (z + 0.044715 · z³))) — https://arxiv.org/abs/1606.08415
 */
export const ACTIVATIONS: Record<ActivationName, (slope: number) => Curve> = {
  none: () => ({ value: (z) => z, derivative: () => 1, kinks: [], steepest: 1, bend: 0 }),
  relu: () => ({
    value: (z) => (z > 0 ? z : z === z ? 0 : z),
    derivative: (z) => (z > 0 ? 1 : z === z ? 0 : z),
    kinks: [0], steepest: 1, bend: 0,
  }),
  leakyRelu: (slope) => ({
    value: (z) => (z > 0 ? z : slope * z),
    derivative: (z) => (z > 0 ? 1 : z === z ? slope : z),
    kinks: [0], steepest: Math.max(1, Math.abs(slope)), bend: 0,
  }),
  relu6: () => ({
    value: (z) => (z > 0 ? Math.min(z, 6) : z === z ? 0 : z),
    derivative: (z) => (z > 0 && z < 6 ? 1 : z === z ? 0 : z),
    kinks: [0, 6], steepest: 1, bend: 0,
  }),
  silu: () => ({
    value: (z) => (z === -Infinity ? 0 : z * sigmoid(z)),
    derivative: (z) => (Math.abs(z) === Infinity ? Number(z > 0) : sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
    kinks: [], steepest: 1.1, bend: 0.5,
  }),
  hardSwish: () => ({
    value: (z) => (z < -3 ? 0 : z > 3 ? z : (z * (z + 3)) / 6),
    derivative: (z) => (z < -3 ? 0 : z > 3 ? 1 : z / 3 + 0.5),
    kinks: [-3, 3], steepest: 1.5, bend: 1 / 3,
  }),
  gelu: () => ({
    value: (z) => (z === -Infinity ? 0 : 0.5 * z * (1 + geluTanh(z))),
    derivative: (z) => {
      const t = geluTanh(z);
      return 0.5 * (1 + t) + (1 - t * t === 0 ? 0 : 0.5 * z * (1 - t * t) * GELU_SCALE * (1 + 0.134145 * z * z));
    },
    kinks: [], steepest: 1.13, bend: 1.13,
  }),
};

/** Every name. */
export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as readonly ActivationName[];
/** PyTorch's. */
const SLOPE = 0.01;
/** Those whose f′ is 0 over a whole stretch, where dz is 0 and not 0 · dy. */
const FLAT: readonly string[] = ['relu', 'relu6', 'hardSwish'];

const isNamed = (name: unknown): name is ActivationName => ACTIVATION_NAMES.includes(name as ActivationName);

/** Whether anything follows z. */
export const isActivated = ({ name }: { readonly name: string }): boolean => name !== 'none';

/** Where f′ jumps, and the largest |f′| and |f″|, of a named activation. */
export function curveOf({ name, slope = SLOPE }: Pick<ResolvedActivation, 'name' | 'slope'>): Curve {
  return ACTIVATIONS[name as ActivationName](slope);
}

const resolved = new Map<string, ResolvedActivation>();
/** The texts of users' own, each with a number that keys it. */
const texts = new Map<string, number>();

/**
 * The option as every room takes it; checked.
 *
 * @throws {TypeError} {RangeError} it is no name, or lacks what one of one's own needs.
 */
export function resolveActivation(call: string, activation: unknown): ResolvedActivation {
  if (isNamed(activation)) return namedActivation(activation);
  if (typeof activation !== 'object' || activation === null) {
    throw new RangeError(
      `${call}: "activation" is ${describe(activation)}, needs one of ${ACTIVATION_NAMES.map((name) => `'${name}'`).join(', ')}, ` +
        `or { name, wgsl, value, derivative }.${valueMeant(activation, ACTIVATION_NAMES)}`,
    );
  }
  if ((activation as LeakyRelu).name === 'leakyRelu' && !('wgsl' in activation)) return leakyRelu(call, activation as LeakyRelu);
  return ownActivation(call, activation as CustomActivation);
}

function namedActivation(name: ActivationName, slope?: number): ResolvedActivation {
  const key = slope === undefined || slope === SLOPE ? name : `${name}(${slope})`;
  let known = resolved.get(key);
  if (!known) {
    const { value, derivative } = ACTIVATIONS[name](slope ?? SLOPE);
    const gradient = FLAT.includes(name)
      ? (z: number, dy: number) => (derivative(z) === 0 ? 0 : derivative(z) * dy)
      : (z: number, dy: number) => derivative(z) * dy;
    const own = name === 'leakyRelu' ? { slope: slope ?? SLOPE } : {};
    const option: Activation = name === 'leakyRelu' && slope !== undefined ? { name, slope } : name;
    known = { name, key, option, value, derivative, gradient, ...own };
    if (slope === undefined) resolved.set(key, known);
  }
  return known;
}

function leakyRelu(call: string, activation: LeakyRelu): ResolvedActivation {
  checkFields(call, activation, ['name', 'slope']);
  const { slope } = activation;
  if (typeof slope !== 'number' || !Number.isFinite(Math.fround(slope))) {
    throw new RangeError(`${call}: "activation.slope" is ${describe(slope)}, needs a finite number (f32). Give 'leakyRelu' alone to have 0.01.`);
  }
  return namedActivation('leakyRelu', Math.fround(slope));
}

/** What `fn name(z: f32) -> f32` looks like. */
const defines = (wgsl: string, name: string): boolean =>
  new RegExp(`\\bfn\\s+${name}\\s*\\(\\s*\\w+\\s*:\\s*f32\\s*,?\\s*\\)\\s*->\\s*f32\\s*\\{`).test(wgsl.replace(/\/\/.*/g, '').replace(/\/\*[^]*?\*\//g, ''));

function ownActivation(call: string, activation: CustomActivation): ResolvedActivation {
  checkFields(call, activation, ['name', 'wgsl', 'value', 'derivative']);
  const { name, wgsl, value, derivative } = activation;
  if (typeof name !== 'string' || !/^[A-Za-z]\w*$/.test(name)) {
    throw new RangeError(`${call}: "activation.name" is ${describe(name)}, needs a letter, then letters, digits and _ such as 'softplus'.`);
  }
  if (isNamed(name)) {
    throw new RangeError(`${call}: "activation.name" is '${name}', which is this library's own, needs another. Rename yours, or give '${name}' alone.`);
  }
  for (const needed of ['value', 'derivative'] as const) {
    if (typeof wgsl !== 'string' || !defines(wgsl, needed)) {
      throw new TypeError(
        `${call}: "activation.wgsl" of '${name}' is ${typeof wgsl === 'string' ? `a text without fn ${needed}` : describe(wgsl)}, ` +
          `needs WGSL with fn ${needed}(z: f32) -> f32 { … }. Add it.`,
      );
    }
    if (typeof activation[needed] !== 'function') {
      throw new TypeError(
        `${call}: "activation.${needed}" of '${name}' is ${describe(activation[needed])}, needs a function of one number (the CPU computes with it). Add it.`,
      );
    }
    if (typeof activation[needed](0.5) !== 'number') {
      throw new TypeError(`${call}: "activation.${needed}" of '${name}' gives ${describe(activation[needed](0.5))} for 0.5, needs a number.`);
    }
  }
  const text = `${name}\n${wgsl}`;
  if (!texts.has(text)) texts.set(text, texts.size);
  const kept = (z: number, result: number) => (z === z ? result : z);
  return {
    name, wgsl, key: `${name}#${texts.get(text)}`, option: activation,
    value: (z) => kept(z, value(z)), derivative: (z) => kept(z, derivative(z)), gradient: (z, dy) => kept(z, derivative(z) * dy),
  };
}

function checkFields(call: string, activation: object, known: readonly string[]): void {
  for (const field of Object.keys(activation)) {
    if (known.includes(field)) continue;
    const meant = optionMeant(field, known);
    throw new TypeError(`${call}: "activation.${field}" is not known, needs ${meant || `only ${known.join(', ')}`}. Remove or rename it.`);
  }
}
