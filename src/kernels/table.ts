import backwardSingle from '../../shaders/backward_single.wgsl?raw';
import forwardSingle from '../../shaders/forward_single.wgsl?raw';
import gradientFinish from '../../shaders/gradient_finish.wgsl?raw';
import gradientInput from '../../shaders/gradient_input.wgsl?raw';
import gradientPartial from '../../shaders/gradient_partial.wgsl?raw';
import momentsFinish from '../../shaders/moments_finish.wgsl?raw';
import momentsPartial from '../../shaders/moments_partial.wgsl?raw';
import normalize from '../../shaders/normalize.wgsl?raw';
import applyWalkPart from '../../shaders/shared/apply_walk.wgsl?raw';
import centeredPart from '../../shaders/shared/centered.wgsl?raw';
import gradientFinishPart from '../../shaders/shared/gradient_finish.wgsl?raw';
import gradientGroupPart from '../../shaders/shared/gradient_group.wgsl?raw';
import gradientWalkPart from '../../shaders/shared/gradient_walk.wgsl?raw';
import inputAtPart from '../../shaders/shared/input_at.wgsl?raw';
import inputAtFrozenPart from '../../shaders/shared/input_at_frozen.wgsl?raw';
import invStdPart from '../../shaders/shared/inv_std.wgsl?raw';
import momentsPart from '../../shaders/shared/moments.wgsl?raw';
import momentsFinishPart from '../../shaders/shared/moments_finish.wgsl?raw';
import momentsGroupPart from '../../shaders/shared/moments_group.wgsl?raw';
import momentsWalkPart from '../../shaders/shared/moments_walk.wgsl?raw';
import normalizeAtPart from '../../shaders/shared/normalize_at.wgsl?raw';
import opaquePart from '../../shaders/shared/opaque.wgsl?raw';
import statisticsPart from '../../shaders/shared/statistics.wgsl?raw';
import statisticsRunningPart from '../../shaders/shared/statistics_running.wgsl?raw';
import statisticsSavedPart from '../../shaders/shared/statistics_saved.wgsl?raw';
import twoSumPart from '../../shaders/shared/two_sum.wgsl?raw';
import walkPart from '../../shaders/shared/walk.wgsl?raw';
import { type AdapterClass, type PlanLimits, type Role, type Tile, tilesOf } from '../plan/plan.js';
import { paramsWgsl } from '../plan/params.js';

/** What a binding holds: Values of the tensor, one number a channel, or the bits of one. */
type Element = 'Value' | 'Channel' | 'Word';

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
  | 'x' | 'dy' | 'y' | 'dx' | 'gamma' | 'beta' | 'dgamma' | 'dbeta'
  | 'saved' | 'runningMean' | 'runningVar'
  | 'partials' | 'coefficients';

type Part = readonly [file: string, source: string];

export interface Kernel {
  role: Role;
  /** The shader file, whose entry point is `main`. */
  file: string;
  source: string;
  /** Joined in front, in this order. */
  parts: readonly Part[];
  /** In the order of the formula, writes last. */
  bindings: readonly Binding[];
}

const MATRICES: readonly BufferName[] = ['x', 'dy', 'y', 'dx'];
const elementOf = (name: BufferName): Element => (MATRICES.includes(name) ? 'Value' : 'Channel');
const read = (name: BufferName, absent?: string, element = elementOf(name)): Binding => ({ name, access: 'read', element, absent });
const write = (name: BufferName, absent?: string, element = elementOf(name)): Binding => ({ name, access: 'write', element, absent });
const update = (name: BufferName, absent?: string): Binding => ({ name, access: 'update', element: 'Channel', absent });

const ONE = 'Channel(1.0)';
const ZERO = 'Channel()';

const part = (name: string, source: string): Part => [`shared/${name}.wgsl`, source];
const WALK = part('walk', walkPart);
const OPAQUE = part('opaque', opaquePart);
const TWO_SUM = part('two_sum', twoSumPart);
const STATISTICS = part('statistics', statisticsPart);
const CENTERED = part('centered', centeredPart);
const INV_STD = part('inv_std', invStdPart);
const APPLY_WALK = part('apply_walk', applyWalkPart);
const NORMALIZE = [part('normalize_at', normalizeAtPart), APPLY_WALK];
const MOMENTS = [WALK, OPAQUE, TWO_SUM, part('moments', momentsPart), part('moments_group', momentsGroupPart)];
const MOMENTS_WALK = part('moments_walk', momentsWalkPart);
const MOMENTS_FINISH = [STATISTICS, INV_STD, part('moments_finish', momentsFinishPart)];
const SAVED = [STATISTICS, part('statistics_saved', statisticsSavedPart)];
const RUNNING = [STATISTICS, INV_STD, part('statistics_running', statisticsRunningPart)];
const SUMS = [WALK, OPAQUE, TWO_SUM, part('gradient_group', gradientGroupPart)];
const SUMS_WALK = part('gradient_walk', gradientWalkPart);
const GRADIENT_FINISH = part('gradient_finish', gradientFinishPart);
const INPUT = [part('input_at', inputAtPart), APPLY_WALK];
const INPUT_FROZEN = [part('input_at_frozen', inputAtFrozenPart), APPLY_WALK];

const SAVED_BINDING = read('saved');
const RUNNING_BINDINGS = [read('runningMean'), read('runningVar')];
const GAMMA = read('gamma', ONE);
const BETA = read('beta', ZERO);
const GRADIENTS = [write('dgamma', ZERO), write('dbeta', ZERO)];
const FINISHED = [write('saved'), update('runningMean', ZERO), update('runningVar', ZERO)];

export const KERNELS = {
  forward_single: {
    role: 'single',
    file: 'forward_single.wgsl',
    source: forwardSingle,
    parts: [...MOMENTS, ...MOMENTS_FINISH, CENTERED, MOMENTS_WALK, ...NORMALIZE],
    bindings: [read('x'), GAMMA, BETA, write('y'), ...FINISHED],
  },
  moments_partial: {
    role: 'reduce',
    file: 'moments_partial.wgsl',
    source: momentsPartial,
    parts: [...MOMENTS, MOMENTS_WALK],
    bindings: [read('x'), write('partials', undefined, 'Word')],
  },
  moments_finish: {
    role: 'finish',
    file: 'moments_finish.wgsl',
    source: momentsFinish,
    parts: [...MOMENTS, ...MOMENTS_FINISH],
    bindings: [read('partials', undefined, 'Word'), ...FINISHED],
  },
  normalize: {
    role: 'apply',
    file: 'normalize.wgsl',
    source: normalize,
    parts: [WALK, OPAQUE, ...SAVED, CENTERED, ...NORMALIZE],
    bindings: [read('x'), SAVED_BINDING, GAMMA, BETA, write('y')],
  },
  infer: {
    role: 'apply',
    file: 'normalize.wgsl',
    source: normalize,
    parts: [WALK, OPAQUE, ...RUNNING, CENTERED, ...NORMALIZE],
    bindings: [read('x'), ...RUNNING_BINDINGS, GAMMA, BETA, write('y')],
  },
  backward_single: {
    role: 'single',
    file: 'backward_single.wgsl',
    source: backwardSingle,
    parts: [...SAVED, CENTERED, ...SUMS, SUMS_WALK, GRADIENT_FINISH, ...INPUT],
    bindings: [read('x'), read('dy'), GAMMA, SAVED_BINDING, write('dx'), ...GRADIENTS],
  },
  gradient_partial: {
    role: 'reduce',
    file: 'gradient_partial.wgsl',
    source: gradientPartial,
    parts: [...SAVED, CENTERED, ...SUMS, SUMS_WALK],
    bindings: [read('x'), read('dy'), SAVED_BINDING, write('partials')],
  },
  gradient_finish: {
    role: 'finish',
    file: 'gradient_finish.wgsl',
    source: gradientFinish,
    parts: [...SAVED, ...SUMS, GRADIENT_FINISH],
    bindings: [read('partials'), SAVED_BINDING, write('coefficients'), ...GRADIENTS],
  },
  gradient_input: {
    role: 'apply',
    file: 'gradient_input.wgsl',
    source: gradientInput,
    parts: [WALK, OPAQUE, ...SAVED, CENTERED, ...INPUT],
    bindings: [read('x'), read('dy'), GAMMA, SAVED_BINDING, read('coefficients'), write('dx')],
  },
  backward_single_frozen: {
    role: 'single',
    file: 'backward_single.wgsl',
    source: backwardSingle,
    parts: [...RUNNING, CENTERED, ...SUMS, SUMS_WALK, GRADIENT_FINISH, ...INPUT_FROZEN],
    bindings: [read('x'), read('dy'), GAMMA, ...RUNNING_BINDINGS, write('dx'), ...GRADIENTS],
  },
  gradient_partial_frozen: {
    role: 'reduce',
    file: 'gradient_partial.wgsl',
    source: gradientPartial,
    parts: [...RUNNING, CENTERED, ...SUMS, SUMS_WALK],
    bindings: [read('x'), read('dy'), ...RUNNING_BINDINGS, write('partials')],
  },
  gradient_finish_frozen: {
    role: 'finish',
    file: 'gradient_finish.wgsl',
    source: gradientFinish,
    parts: [...RUNNING, ...SUMS, GRADIENT_FINISH],
    bindings: [read('partials'), ...RUNNING_BINDINGS, write('coefficients', ZERO), ...GRADIENTS],
  },
  gradient_input_frozen: {
    role: 'apply',
    file: 'gradient_input.wgsl',
    source: gradientInput,
    parts: [WALK, ...RUNNING, ...INPUT_FROZEN],
    bindings: [read('dy'), GAMMA, ...RUNNING_BINDINGS, read('coefficients', ZERO), write('dx')],
  },
} as const satisfies Record<string, Kernel>;

export type KernelName = keyof typeof KERNELS;

/** One compiled text: a kernel, without the buffers it goes without, for one tile. */
export interface Variant {
  kernel: KernelName;
  absent: readonly BufferName[];
  tile: Tile;
}

/** The WGSL of a variant, and which file each of its lines came from. */
export interface VariantText {
  code: string;
  files: { file: string; firstLine: number }[];
}

/** The buffers a variant binds, in binding order from 1. */
export function bindingsOf({ kernel, absent }: Variant): readonly Binding[] {
  return (KERNELS[kernel] as Kernel).bindings.filter((binding) => !absent.includes(binding.name));
}

/** Tells variants apart; equal keys have equal text and constants. */
export function variantKey({ kernel, absent, tile }: Variant): string {
  const without = (KERNELS[kernel] as Kernel).bindings.map(({ name }) => (absent.includes(name) ? `−${name}` : '')).join('');
  return `${kernel}${without}/${tile.width}${tile.across === 'channels' ? 'c' : 'r'}×${tile.groupSize}${tile.grouped ? '' : ' ungrouped'}`;
}

/** Values for the `override`s of `shared/walk.wgsl`. */
export function variantConstants({ tile }: Variant): Record<string, number> {
  return { GROUP_SIZE: tile.groupSize, GROUPED: Number(tile.grouped) };
}

export function variantText(variant: Variant): VariantText {
  const kernel: Kernel = KERNELS[variant.kernel];
  const pieces = [['declarations', declarations(kernel, variant)] as const, ...kernel.parts, [kernel.file, kernel.source] as const];
  const files: VariantText['files'] = [];
  let code = '';
  for (const [file, source] of pieces) {
    files.push({ file, firstLine: code.split('\n').length });
    code += source.endsWith('\n') ? source : `${source}\n`;
  }
  return { code, files };
}

function declarations({ bindings }: Kernel, { absent, tile }: Variant): string {
  let text = typesWgsl(tile) + paramsWgsl() + '@group(0) @binding(0) var<uniform> params: Params;\n';
  let index = 1;
  for (const { name, access, element, absent: missing } of bindings) {
    const variable = snakeCase(name);
    const present = !absent.includes(name);
    if (present) {
      const mode = access === 'read' ? 'read' : 'read_write';
      text += `@group(0) @binding(${index++}) var<storage, ${mode}> ${variable}: array<${element}>;\n`;
    }
    if (access !== 'write') {
      text += `fn load_${variable}(i: u32) -> ${element} { return ${present ? `${variable}[i]` : missing}; }\n`;
    }
    if (access !== 'read') {
      text += `fn store_${variable}(i: u32, value: ${element}) {${present ? ` ${variable}[i] = value; ` : ''}}\n`;
    }
  }
  return text;
}

/**
 * A Value is what a thread loads at once, a Channel one number for each channel in it. Channels-last a Value's
 * elements are of different channels and the two are one; channels-first they are rows of one channel, to be summed.
 */
function typesWgsl({ width, across }: Tile): string {
  const wide = width === 4;
  const perChannel = across === 'channels' && wide;
  const summed = across === 'rows' && wide;
  return (
    `alias Value = ${wide ? 'vec4f' : 'f32'};\nalias ValueWord = ${wide ? 'vec4u' : 'u32'};\n` +
    `alias Channel = ${perChannel ? 'vec4f' : 'f32'};\nalias Word = ${perChannel ? 'vec4u' : 'u32'};\n` +
    `const VALUES = ${summed ? 4 : 1}u;\n` + // rows of a channel in a Value
    `fn sum_of(value: Value) -> Channel { return ${summed ? '(value.x + value.y) + (value.z + value.w)' : 'value'}; }\n` +
    `fn first_of(value: Value) -> Channel { return value${summed ? '.x' : ''}; }\n` +
    `fn count_of(word: Word) -> u32 { return word${perChannel ? '.x' : ''}; }\n`
  );
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Every text there is: what has to compile wherever the library runs. */
export function allVariants(adapterClass: AdapterClass, limits: PlanLimits): Variant[] {
  const shapes = [
    { layout: 'channelsLast', channels: 3 },
    { layout: 'channelsLast', channels: 4 },
    { layout: 'channelsFirst', channels: 3 },
  ] as const;
  const variants = shapes.flatMap((shape) => {
    const tiles = tilesOf(shape, adapterClass, limits);
    return (Object.keys(KERNELS) as KernelName[]).flatMap((kernel) => {
      const optional = (KERNELS[kernel] as Kernel).bindings.filter(({ absent }) => absent !== undefined);
      const sets = subsets(optional.map(({ name }) => name));
      return tiles[KERNELS[kernel].role].flatMap((tile) => sets.map((absent) => ({ kernel, absent, tile })));
    });
  });
  return [...new Map(variants.map((variant) => [variantKey(variant), variant])).values()];
}

function subsets(names: readonly BufferName[]): BufferName[][] {
  return names.reduce<BufferName[][]>((sets, name) => [...sets, ...sets.map((set) => [...set, name])], [[]]);
}
