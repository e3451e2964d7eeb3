import noActivationPart from '../../shaders/activations/none.wgsl?raw';
import reluPart from '../../shaders/activations/relu.wgsl?raw';
import backwardSingle from '../../shaders/kernels/backward_single.wgsl?raw';
import forwardSingle from '../../shaders/kernels/forward_single.wgsl?raw';
import frozenPack from '../../shaders/kernels/frozen_pack.wgsl?raw';
import gradientFinish from '../../shaders/kernels/gradient_finalize.wgsl?raw';
import gradientInput from '../../shaders/kernels/gradient_input.wgsl?raw';
import gradientMerge from '../../shaders/kernels/gradient_merge.wgsl?raw';
import gradientPartial from '../../shaders/kernels/gradient_partial.wgsl?raw';
import momentsFinish from '../../shaders/kernels/moments_finalize.wgsl?raw';
import momentsMerge from '../../shaders/kernels/moments_merge.wgsl?raw';
import momentsPartial from '../../shaders/kernels/moments_partial.wgsl?raw';
import normalize from '../../shaders/kernels/normalize.wgsl?raw';
import activationPart from '../../shaders/elementwise/affine.wgsl?raw';
import activationOfPart from '../../shaders/shared/activation_of.wgsl?raw';
import applyFlatPart from '../../shaders/elementwise/apply_flat.wgsl?raw';
import applyKeptGradientPart from '../../shaders/gradient/write_registers_gradient.wgsl?raw';
import applyKeptXPart from '../../shaders/moments/write_registers_x.wgsl?raw';
import applyTilePart from '../../shaders/elementwise/apply_tile.wgsl?raw';
import applyWalkPart from '../../shaders/elementwise/write_walk.wgsl?raw';
import centeredPart from '../../shaders/shared/centered.wgsl?raw';
import finitePart from '../../shaders/numerics/finite.wgsl?raw';
import gradientAtPart from '../../shaders/gradient/gradient_at.wgsl?raw';
import gradientFinishPart from '../../shaders/gradient/gradient_store.wgsl?raw';
import gradientGroupPart from '../../shaders/gradient/gradient_group.wgsl?raw';
import gradientKeptPart from '../../shaders/gradient/gradient_registers.wgsl?raw';
import gradientPartsPart from '../../shaders/gradient/gradient_parts.wgsl?raw';
import gradientWalkPart from '../../shaders/gradient/gradient_walk.wgsl?raw';
import gradientsOfPart from '../../shaders/shared/gradients_of.wgsl?raw';
import groupPart from '../../shaders/shared/group.wgsl?raw';
import inputAtPart from '../../shaders/gradient/input_batch.wgsl?raw';
import inputAtFrozenPart from '../../shaders/gradient/input_frozen.wgsl?raw';
import inputTermsPart from '../../shaders/shared/input_terms.wgsl?raw';
import inputTermsFrozenPart from '../../shaders/shared/input_terms_frozen.wgsl?raw';
import inputTermsPackedPart from '../../shaders/shared/input_terms_packed.wgsl?raw';
import inputWritePart from '../../shaders/shared/input_write.wgsl?raw';
import invRowsNonePart from '../../shaders/shared/inv_rows_none.wgsl?raw';
import invRowsSavedPart from '../../shaders/shared/inv_rows_saved.wgsl?raw';
import invStdPart from '../../shaders/numerics/inv_std.wgsl?raw';
import keptPart from '../../shaders/walk/registers.wgsl?raw';
import momentsPart from '../../shaders/moments/moments.wgsl?raw';
import momentsFinishPart from '../../shaders/moments/statistics_store.wgsl?raw';
import momentsGroupPart from '../../shaders/moments/moments_group.wgsl?raw';
import momentsKeptPart from '../../shaders/moments/moments_registers.wgsl?raw';
import momentsPartsPart from '../../shaders/moments/moments_parts.wgsl?raw';
import momentsWalkPart from '../../shaders/moments/moments_walk.wgsl?raw';
import nanKeptPart from '../../shaders/activations/nan_kept.wgsl?raw';
import normalizeAtPart from '../../shaders/elementwise/normalize_at.wgsl?raw';
import normalizeTermsPart from '../../shaders/shared/normalize_terms.wgsl?raw';
import opaquePart from '../../shaders/numerics/arithmetic_fence.wgsl?raw';
import reciprocalPart from '../../shaders/numerics/reciprocal.wgsl?raw';
import residualPart from '../../shaders/shared/residual.wgsl?raw';
import residualNonePart from '../../shaders/shared/residual_none.wgsl?raw';
import statisticsPart from '../../shaders/moments/statistics.wgsl?raw';
import statisticsPackedPart from '../../shaders/moments/statistics_packed.wgsl?raw';
import statisticsRunningPart from '../../shaders/moments/statistics_running.wgsl?raw';
import statisticsSavedPart from '../../shaders/moments/statistics_saved.wgsl?raw';
import storageBf16Part from '../../shaders/storage/storage_bf16.wgsl?raw';
import storageF16Part from '../../shaders/storage/storage_f16.wgsl?raw';
import twoSumPart from '../../shaders/numerics/two_sum.wgsl?raw';
import walkPart from '../../shaders/walk/walk.wgsl?raw';
import type { Storage } from '../core/storage.js';
import { paramsWgsl } from '../plan/params.js';
import type { Role, Tile } from '../plan/plan.js';

/** What a binding holds: Values of the tensor, one number a channel, or the bits of one, or what says which rows count. */
type Element = 'Value' | 'Channel' | 'Word' | 'Mask';

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

/** What may follow gamma · xHat + beta (+ residual) in the same pass. */
export type ActivationName = 'none' | 'relu';

type Part = readonly [file: string, source: string];

export interface Kernel {
  role: Role;
  /** The shader file, whose entry point is `main`. */
  file: string;
  source: string;
  /** Joined in front, in this order. */
  parts(variant: Variant): readonly Part[];
  /** In the order of the formula, writes last. */
  bindings: readonly Binding[];
}

/** One compiled text: a kernel, without the buffers it goes without, for one tile. */
export interface Variant {
  kernel: KernelName;
  absent: readonly BufferName[];
  tile: Tile;
  storage: Storage;
  activation: ActivationName;
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

const part = (name: string, source: string): Part => [`shared/${name}.wgsl`, source];
const ACTIVATION = part('activation', activationPart);
const ACTIVATION_OF = part('activation_of', activationOfPart);
const APPLY_FLAT = part('apply_flat', applyFlatPart);
const APPLY_KEPT_GRADIENT = part('apply_kept_gradient', applyKeptGradientPart);
const APPLY_KEPT_X = part('apply_kept_x', applyKeptXPart);
const APPLY_TILE = part('apply_tile', applyTilePart);
const APPLY_WALK = part('apply_walk', applyWalkPart);
const CENTERED = part('centered', centeredPart);
const FINITE = part('finite', finitePart);
const GRADIENT_AT = part('gradient_at', gradientAtPart);
const GRADIENT_FINISH = part('gradient_finish', gradientFinishPart);
const GRADIENT_GROUP = part('gradient_group', gradientGroupPart);
const GRADIENT_KEPT = part('gradient_kept', gradientKeptPart);
const GRADIENT_PARTS = part('gradient_parts', gradientPartsPart);
const GRADIENT_WALK = part('gradient_walk', gradientWalkPart);
const GRADIENTS_OF = part('gradients_of', gradientsOfPart);
const GROUP = part('group', groupPart);
const INPUT_AT = part('input_at', inputAtPart);
const INPUT_AT_FROZEN = part('input_at_frozen', inputAtFrozenPart);
const INPUT_TERMS = part('input_terms', inputTermsPart);
const INPUT_TERMS_FROZEN = part('input_terms_frozen', inputTermsFrozenPart);
const INPUT_TERMS_PACKED = part('input_terms_packed', inputTermsPackedPart);
const INPUT_WRITE = part('input_write', inputWritePart);
const INV_ROWS_NONE = part('inv_rows_none', invRowsNonePart);
const INV_ROWS_SAVED = part('inv_rows_saved', invRowsSavedPart);
const INV_STD = part('inv_std', invStdPart);
const KEPT = part('kept', keptPart);
const MOMENTS = part('moments', momentsPart);
const MOMENTS_FINISH = part('moments_finish', momentsFinishPart);
const MOMENTS_GROUP = part('moments_group', momentsGroupPart);
const MOMENTS_KEPT = part('moments_kept', momentsKeptPart);
const MOMENTS_PARTS = part('moments_parts', momentsPartsPart);
const MOMENTS_WALK = part('moments_walk', momentsWalkPart);
const NAN_KEPT = part('nan_kept', nanKeptPart);
const NORMALIZE_AT = part('normalize_at', normalizeAtPart);
const NORMALIZE_TERMS = part('normalize_terms', normalizeTermsPart);
const OPAQUE = part('opaque', opaquePart);
const RECIPROCAL = part('reciprocal', reciprocalPart);
const RESIDUAL = part('residual', residualPart);
const RESIDUAL_NONE = part('residual_none', residualNonePart);
const STATISTICS = part('statistics', statisticsPart);
const STATISTICS_PACKED = part('statistics_packed', statisticsPackedPart);
const STATISTICS_RUNNING = part('statistics_running', statisticsRunningPart);
const STATISTICS_SAVED = part('statistics_saved', statisticsSavedPart);
const STORAGE_BF16 = part('storage_bf16', storageBf16Part);
const STORAGE_F16 = part('storage_f16', storageF16Part);
const TWO_SUM = part('two_sum', twoSumPart);
const WALK = part('walk', walkPart);

/** What follows z, each a part with ACTIVATED, activate(z) and activate_gradient(z, dy), and the parts it calls. */
const ACTIVATIONS: Record<ActivationName, readonly Part[]> = {
  none: [['activations/none.wgsl', noActivationPart]],
  relu: [NAN_KEPT, ['activations/relu.wgsl', reluPart]],
};

const isFlat = ({ tile }: Variant): boolean => tile.across === 'flat';
const isMasked = ({ absent }: Variant): boolean => !(absent.includes('mask') && absent.includes('validRows'));
const has = ({ absent }: Variant, name: BufferName): boolean => !absent.includes(name);

const MERGES = [WALK, OPAQUE, TWO_SUM, MOMENTS, MOMENTS_GROUP];
const FINISHES = [STATISTICS, INV_STD, RECIPROCAL, FINITE, MOMENTS_FINISH];
const SAVED = [STATISTICS, STATISTICS_SAVED];
const RUNNING = [STATISTICS, INV_STD, STATISTICS_RUNNING];
const PACKED = [STATISTICS, STATISTICS_PACKED];
const SUMS = [WALK, OPAQUE, TWO_SUM, GRADIENT_GROUP, GRADIENT_FINISH];
const activation = (variant: Variant): Part[] => [
  CENTERED, ACTIVATION, has(variant, 'residual') ? RESIDUAL : RESIDUAL_NONE, ...ACTIVATIONS[variant.activation],
];
const walkMoments = (variant: Variant): Part[] => (variant.tile.kept ? [KEPT, MOMENTS_KEPT] : [MOMENTS_WALK]);
const walkGradients = (variant: Variant): Part[] => [GRADIENT_AT, ...(variant.tile.kept ? [KEPT, GRADIENT_KEPT] : [GRADIENT_WALK])];
/** The elementwise pass: `at` has Terms and result_at. */
const elementwise = (variant: Variant, statistics: Part[], at: Part[]): Part[] =>
  isFlat(variant)
    ? [GROUP, OPAQUE, ...statistics, ...activation(variant), ...at, APPLY_FLAT]
    : [GROUP, WALK, OPAQUE, ...statistics, ...activation(variant), ...at, APPLY_WALK, APPLY_TILE];

const ROWS = [read('mask', 'none', 'Mask'), read('validRows', 'none', 'Mask')];
const X = read('x');
const DY = read('dy');
const RESIDUAL_BINDING = read('residual', NO_VALUE);
const SAVED_BINDING = read('saved');
const RUNNING_BINDINGS = [read('runningMean'), read('runningVar')];
const GAMMA = read('gamma', ONE);
const BETA = read('beta', ZERO);
const AFFINE = [GAMMA, BETA];
const GRADIENTS = [update('dgamma', ZERO), update('dbeta', ZERO)];
const INPUTS = [write('dx'), write('dresidual', NO_VALUE)];
const FINISHED = [write('saved'), update('runningMean', ZERO), update('runningVar', ZERO), update('batches', NO_WORD)];

export const KERNELS = {
  forward_single: {
    role: 'single',
    file: 'forward_single.wgsl',
    source: forwardSingle,
    parts: (v) => [
      GROUP, ...MERGES, ...FINISHES, ...activation(v), ACTIVATION_OF, ...walkMoments(v), NORMALIZE_AT, v.tile.kept ? APPLY_KEPT_X : APPLY_WALK,
    ],
    bindings: [X, RESIDUAL_BINDING, ...AFFINE, ...ROWS, write('y'), ...FINISHED],
  },
  moments_partial: {
    role: 'reduce',
    file: 'moments_partial.wgsl',
    source: momentsPartial,
    parts: (v) => [GROUP, ...MERGES, ...walkMoments(v)],
    bindings: [X, ...ROWS, write('partials', undefined, 'Word')],
  },
  moments_finish: {
    role: 'finish',
    file: 'moments_finish.wgsl',
    source: momentsFinish,
    parts: () => [GROUP, ...MERGES, MOMENTS_PARTS, ...FINISHES],
    bindings: [read('partials', undefined, 'Word'), ...FINISHED],
  },
  moments_merge: {
    role: 'finish',
    file: 'moments_merge.wgsl',
    source: momentsMerge,
    parts: () => [GROUP, ...MERGES, MOMENTS_PARTS],
    bindings: [read('partials', undefined, 'Word'), write('moments')],
  },
  normalize: {
    role: 'apply',
    file: 'normalize.wgsl',
    source: normalize,
    parts: (v) => elementwise(v, SAVED, [ACTIVATION_OF, NORMALIZE_AT, NORMALIZE_TERMS]),
    bindings: [X, RESIDUAL_BINDING, SAVED_BINDING, ...AFFINE, ...ROWS, write('y')],
  },
  infer: {
    role: 'apply',
    file: 'normalize.wgsl',
    source: normalize,
    parts: (v) => elementwise(v, RUNNING, [ACTIVATION_OF, NORMALIZE_AT, NORMALIZE_TERMS]),
    bindings: [X, RESIDUAL_BINDING, ...RUNNING_BINDINGS, ...AFFINE, ...ROWS, write('y')],
  },
  backward_single: {
    role: 'single',
    file: 'backward_single.wgsl',
    source: backwardSingle,
    parts: (v) => [
      GROUP, ...SUMS, ...SAVED, RECIPROCAL, INV_ROWS_SAVED, ...activation(v), ACTIVATION_OF, ...walkGradients(v), GRADIENTS_OF,
      INPUT_AT, INPUT_TERMS, INPUT_WRITE, v.tile.kept ? APPLY_KEPT_GRADIENT : APPLY_WALK,
    ],
    bindings: [X, DY, RESIDUAL_BINDING, ...AFFINE, SAVED_BINDING, ...ROWS, ...INPUTS, ...GRADIENTS],
  },
  gradient_partial: {
    role: 'reduce',
    file: 'gradient_partial.wgsl',
    source: gradientPartial,
    parts: (v) => [GROUP, WALK, OPAQUE, TWO_SUM, GRADIENT_GROUP, ...SAVED, ...activation(v), ACTIVATION_OF, ...walkGradients(v), GRADIENTS_OF],
    bindings: [X, DY, RESIDUAL_BINDING, ...AFFINE, SAVED_BINDING, ...ROWS, write('partials')],
  },
  gradient_finish: {
    role: 'finish',
    file: 'gradient_finish.wgsl',
    source: gradientFinish,
    parts: () => [GROUP, ...SUMS, GRADIENT_PARTS, ...SAVED, RECIPROCAL, INV_ROWS_SAVED],
    bindings: [read('partials'), ...AFFINE, SAVED_BINDING, write('coefficients'), ...GRADIENTS],
  },
  gradient_merge: {
    role: 'finish',
    file: 'gradient_merge.wgsl',
    source: gradientMerge,
    parts: () => [GROUP, WALK, OPAQUE, TWO_SUM, GRADIENT_GROUP, GRADIENT_PARTS],
    bindings: [read('partials'), write('sums')],
  },
  gradient_input: {
    role: 'apply',
    file: 'gradient_input.wgsl',
    source: gradientInput,
    parts: (v) => elementwise(v, [STATISTICS], [GRADIENT_AT, INPUT_AT, INPUT_TERMS_PACKED, INPUT_WRITE]),
    bindings: [X, DY, RESIDUAL_BINDING, read('coefficients'), ...ROWS, ...INPUTS],
  },
  backward_single_frozen: {
    role: 'single',
    file: 'backward_single.wgsl',
    source: backwardSingle,
    parts: (v) => [
      GROUP, ...SUMS, ...RUNNING, INV_ROWS_NONE, ...activation(v), ACTIVATION_OF, ...walkGradients(v), GRADIENTS_OF,
      INPUT_AT_FROZEN, INPUT_TERMS, INPUT_WRITE, v.tile.kept ? APPLY_KEPT_GRADIENT : APPLY_WALK,
    ],
    bindings: [X, DY, RESIDUAL_BINDING, ...AFFINE, ...RUNNING_BINDINGS, ...ROWS, ...INPUTS, ...GRADIENTS],
  },
  frozen_pack: {
    role: 'finish',
    file: 'frozen_pack.wgsl',
    source: frozenPack,
    parts: () => [GROUP, WALK, ...RUNNING],
    bindings: [...AFFINE, ...RUNNING_BINDINGS, write('coefficients')],
  },
  gradient_partial_frozen: {
    role: 'reduce',
    file: 'gradient_partial.wgsl',
    source: gradientPartial,
    parts: (v) => [GROUP, WALK, OPAQUE, TWO_SUM, GRADIENT_GROUP, ...RUNNING, ...activation(v), ACTIVATION_OF, ...walkGradients(v), GRADIENTS_OF],
    bindings: [X, DY, RESIDUAL_BINDING, ...AFFINE, ...RUNNING_BINDINGS, ...ROWS, write('partials')],
  },
  gradient_partial_packed: {
    role: 'reduce',
    file: 'gradient_partial.wgsl',
    source: gradientPartial,
    parts: (v) => [GROUP, WALK, OPAQUE, TWO_SUM, GRADIENT_GROUP, ...PACKED, ...activation(v), ACTIVATION_OF, ...walkGradients(v), GRADIENTS_OF],
    bindings: [X, DY, RESIDUAL_BINDING, read('coefficients'), ...ROWS, write('partials')],
  },
  gradient_finish_frozen: {
    role: 'finish',
    file: 'gradient_finish.wgsl',
    source: gradientFinish,
    parts: () => [GROUP, ...SUMS, GRADIENT_PARTS, ...RUNNING, INV_ROWS_NONE],
    bindings: [read('partials'), ...AFFINE, ...RUNNING_BINDINGS, write('coefficients'), ...GRADIENTS],
  },
  gradient_input_frozen: {
    role: 'apply',
    file: 'gradient_input.wgsl',
    source: gradientInput,
    parts: (v) => elementwise(v, [STATISTICS], [GRADIENT_AT, INPUT_AT_FROZEN, INPUT_TERMS_PACKED, INPUT_WRITE]),
    bindings: [read('x', NO_VALUE), DY, RESIDUAL_BINDING, read('coefficients'), ...ROWS, ...INPUTS],
  },
  gradient_input_alone: {
    role: 'apply',
    file: 'gradient_input.wgsl',
    source: gradientInput,
    parts: (v) => elementwise(v, RUNNING, [ACTIVATION_OF, GRADIENT_AT, INPUT_AT_FROZEN, INPUT_TERMS_FROZEN, INPUT_WRITE]),
    bindings: [read('x', NO_VALUE), DY, RESIDUAL_BINDING, ...AFFINE, ...RUNNING_BINDINGS, ...ROWS, ...INPUTS],
  },
} as const satisfies Record<string, Kernel>;

export type KernelName = keyof typeof KERNELS;

/** The WGSL of a variant, and which file each of its lines came from. */
export interface VariantText {
  code: string;
  files: { file: string; firstLine: number }[];
}

/** The buffers a variant binds, in binding order from 1. */
export function bindingsOf(variant: Variant): readonly Binding[] {
  const { bindings }: Kernel = KERNELS[variant.kernel];
  return bindings.filter(({ name }) => !variant.absent.includes(name) && !standsIn(variant, name));
}

/** The name of the written buffer that a read one is, in place. */
function standsIn({ kernel, inPlace }: Variant, name: BufferName): BufferName | undefined {
  const over = inPlace ? IN_PLACE[name] : undefined;
  return over && (KERNELS[kernel] as Kernel).bindings.some((binding) => binding.name === over) ? over : undefined;
}

/** Tells variants apart; equal keys have equal text and constants. */
export function variantKey(variant: Variant): string {
  const { kernel, absent, tile, storage, activation: name } = variant;
  const { bindings, parts }: Kernel = KERNELS[kernel];
  const without = bindings.map(({ name }) => (absent.includes(name) ? `−${name}` : standsIn(variant, name) ? `=${name}` : '')).join('');
  const { width, across, groupSize, grouped, kept, unrolled } = tile;
  const values = bindings.some(({ element }) => element === 'Value');
  const activated = name !== 'none' && parts(variant).includes(ACTIVATION);
  return [
    `${kernel}${without}/${width}${across[0]}×${groupSize}`,
    grouped ? '' : 'ungrouped', kept ? 'kept' : '', unrolled ? 'unrolled' : '', values && storage !== 'f32' ? storage : '', activated ? name : '',
  ].filter(Boolean).join(' ');
}

/** Values for the `override`s of `shared/group.wgsl`. */
export function variantConstants(variant: Variant): Record<string, number> {
  return {
    GROUP_SIZE: variant.tile.groupSize,
    GROUPED: Number(variant.tile.grouped),
    UNROLLED: Number(variant.tile.unrolled),
  };
}

export function variantText(variant: Variant): VariantText {
  const kernel: Kernel = KERNELS[variant.kernel];
  const halves = variant.storage !== 'f32' && kernel.bindings.some(({ element }) => element === 'Value');
  const storage = halves ? [variant.storage === 'f16' ? STORAGE_F16 : STORAGE_BF16] : [];
  const pieces = [['declarations', declarations(kernel, variant)] as const, ...storage, ...kernel.parts(variant), [kernel.file, kernel.source] as const];
  const files: VariantText['files'] = [];
  let code = '';
  for (const [file, source] of pieces) {
    files.push({ file, firstLine: code.split('\n').length });
    code += source.endsWith('\n') ? source : `${source}\n`;
  }
  return { code, files };
}

function declarations(kernel: Kernel, variant: Variant): string {
  let text = typesWgsl(variant.tile, isMasked(variant)) + paramsWgsl() + '@group(0) @binding(0) var<uniform> params: Params;\n';
  bindingsOf(variant).forEach(({ name, access, element }, i) => {
    const mode = access === 'read' ? 'read' : 'read_write';
    text += `@group(0) @binding(${i + 1}) var<storage, ${mode}> ${snakeCase(name)}: array<${stored(element, name, variant)}>;\n`;
  });
  for (const { name, access, element, absent: missing } of kernel.bindings) {
    if (element === 'Mask') continue;
    const present = has(variant, name);
    const buffer = snakeCase(standsIn(variant, name) ?? name);
    const index = element === 'Value' ? 'u32' : 'Index';
    if (access !== 'write') {
      text += `fn load_${snakeCase(name)}(i: ${index}) -> ${element} { return ${present ? loaded(buffer, element, variant) : missing}; }\n`;
    }
    if (access !== 'read' && !(isFlat(variant) && element !== 'Value')) {
      text += `fn store_${snakeCase(name)}(i: u32, value: ${element}) {${present ? ` ${saved(buffer, element, variant)} ` : ''}}\n`;
    }
  }
  return kernel.bindings.some(({ element }) => element === 'Mask') ? text + validAt(variant) : text;
}

/** The type of an array's entries. */
function stored(element: Element, name: BufferName, { tile, storage }: Variant): string {
  const wideRows = tile.across === 'rows' && tile.width === 4;
  if (element === 'Mask') return wideRows && name === 'mask' ? 'vec4u' : 'u32';
  if (tile.across === 'flat' && element !== 'Value') return element === 'Word' ? 'u32' : 'f32';
  if (element !== 'Value' || storage === 'f32') return element;
  return tile.width === 4 ? 'vec2u' : 'u32';
}

function loaded(buffer: string, element: Element, { tile, storage }: Variant): string {
  if (element !== 'Value') return tile.across === 'flat' ? `${element}(${buffer}[i.x], ${buffer}[i.y])` : `${buffer}[i]`;
  if (storage === 'f32') return `${buffer}[i]`;
  if (tile.across === 'flat') return `unpack_pair(${buffer}[i])`;
  if (tile.width === 4) return `vec4f(unpack_pair(${buffer}[i].x), unpack_pair(${buffer}[i].y))`;
  return `unpack_pair(${buffer}[i / 2u])[i % 2u]`;
}

function saved(buffer: string, element: Element, { tile, storage }: Variant): string {
  if (element !== 'Value' || storage === 'f32') return `${buffer}[i] = value;`;
  if (tile.width === 4) return `${buffer}[i] = vec2u(pack_pair(value.xy), pack_pair(value.zw));`;
  const kept = `select(0u, ${buffer}[i] & 0xffff0000u, i == params.flat_odd)`; // padding stays as it is
  return `${buffer}[i] = (pack_pair(value) & select(0xffffffffu, 0xffffu, i == params.flat_odd)) | ${kept};`;
}

/** Which of a Value's rows count, and a Value that is 0 in the others. */
function validAt(variant: Variant): string {
  const { tile } = variant;
  const wide = tile.across === 'rows' && tile.width === 4;
  let valid = 'Valid(true)';
  if (has(variant, 'mask')) {
    valid = tile.across === 'flat' ? 'vec2u(mask[rows.x], mask[rows.y]) != vec2u()' : wide ? 'mask[rows] != vec4u()' : 'mask[rows] != 0u';
  } else if (has(variant, 'validRows')) {
    valid = tile.across === 'flat' ? 'rows < vec2u(valid_rows[0])'
      : wide ? '(vec4u(4u * rows) + vec4u(0u, 1u, 2u, 3u)) < vec4u(valid_rows[0])' : 'rows < valid_rows[0]';
  }
  const kept = isMasked(variant) ? 'select(Value(), value, valid)' : 'value'; // no compiler has to see that a select does nothing
  return `fn valid_at(rows: Rows) -> Valid { return ${valid}; }\nfn where_valid(value: Value, valid: Valid) -> Value { return ${kept}; }\n`;
}

/**
 * A Value is what a thread loads at once, a Channel one number for each channel in it. Channels-last a Value's
 * elements are of different channels and the two are one; channels-first they are rows of one channel, to be summed;
 * flat they are whatever stands in a word, each with a channel and a row of its own. Valid says which of a Value's rows count;
 * where all do it is one true, which compilers fold (SwiftShader does not fold a vector of them).
 */
function typesWgsl({ width, across }: Tile, masked: boolean): string {
  if (across === 'flat') {
    return (
      'alias Value = vec2f;\nalias ValueWord = vec2u;\nalias Channel = vec2f;\nalias Word = vec2u;\n' +
      'alias Index = vec2u;\nalias Rows = vec2u;\n' + `alias Valid = ${masked ? 'vec2<bool>' : 'bool'};\n`
    );
  }
  const wide = width === 4;
  const perChannel = across === 'channels' && wide;
  const summed = across === 'rows' && wide;
  const each = summed && masked; // row for row
  return (
    `alias Value = ${wide ? 'vec4f' : 'f32'};\nalias ValueWord = ${wide ? 'vec4u' : 'u32'};\n` +
    `alias Channel = ${perChannel ? 'vec4f' : 'f32'};\nalias Word = ${perChannel ? 'vec4u' : 'u32'};\n` +
    `alias Index = u32;\nalias Rows = u32;\nalias Valid = ${each ? 'vec4<bool>' : 'bool'};\n` +
    `const VALUES = ${summed ? 4 : 1}u;\n` + // rows of a channel in a Value
    `fn sum_of(value: Value) -> Channel { return ${summed ? '(value.x + value.y) + (value.z + value.w)' : 'value'}; }\n` +
    `fn first_of(value: Value) -> Channel { return value${summed ? '.x' : ''}; }\n` +
    `fn first_valid(value: Value, valid: Valid) -> Channel { return ${
      each ? 'select(select(select(value.w, value.z, valid.z), value.y, valid.y), value.x, valid.x)' : 'first_of(value)'}; }\n` +
    `fn count_valid(valid: Valid) -> u32 { return ${each ? 'dot(select(vec4u(), vec4u(1u), valid), vec4u(1u))' : 'VALUES * u32(valid)'}; }\n` +
    `fn count_of(word: Word) -> u32 { return word${perChannel ? '.x' : ''}; }\n`
  );
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
