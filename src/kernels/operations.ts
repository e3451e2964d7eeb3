import { storageBytes } from '../core/storage.js';
import { isActivated } from '../core/activations.js';
import { type AdapterClass, type Mode, type Settings, hasResidualGradient } from '../core/options.js';
import { COEFFICIENT_PLANES, type Dispatch, GRADIENT_PLANES, MOMENTS_PLANES, type Plan } from '../plan/plan.js';
import { type PlanLimits, tilesOf } from '../plan/tiles.js';
import { savedBytes } from '../core/saved.js';
import { type BufferName, KERNELS, type KernelName, MATRICES, type Variant, bindingsOf, variantKey } from '../shader/kernels.js';

/** The options, and the adapter's class where they leave it open. */
export interface KernelSettings extends Settings {
  adapterClass: AdapterClass;
}

/** A call's name, or of one that may update running statistics and here does not. */
export type OperationName = keyof typeof OPERATIONS | 'forwardUntracked' | 'mergeUntracked';

/** An argument of an operation and how many bytes of it a shape uses. */
export interface Slot {
  name: BufferName;
  /** By any of the operation's dispatches. */
  reads: boolean;
  writes: boolean;
  /** May come as several buffers in a row, and be larger than a binding. */
  matrix: boolean;
  bytes(rows: number, parts: number): number;
  from(rows: number, parts: number): string;
}

/** A dispatch of an operation: which kernel, and where its scratch is one of the arguments. */
export interface Step {
  kernel: KernelName;
  dispatch: Dispatch;
  partials?: BufferName;
  without?: readonly BufferName[];
}

/** Which dispatch of a plan a step is. */
interface StepRow {
  kernel: KernelName;
  of: 'reduce' | 'finalize' | 'apply';
  partials?: BufferName;
  /** What the kernel could bind of the operation's buffers and here does not. */
  without?: readonly BufferName[];
}

/** An operation as the options have it, before its pipelines are compiled. */
export interface ResolvedOperation {
  operation: OperationName;
  settings: KernelSettings;
  call: string;
  slots: readonly Slot[];
  /** Buffers that its kernels go without. */
  absent: readonly BufferName[];
  /** One dispatch for all rows of a tile; null where that needs more buffers than a stage binds. */
  single: readonly StepRow[] | null;
  split: readonly StepRow[];
  /** Where one part holds all rows and nothing is merged; else as `split`. */
  onePart: readonly StepRow[] | null;
  /** A split plan's own buffers: which, and what of the plan sizes it. */
  scratch: readonly { name: BufferName; bytes(plan: Plan): number }[];
  /** Written over what is read, where the options allow and a call does. */
  inPlace: readonly [read: BufferName, written: BufferName] | null;
}

const reduce = (kernel: KernelName, partials?: BufferName, without: StepRow['without'] = ['coefficients']): StepRow =>
  ({ kernel, of: 'reduce', partials, without });
const finalize = (kernel: KernelName, partials?: BufferName): StepRow => ({ kernel, of: 'finalize', partials });
const apply = (kernel: KernelName, without?: StepRow['without']): StepRow => ({ kernel, of: 'apply', without });

/** What stands in the coefficients. */
const PACKED: readonly BufferName[] = ['gamma', 'beta', 'saved', 'runningMean', 'runningVar'];

/** The dispatches of one call, in order. */
export function stepsOf(resolved: ResolvedOperation, plan: Plan): Step[] {
  const { single, split, onePart } = resolved;
  const steps = plan.kind === 'single' && single ? single : plan.parts === 1 && onePart ? onePart : split;
  return steps.flatMap(({ kernel, of, partials, without }) => {
    const dispatches = of === 'finalize' ? [plan.finalize] : plan[of];
    return dispatches.map((dispatch): Step => ({ kernel, dispatch, partials, without }));
  });
}

const FORWARD_STEPS = {
  single: [reduce('forward_single')],
  split: [reduce('moments_partial'), finalize('moments_finalize'), apply('normalize', ['runningMean', 'runningVar'])],
};

/**
 * The operations, a row each: which arguments their buffers are, in the order of the formula, and by which kernels they run.
 * `presentIn` says when an argument is there; the checks, the bindings and the types of the calls follow from these rows.
 */
export const OPERATIONS = {
  forward: {
    mode: 'train', of: 'values', reads: ['x', 'residual', 'gamma', 'beta', 'mask', 'validRows'], writes: ['y', 'saved'], running: 'updated',
    steps: FORWARD_STEPS, scratch: ['partials'],
  },
  backward: {
    mode: 'train', of: 'gradients', reads: ['x', 'dy', 'residual', 'gamma', 'beta', 'saved', 'mask', 'validRows'],
    writes: ['dx', 'dresidual', 'dgamma', 'dbeta'], inPlace: ['dy', 'dx'],
    steps: { single: [reduce('backward_single')], split: [reduce('gradient_partial'), finalize('gradient_finalize'), apply('gradient_input', PACKED)] },
    scratch: ['sums', 'coefficients'],
  },
  infer: {
    mode: 'infer', of: 'values', reads: ['x', 'residual', 'gamma', 'beta', 'runningMean', 'runningVar', 'mask', 'validRows'], writes: ['y'],
    inPlace: ['x', 'y'], steps: { split: [apply('normalize')] },
  },
  backwardFrozen: {
    mode: 'frozen', of: 'gradients', reads: ['x', 'dy', 'residual', 'gamma', 'beta', 'runningMean', 'runningVar', 'mask', 'validRows'],
    writes: ['dx', 'dresidual', 'dgamma', 'dbeta'], inPlace: ['dy', 'dx'],
    steps: { single: [reduce('backward_single')], split: [reduce('gradient_partial'), finalize('gradient_finalize'), apply('gradient_input', PACKED)] },
    scratch: ['sums', 'coefficients'],
    /** Where there is nothing to learn, dx alone. */
    plain: { split: [apply('gradient_input', ['coefficients'])] },
    /** Where the first of three would bind too many buffers, what it reads of a channel is packed before. */
    packed: [finalize('frozen_pack'), reduce('gradient_partial', undefined, PACKED)],
  },
  moments: {
    mode: 'phases', of: 'values', reads: ['x', 'mask', 'validRows'], writes: ['moments'],
    steps: { onePart: [reduce('moments_partial', 'moments')], split: [reduce('moments_partial'), finalize('moments_merge')] }, scratch: ['partials'],
  },
  merge: {
    mode: 'phases', of: 'values', reads: ['moments'], writes: ['saved'], running: 'updated', steps: { split: [finalize('moments_finalize', 'moments')] },
  },
  normalize: {
    mode: 'phases', of: 'values', reads: ['x', 'residual', 'saved', 'gamma', 'beta', 'mask', 'validRows'], writes: ['y'], inPlace: ['x', 'y'],
    steps: { split: [apply('normalize')] },
  },
  gradientSums: {
    mode: 'phases', of: 'gradients', reads: ['x', 'dy', 'residual', 'gamma', 'beta', 'saved', 'mask', 'validRows'], writes: ['sums'],
    steps: { onePart: [reduce('gradient_partial', 'sums')], split: [reduce('gradient_partial'), finalize('gradient_merge')] }, scratch: ['sums'],
  },
  gradientInput: {
    mode: 'phases', of: 'gradients', reads: ['x', 'dy', 'residual', 'gamma', 'beta', 'saved', 'sums', 'mask', 'validRows'],
    writes: ['dx', 'dresidual', 'dgamma', 'dbeta'], inPlace: ['dy', 'dx'],
    steps: { split: [finalize('gradient_finalize', 'sums'), apply('gradient_input', PACKED)] }, scratch: ['coefficients'],
  },
} as const satisfies Record<string, Row>;

/** A row of the table. */
interface Row {
  mode: Mode;
  /** Whether it computes y, or gradients: these need what stands before the activation only where there is one. */
  of: 'values' | 'gradients';
  reads: readonly BufferName[];
  writes: readonly BufferName[];
  /** Updates the running statistics where a call gives them. */
  running?: 'updated';
  inPlace?: readonly [read: BufferName, written: BufferName];
  steps: Steps;
  plain?: Steps;
  packed?: readonly StepRow[];
  /** A split plan's own buffers: partial moments, partial sums, what dx needs of a channel. */
  scratch?: readonly ('partials' | 'sums' | 'coefficients')[];
}

interface Steps {
  single?: readonly StepRow[];
  split: readonly StepRow[];
  onePart?: readonly StepRow[];
}

/** Whether an operation has an argument, with these options. */
function presentIn(of: Row['of'], name: BufferName, settings: Settings): boolean {
  const { gamma, beta, residual, mask, momentum } = settings;
  const needed = of === 'values' || isActivated(settings.activation);
  switch (name) {
    case 'gamma': case 'dgamma': return gamma;
    case 'beta': return beta && needed;
    case 'residual': return residual && needed;
    case 'dbeta': return beta;
    case 'dresidual': return hasResidualGradient(settings);
    case 'mask': return mask === 'rows';
    case 'validRows': return mask === 'count';
    case 'batches': return momentum === 'cumulative';
    default: return true;
  }
}

/** Where the running statistics are kept, one buffer each. */
const RUNNING = ['runningMean', 'runningVar', 'batches'] as const;

/** Every operation of the modes. Those that may update running statistics stand there twice: with them, and without. */
export function resolveOperations(settings: KernelSettings, modes: readonly Mode[], maxBuffers: number): ResolvedOperation[] {
  const rows = Object.entries(OPERATIONS) as [keyof typeof OPERATIONS, Row][];
  return rows.filter(([, { mode }]) => modes.includes(mode)).flatMap(([name, row]) => {
    const resolve = (as: OperationName, running: readonly BufferName[]) => resolveOperation(as, name, row, running, settings, maxBuffers);
    return row.running ? [resolve(name, RUNNING), resolve(`${name}Untracked` as OperationName, [])] : [resolve(name, [])];
  });
}

function resolveOperation(
  operation: OperationName, call: string, row: Row, running: readonly BufferName[], settings: KernelSettings, maxBuffers: number,
): ResolvedOperation {
  const has = (name: BufferName) => presentIn(row.of, name, settings);
  const reads = row.reads.filter(has);
  const writes = [...row.writes, ...running].filter(has);
  const learns = settings.gamma || settings.beta;
  const { single, split: usual, onePart = null } = row.plain && !learns ? row.plain : row.steps;
  const [first, ...rest] = usual;
  const split = row.packed && learns && reads.length + 1 > maxBuffers ? [...row.packed, ...rest] : [first, ...rest]; // and the partials
  const absent = OPTIONAL.filter((name) => ![...reads, ...writes].includes(name));
  const fits = (single ?? []).every(({ kernel }) =>
    bindingsOf({ kernel, absent, tile: ANY_TILE, storage: 'f32', activation: NO_ACTIVATION, frozen: false, inPlace: false }).length <= maxBuffers);
  return {
    operation, settings, call: `BatchNormKernels.${call}`,
    slots: [...reads.map((name) => slot(name, 'read', settings)), ...writes.map((name) => slot(name, 'write', settings, split.length > 1))],
    absent,
    single: single && fits ? single : null,
    split,
    onePart,
    scratch: row.plain && !learns ? [] : (row.scratch ?? []).map((name) => SCRATCH[name](settings)),
    inPlace: settings.inPlace ? (row.inPlace ?? null) : null,
  };
}

const SCRATCH: Record<'partials' | 'sums' | 'coefficients', (settings: Settings) => ResolvedOperation['scratch'][number]> = {
  partials: () => ({ name: 'partials', bytes: (plan: Plan) => plan.momentsBytes }),
  sums: () => ({ name: 'partials', bytes: (plan: Plan) => plan.gradientBytes }),
  coefficients: ({ channels }: Settings) => ({ name: 'coefficients', bytes: () => COEFFICIENT_PLANES * channels * 4 }),
};

/** The text of a step's kernel in an operation. */
export function variantOf(
  resolved: ResolvedOperation, { kernel, without = [] }: Pick<StepRow, 'kernel' | 'without'>, tile: Variant['tile'], inPlace: boolean,
): Variant {
  const { storage, activation } = resolved.settings;
  const frozen = resolved.operation === 'backwardFrozen';
  // With constant statistics and no activation, dx has no x in it.
  const noX: readonly BufferName[] = frozen && !isActivated(activation) && kernel === 'gradient_input' ? ['x'] : [];
  return { kernel, absent: [...resolved.absent, ...without, ...noX], tile, storage, activation, frozen, inPlace };
}

/** Every text an operation can need, for any shape. */
export function variantsOf(resolved: ResolvedOperation, limits: PlanLimits): Variant[] {
  const { settings } = resolved;
  const { adapterClass, plan, storage } = settings;
  const tiles = tilesOf(settings, adapterClass, limits, storage);
  const { single, split, onePart, inPlace } = resolved;
  // A forced single plan splits all the same where it would bind too many buffers, or halves straddle tiles.
  const lists = [plan === 'split' ? null : single, plan === 'single' && single && storage === 'f32' ? null : split, onePart];
  const variants = lists.flatMap((steps) => steps ?? []).flatMap((step) =>
    tiles[KERNELS[step.kernel].role].flatMap((tile) =>
      (inPlace ? [false, true] : [false]).map((over) => variantOf(resolved, step, tile, over)),
    ),
  );
  return [...new Map(variants.map((variant) => [variantKey(variant), variant])).values()];
}

const OPTIONAL: readonly BufferName[] = [
  'residual', 'dresidual', 'gamma', 'beta', 'dgamma', 'dbeta', 'saved', 'runningMean', 'runningVar', 'batches', 'mask', 'validRows',
];

const NO_ACTIVATION = { name: 'none', key: 'none' } as const;
const ANY_TILE = { width: 1, across: 'channels', groupSize: 1, grouped: true, registers: false, unrolled: false } as const;

function slot(name: BufferName, access: 'read' | 'write', { channels, storage }: Settings, readLater = false): Slot {
  const writes = access === 'write';
  const matrix = MATRICES.includes(name);
  // forward's last dispatch reads what an earlier one wrote to saved
  const use = { name, reads: !writes || (readLater && name === 'saved'), writes, matrix };
  const vector = (planes: number): Slot => ({
    ...use, bytes: () => planes * channels * 4, from: () => `${planes > 1 ? `${planes} × ` : ''}channels ${channels}, f32`,
  });
  const blocks = (planes: number): Slot => ({
    ...use,
    bytes: (_, parts) => parts * planes * channels * 4,
    from: (_, parts) => `parts ${parts} × ${planes} × channels ${channels}, 4 bytes each`,
  });
  if (matrix) {
    return { ...use, bytes: (rows) => storageBytes(rows * channels, storage), from: (rows) => `rows ${rows} × channels ${channels}, ${storage}` };
  }
  if (name === 'mask') return { ...use, bytes: (rows) => rows * 4, from: (rows) => `rows ${rows}, u32` };
  if (name === 'batches') return { ...use, bytes: () => channels * 4, from: () => `channels ${channels}, u32` };
  if (name === 'validRows') return { ...use, bytes: () => 4, from: () => 'one u32' };
  if (name === 'moments') return blocks(MOMENTS_PLANES);
  if (name === 'sums') return blocks(GRADIENT_PLANES);
  if (name === 'saved') return { ...use, bytes: () => savedBytes(channels), from: () => `6 × channels ${channels}, 4 bytes each` };
  return vector(1);
}
