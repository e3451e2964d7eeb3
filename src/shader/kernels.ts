import { type ResolvedActivation, isActivated } from '../core/activations.js';
import type { Storage } from '../core/storage.js';
import type { Role, Tile } from '../plan/tiles.js';

/** What a binding holds: Values of the tensor, one number a channel, or the bits of one, or what says which rows count. */
export type Element = 'Value' | 'Channel' | 'Word' | 'Mask';

/** A storage buffer of a kernel. Uniforms are always binding 0, these follow in order. */
export interface Binding {
  /** The argument's name in TypeScript; WGSL writes it in snake_case. */
  name: BufferName;
  access: 'read' | 'write' | 'update';
  element: Element;
  /** What `load_…` gives where a variant goes without the buffer. Without this the binding is never absent. */
  absent?: string;
}

/** Every buffer a kernel can bind: the caller's arguments, and the plan's own scratch. */
export type BufferName =
  | 'x' | 'dy' | 'residual' | 'y' | 'dx' | 'dresidual' | 'gamma' | 'beta' | 'dgamma' | 'dbeta'
  | 'saved' | 'runningMean' | 'runningVar' | 'batches' | 'mask' | 'validRows' | 'moments' | 'sums'
  | 'partials' | 'coefficients';

/** A shader of shaders/kernels, by its file's name. */
export interface Kernel {
  role: Role;
  /** Which of the parts that define the same names the text takes, by their paths below shaders/, without the ending. */
  choices(variant: Variant): readonly string[];
  /** In the order of the formula, writes last. */
  bindings: readonly Binding[];
}

/** One compiled text: a kernel, without the buffers it goes without, for one tile. */
export interface Variant {
  kernel: KernelName;
  absent: readonly BufferName[];
  tile: Tile;
  storage: Storage;
  activation: Pick<ResolvedActivation, 'name' | 'key' | 'slope' | 'wgsl'>;
  /** Whether the statistics are constants, through which no gradient flows. */
  frozen: boolean;
  /** Whether y stands over x, or dx over dy. */
  inPlace: boolean;
}

/** Tensors of rows · channels values. */
export const MATRICES: readonly BufferName[] = ['x', 'dy', 'residual', 'y', 'dx', 'dresidual'];
/** What may be written over what it is computed from. */
export const IN_PLACE: Partial<Record<BufferName, BufferName>> = { x: 'y', dy: 'dx' };

/** The caller's buffers of bits: u32, or planes of both kinds. */
const WORDS: readonly BufferName[] = ['saved', 'moments', 'batches'];

const elementOf = (name: BufferName): Element => (MATRICES.includes(name) ? 'Value' : WORDS.includes(name) ? 'Word' : 'Channel');
const read = (name: BufferName, absent?: string, element = elementOf(name)): Binding => ({ name, access: 'read', element, absent });
const write = (name: BufferName, absent?: string, element = elementOf(name)): Binding => ({ name, access: 'write', element, absent });
const update = (name: BufferName, absent?: string): Binding => ({ name, access: 'update', element: elementOf(name), absent });

const ONE = 'Channel(1.0)';
const ZERO = 'Channel()';
const NO_VALUE = 'Value()';
const NO_WORD = 'Word()';

const ROWS = [read('mask', 'none', 'Mask'), read('validRows', 'none', 'Mask')];
const X = read('x');
const DY = read('dy');
const RESIDUAL = read('residual', NO_VALUE);
/** The statistics of the batch, or the running ones: a variant has one of them. */
const STATISTICS = [read('saved', NO_WORD), read('runningMean', ZERO), read('runningVar', ZERO)];
const GAMMA = read('gamma', ONE);
const BETA = read('beta', ZERO);
const AFFINE = [GAMMA, BETA];
const GRADIENTS = [update('dgamma', ZERO), update('dbeta', ZERO)];
const INPUTS = [write('dx'), write('dresidual', NO_VALUE)];
const FINALIZED = [write('saved'), update('runningMean', ZERO), update('runningVar', ZERO), update('batches', NO_WORD)];

const has = ({ absent }: Variant, name: BufferName): boolean => !absent.includes(name);

const merging = ({ tile }: Variant) => (tile.grouped ? 'moments/moments_group' : 'moments/moments_alone');
const moments = ({ tile }: Variant) => (tile.registers ? 'moments/moments_registers' : 'moments/moments_walk');
const adding = ({ tile }: Variant) => (tile.grouped ? 'gradient/gradient_group' : 'gradient/gradient_alone');
const sums = ({ tile }: Variant) => (tile.registers ? 'gradient/gradient_registers' : 'gradient/gradient_walk');
const statistics = (variant: Variant) => (has(variant, 'saved') ? 'moments/statistics_saved' : 'moments/statistics_running');
const input = ({ frozen }: Variant) => (frozen ? 'gradient/input_frozen' : 'gradient/input_batch');
const elementwise = ({ tile }: Variant) => (tile.across === 'flat' ? 'elementwise/apply_flat' : 'elementwise/apply_tile');
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** The choice of an activation that is no file. */
export const OWN_ACTIVATION = 'own activation';
const activationOf = ({ activation: { name, wgsl } }: Variant) => (wgsl === undefined ? `activations/${snakeCase(name)}` : OWN_ACTIVATION);
const PARAMETERS = 'elementwise/affine_parameters';
const WRITES = 'elementwise/write_walk';

export const KERNELS = {
  forward_single: {
    role: 'single',
    choices: (v) => [merging(v), moments(v), PARAMETERS, activationOf(v), 'elementwise/normalize_at', v.tile.registers ? 'moments/write_registers_x' : WRITES],
    bindings: [X, RESIDUAL, ...AFFINE, ...ROWS, write('y'), ...FINALIZED],
  },
  moments_partial: {
    role: 'reduce',
    choices: (v) => [merging(v), moments(v)],
    bindings: [X, ...ROWS, write('partials', undefined, 'Word')],
  },
  moments_finalize: {
    role: 'finalize',
    choices: (v) => [merging(v)],
    bindings: [read('partials', undefined, 'Word'), ...FINALIZED],
  },
  moments_merge: {
    role: 'finalize',
    choices: (v) => [merging(v)],
    bindings: [read('partials', undefined, 'Word'), write('moments')],
  },
  normalize: {
    role: 'apply',
    choices: (v) => [elementwise(v), WRITES, statistics(v), PARAMETERS, activationOf(v), 'elementwise/normalize_at'],
    bindings: [X, RESIDUAL, ...STATISTICS, ...AFFINE, ...ROWS, write('y')],
  },
  backward_single: {
    role: 'single',
    choices: (v) => [
      adding(v), sums(v), statistics(v), PARAMETERS, activationOf(v), 'gradient/input', input(v),
      v.tile.registers ? 'gradient/write_registers_gradient' : WRITES,
    ],
    bindings: [X, DY, RESIDUAL, ...AFFINE, ...STATISTICS, ...ROWS, ...INPUTS, ...GRADIENTS],
  },
  frozen_pack: {
    role: 'finalize',
    choices: (v) => [statistics(v)],
    bindings: [...AFFINE, read('runningMean'), read('runningVar'), write('coefficients')],
  },
  gradient_partial: {
    role: 'reduce',
    choices: (v) => [adding(v), sums(v), activationOf(v), ...(has(v, 'coefficients') ? ['gradient/statistics_packed'] : [statistics(v), PARAMETERS])],
    bindings: [X, DY, RESIDUAL, ...AFFINE, ...STATISTICS, read('coefficients', ZERO), ...ROWS, write('partials')],
  },
  gradient_finalize: {
    role: 'finalize',
    choices: (v) => [adding(v), statistics(v), input(v)],
    bindings: [read('partials'), ...AFFINE, ...STATISTICS, write('coefficients'), ...GRADIENTS],
  },
  gradient_merge: {
    role: 'finalize',
    choices: (v) => [adding(v)],
    bindings: [read('partials'), write('sums')],
  },
  gradient_input: {
    role: 'apply',
    choices: (v) => [
      elementwise(v), WRITES, activationOf(v), 'gradient/input', input(v),
      ...(v.frozen ? (has(v, 'coefficients') ? ['gradient/terms_packed'] : ['gradient/terms_running', statistics(v), PARAMETERS]) : []),
    ],
    bindings: [read('x', NO_VALUE), DY, RESIDUAL, ...AFFINE, ...STATISTICS.slice(1), read('coefficients', ZERO), ...ROWS, ...INPUTS],
  },
} as const satisfies Record<string, Kernel>;

export type KernelName = keyof typeof KERNELS;

/** The kernels whose text is another one where the statistics are constants. */
const DIFFERENTIATES: readonly KernelName[] = ['backward_single', 'gradient_finalize', 'gradient_input'];

/** The buffers a variant binds, in binding order from 1. */
export function bindingsOf(variant: Variant): readonly Binding[] {
  const { bindings }: Kernel = KERNELS[variant.kernel];
  return bindings.filter(({ name }) => !variant.absent.includes(name) && !standsIn(variant, name));
}

/** The name of the written buffer that a read one is, in place. */
export function standsIn({ kernel, inPlace }: Variant, name: BufferName): BufferName | undefined {
  const over = inPlace ? IN_PLACE[name] : undefined;
  return over && (KERNELS[kernel] as Kernel).bindings.some((binding) => binding.name === over) ? over : undefined;
}

/** Tells variants apart; equal keys have equal text. */
export function variantKey(variant: Variant): string {
  const { kernel, absent, tile, storage, activation, frozen } = variant;
  const { bindings, choices }: Kernel = KERNELS[kernel];
  const without = bindings.map(({ name }) => (absent.includes(name) ? `−${name}` : standsIn(variant, name) ? `=${name}` : '')).join('');
  const { width, across, groupSize, grouped, registers, unrolled } = tile;
  const values = bindings.some(({ element }) => element === 'Value');
  return [
    `${kernel}${without}/${width}${across[0]}×${groupSize}`,
    grouped ? '' : 'ungrouped', registers ? 'registers' : '', unrolled ? 'unrolled' : '', values && storage !== 'f32' ? storage : '',
    isActivated(activation) && choices(variant).includes(activationOf(variant)) ? activation.key : '',
    frozen && DIFFERENTIATES.includes(kernel) ? 'frozen' : '',
  ].filter(Boolean).join(' ');
}
