import coefficients from '../../shaders/shared/coefficients.wgsl?raw';
import coefficientsNone from '../../shaders/shared/coefficients_none.wgsl?raw';
import gradientGroup from '../../shaders/shared/gradient_group.wgsl?raw';
import gradientPartials from '../../shaders/shared/gradient_partials.wgsl?raw';
import invStd from '../../shaders/shared/inv_std.wgsl?raw';
import moments from '../../shaders/shared/moments.wgsl?raw';
import momentsGroup from '../../shaders/shared/moments_group.wgsl?raw';
import momentsPartials from '../../shaders/shared/moments_partials.wgsl?raw';
import opaque from '../../shaders/shared/opaque.wgsl?raw';
import statisticsRunning from '../../shaders/shared/statistics_running.wgsl?raw';
import statisticsSaved from '../../shaders/shared/statistics_saved.wgsl?raw';
import tile from '../../shaders/shared/tile.wgsl?raw';
import twoSum from '../../shaders/shared/two_sum.wgsl?raw';
import gradientFinish from '../../shaders/gradient_finish.wgsl?raw';
import gradientInput from '../../shaders/gradient_input.wgsl?raw';
import gradientInputFrozen from '../../shaders/gradient_input_frozen.wgsl?raw';
import gradientPartial from '../../shaders/gradient_partial.wgsl?raw';
import momentsFinish from '../../shaders/moments_finish.wgsl?raw';
import momentsPartial from '../../shaders/moments_partial.wgsl?raw';
import normalize from '../../shaders/normalize.wgsl?raw';
import { type AdapterClass, type PlanLimits, type Tile, planTile } from '../plan/plan.js';
import { paramsWgsl } from '../plan/params.js';

/** What a binding's elements are: `Value` f32 or vec4f, `Word` the same number of u32. */
type Element = 'Value' | 'Word';

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

export interface Kernel {
  /** The shader file, whose entry point is `main`. */
  file: string;
  source: string;
  /** Joined in front, in this order. */
  parts: readonly (readonly [file: string, source: string])[];
  /** In the order of the formula, writes last. */
  bindings: readonly Binding[];
}

const read = (name: BufferName, absent?: string, element: Element = 'Value'): Binding => ({ name, access: 'read', element, absent });
const write = (name: BufferName, absent?: string, element: Element = 'Value'): Binding => ({ name, access: 'write', element, absent });
const update = (name: BufferName, absent?: string): Binding => ({ name, access: 'update', element: 'Value', absent });

const ONE = 'Value(1.0)';
const ZERO = 'Value()';

const TILE = ['shared/tile.wgsl', tile] as const;
const OPAQUE = ['shared/opaque.wgsl', opaque] as const;
const TWO_SUM = ['shared/two_sum.wgsl', twoSum] as const;
const MOMENTS = [
  TILE,
  OPAQUE,
  TWO_SUM,
  ['shared/moments.wgsl', moments],
  ['shared/moments_group.wgsl', momentsGroup],
  ['shared/moments_partials.wgsl', momentsPartials],
] as const;
const SUMS = [
  TILE,
  OPAQUE,
  TWO_SUM,
  ['shared/gradient_group.wgsl', gradientGroup],
  ['shared/gradient_partials.wgsl', gradientPartials],
] as const;
const INV_STD = ['shared/inv_std.wgsl', invStd] as const;
const SAVED = ['shared/statistics_saved.wgsl', statisticsSaved] as const;
const RUNNING = ['shared/statistics_running.wgsl', statisticsRunning] as const;

export const KERNELS = {
  moments_partial: {
    file: 'moments_partial.wgsl',
    source: momentsPartial,
    parts: MOMENTS,
    bindings: [read('x'), write('partials', undefined, 'Word')],
  },
  moments_finish: {
    file: 'moments_finish.wgsl',
    source: momentsFinish,
    parts: [...MOMENTS, INV_STD],
    bindings: [read('partials', undefined, 'Word'), write('saved'), update('runningMean', ZERO), update('runningVar', ZERO)],
  },
  normalize: {
    file: 'normalize.wgsl',
    source: normalize,
    parts: [TILE, OPAQUE, SAVED],
    bindings: [read('x'), read('saved'), read('gamma', ONE), read('beta', ZERO), write('y')],
  },
  infer: {
    file: 'normalize.wgsl',
    source: normalize,
    parts: [TILE, OPAQUE, INV_STD, RUNNING],
    bindings: [read('x'), read('runningMean'), read('runningVar'), read('gamma', ONE), read('beta', ZERO), write('y')],
  },
  gradient_partial: {
    file: 'gradient_partial.wgsl',
    source: gradientPartial,
    parts: [...SUMS, SAVED],
    bindings: [read('x'), read('dy'), read('saved'), write('partials')],
  },
  gradient_finish: {
    file: 'gradient_finish.wgsl',
    source: gradientFinish,
    parts: [...SUMS, SAVED, ['shared/coefficients.wgsl', coefficients]],
    bindings: [
      read('partials'), read('saved'), read('gamma', ONE),
      write('coefficients'), write('dgamma', ZERO), write('dbeta', ZERO),
    ],
  },
  gradient_input: {
    file: 'gradient_input.wgsl',
    source: gradientInput,
    parts: [TILE, OPAQUE],
    bindings: [read('x'), read('dy'), read('coefficients'), write('dx')],
  },
  gradient_partial_frozen: {
    file: 'gradient_partial.wgsl',
    source: gradientPartial,
    parts: [...SUMS, INV_STD, RUNNING],
    bindings: [read('x'), read('dy'), read('runningMean'), read('runningVar'), write('partials')],
  },
  gradient_finish_frozen: {
    file: 'gradient_finish.wgsl',
    source: gradientFinish,
    parts: [...SUMS, INV_STD, RUNNING, ['shared/coefficients_none.wgsl', coefficientsNone]],
    bindings: [
      read('partials'), read('runningMean'), read('runningVar'),
      write('dgamma', ZERO), write('dbeta', ZERO),
    ],
  },
  gradient_input_frozen: {
    file: 'gradient_input_frozen.wgsl',
    source: gradientInputFrozen,
    parts: [TILE, INV_STD],
    bindings: [read('dy'), read('gamma', ONE), read('runningVar'), write('dx')],
  },
} satisfies Record<string, Kernel>;

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
  return `${kernel}${without}/${tile.width}×${tile.columns}×${tile.lanes}`;
}

/** Values for the `override`s of `shared/tile.wgsl`. */
export function variantConstants({ tile }: Variant): Record<string, number> {
  return {
    COLUMNS: tile.columns,
    LANES: tile.lanes,
    GROUP_SIZE: tile.columns * tile.lanes,
    LANES_CEIL: 2 ** Math.ceil(Math.log2(tile.lanes)),
  };
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
  const wide = tile.width === 4;
  let text =
    `alias Value = ${wide ? 'vec4f' : 'f32'};\n` +
    `alias Word = ${wide ? 'vec4u' : 'u32'};\n` +
    `fn count_of(word: Word) -> u32 { return word${wide ? '.x' : ''}; }\n` +
    paramsWgsl() +
    `@group(0) @binding(0) var<uniform> params: Params;\n`;
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

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Every text there is, for one tile of each width: what has to compile wherever the library runs. */
export function allVariants(adapterClass: AdapterClass, limits: PlanLimits): Variant[] {
  return [67, 64].map((channels) => planTile(channels, adapterClass, limits)).flatMap((tile) =>
    (Object.keys(KERNELS) as KernelName[]).flatMap((kernel) => {
      const optional = (KERNELS[kernel] as Kernel).bindings.filter(({ absent }) => absent !== undefined);
      return subsets(optional.map(({ name }) => name)).map((absent) => ({ kernel, absent, tile }));
    }),
  );
}

function subsets(names: readonly BufferName[]): BufferName[][] {
  return names.reduce<BufferName[][]>((sets, name) => [...sets, ...sets.map((set) => [...set, name])], [[]]);
}
