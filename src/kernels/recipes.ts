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

export type OperationName =
  | 'forward' | 'forwardUntracked' | 'backward' | 'backwardFrozen' | 'infer'
  | 'moments' | 'merge' | 'mergeUntracked' | 'normalize' | 'gradientSums' | 'gradientInput';

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
interface DraftStep {
  kernel: KernelName;
  of: 'reduce' | 'finalize' | 'apply';
  partials?: BufferName;
  /** What the kernel could bind of the operation's buffers and here does not. */
  without?: readonly BufferName[];
}

/** An operation before its pipelines are compiled. */
export interface Draft {
  operation: OperationName;
  call: string;
  slots: readonly Slot[];
  /** Buffers that its kernels go without. */
  absent: readonly BufferName[];
  /** One dispatch for all rows of a tile; null where that needs more buffers than a stage binds. */
  single: readonly DraftStep[] | null;
  split: readonly DraftStep[];
  /** Where one part holds all rows and nothing is merged; else as `split`. */
  onePart: readonly DraftStep[] | null;
  /** A split plan's own buffers: which, and what of the plan sizes it. */
  scratch: readonly { name: BufferName; bytes(plan: Plan): number }[];
  /** Written over what is read, where the options allow and a call does. */
  inPlace: readonly [read: BufferName, written: BufferName] | null;
}

const reduce = (kernel: KernelName, partials?: BufferName, without: DraftStep['without'] = ['coefficients']): DraftStep =>
  ({ kernel, of: 'reduce', partials, without });
const finalize = (kernel: KernelName, partials?: BufferName): DraftStep => ({ kernel, of: 'finalize', partials });
const apply = (kernel: KernelName, without?: DraftStep['without']): DraftStep => ({ kernel, of: 'apply', without });

/** What stands in the coefficients. */
const PACKED: readonly BufferName[] = ['gamma', 'beta', 'saved', 'runningMean', 'runningVar'];

/** The dispatches of one call, in order. */
export function stepsOf(draft: Draft, plan: Plan): Step[] {
  const { single, split, onePart } = draft;
  const steps = plan.kind === 'single' && single ? single : plan.parts === 1 && onePart ? onePart : split;
  return steps.flatMap(({ kernel, of, partials, without }) => {
    const dispatches = of === 'finalize' ? [plan.finalize] : plan[of];
    return dispatches.map((dispatch): Step => ({ kernel, dispatch, partials, without }));
  });
}

/** Every operation of the modes. */
export function draftsOf(settings: KernelSettings, modes: readonly Mode[], maxBuffers: number): Draft[] {
  const { channels, activation, gamma, beta, mask, inPlace, momentum } = settings;
  const given = (...names: (BufferName | false)[]) => names.filter((name): name is BufferName => name !== false);
  const rows = given(mask === 'rows' && 'mask', mask === 'count' && 'validRows');
  const residual = given(settings.residual && 'residual');
  const affine = given(gamma && 'gamma', beta && 'beta');
  // Behind an activation the backward needs what the forward added; else neither beta nor residual moves a gradient.
  const preActivation = isActivated(activation) ? [...residual, ...affine] : given(gamma && 'gamma');
  const dresidual = given(hasResidualGradient(settings) && 'dresidual');
  const gradients = given(gamma && 'dgamma', beta && 'dbeta');
  const batches = given(momentum === 'cumulative' && 'batches');
  const tracked: BufferName[] = ['runningMean', 'runningVar', ...batches];
  const coefficients = { name: 'coefficients' as const, bytes: () => COEFFICIENT_PLANES * channels * 4 };
  const moments = { name: 'partials' as const, bytes: (p: Plan) => p.momentsBytes };
  const sums = { name: 'partials' as const, bytes: (p: Plan) => p.gradientBytes };

  const make = (
    operation: OperationName, call: string, reads: BufferName[], writes: BufferName[],
    steps: { single?: DraftStep[]; split: DraftStep[]; onePart?: DraftStep[] }, scratch: Draft['scratch'] = [], over: Draft['inPlace'] = null,
  ): Draft => {
    const present = [...reads, ...writes];
    const absent = OPTIONAL.filter((name) => !present.includes(name));
    const fits = (steps.single ?? []).every(({ kernel }) =>
      bindingsOf({ kernel, absent, tile: ANY_TILE, storage: 'f32', activation: NO_ACTIVATION, frozen: false, inPlace: false }).length <= maxBuffers);
    return {
      operation, call: `BatchNormKernels.${call}`,
      slots: [...reads.map((name) => slot(name, 'read', settings)), ...writes.map((name) => slot(name, 'write', settings, steps.split.length > 1))],
      absent,
      single: steps.single && fits ? steps.single : null,
      split: steps.split,
      onePart: steps.onePart ?? null,
      scratch,
      inPlace: inPlace ? over : null,
    };
  };

  const drafts: Draft[] = [];
  const forwardSteps = { single: [reduce('forward_single')],
    split: [reduce('moments_partial'), finalize('moments_finalize'), apply('normalize', ['runningMean', 'runningVar'])] };
  if (modes.includes('train')) {
    const reads = ['x' as const, ...residual, ...affine, ...rows];
    drafts.push(
      make('forward', 'forward', reads, ['y', 'saved', ...tracked], forwardSteps, [moments]),
      make('forwardUntracked', 'forward', reads, ['y', 'saved'], forwardSteps, [moments]),
      make(
        'backward', 'backward', ['x', 'dy', ...preActivation, 'saved', ...rows], ['dx', ...dresidual, ...gradients],
        { single: [reduce('backward_single')], split: [reduce('gradient_partial'), finalize('gradient_finalize'), apply('gradient_input', PACKED)] },
        [sums, coefficients], ['dy', 'dx'],
      ),
    );
  }
  if (modes.includes('infer')) {
    const steps = [apply('normalize')];
    drafts.push(make('infer', 'infer', ['x', ...residual, ...affine, 'runningMean', 'runningVar', ...rows], ['y'], { split: steps }, [], ['x', 'y']));
  }
  if (modes.includes('frozen')) {
    const reads: BufferName[] = ['x', 'dy', ...preActivation, 'runningMean', 'runningVar', ...rows];
    const bound = reads.length + 1; // and the partials
    const partial = bound > maxBuffers ? [finalize('frozen_pack'), reduce('gradient_partial', undefined, PACKED)] : [reduce('gradient_partial')];
    drafts.push(make(
      'backwardFrozen', 'backwardFrozen', reads, ['dx', ...dresidual, ...gradients],
      gradients.length > 0
        ? { single: [reduce('backward_single')], split: [...partial, finalize('gradient_finalize'), apply('gradient_input', PACKED)] }
        : { split: [apply('gradient_input', ['coefficients'])] },
      gradients.length > 0 ? [sums, coefficients] : [], ['dy', 'dx'],
    ));
  }
  if (modes.includes('phases')) {
    const merged = { split: [finalize('moments_finalize', 'moments')] };
    drafts.push(
      make('moments', 'moments', ['x', ...rows], ['moments'], {
        onePart: [reduce('moments_partial', 'moments')], split: [reduce('moments_partial'), finalize('moments_merge')],
      }, [moments]),
      make('merge', 'merge', ['moments'], ['saved', ...tracked], merged),
      make('mergeUntracked', 'merge', ['moments'], ['saved'], merged),
      make('normalize', 'normalize', ['x', ...residual, 'saved', ...affine, ...rows], ['y'], { split: [apply('normalize')] }, [], ['x', 'y']),
      make('gradientSums', 'gradientSums', ['x', 'dy', ...preActivation, 'saved', ...rows], ['sums'], {
        onePart: [reduce('gradient_partial', 'sums')], split: [reduce('gradient_partial'), finalize('gradient_merge')],
      }, [sums]),
      make(
        'gradientInput', 'gradientInput', ['x', 'dy', ...preActivation, 'saved', 'sums', ...rows], ['dx', ...dresidual, ...gradients],
        { split: [finalize('gradient_finalize', 'sums'), apply('gradient_input', PACKED)] }, [coefficients], ['dy', 'dx'],
      ),
    );
  }
  return drafts;
}

/** The text of a step's kernel in an operation. */
export function variantOf(draft: Draft, settings: KernelSettings, { kernel, without = [] }: Pick<DraftStep, 'kernel' | 'without'>, tile: Variant['tile'],
  inPlace: boolean): Variant {
  const { storage, activation } = settings;
  const frozen = draft.operation === 'backwardFrozen';
  // With constant statistics and no activation, dx has no x in it.
  const noX: readonly BufferName[] = frozen && !isActivated(activation) && kernel === 'gradient_input' ? ['x'] : [];
  return { kernel, absent: [...draft.absent, ...without, ...noX], tile, storage, activation, frozen, inPlace };
}

/** Every text an operation can need, for any shape. */
export function variantsOf(draft: Draft, settings: KernelSettings, limits: PlanLimits): Variant[] {
  const { adapterClass, plan, storage } = settings;
  const tiles = tilesOf(settings, adapterClass, limits, storage);
  const { single, split, onePart, inPlace } = draft;
  // A forced single plan splits all the same where it would bind too many buffers, or halves straddle tiles.
  const lists = [plan === 'split' ? null : single, plan === 'single' && single && storage === 'f32' ? null : split, onePart];
  const variants = lists.flatMap((steps) => steps ?? []).flatMap((step) =>
    tiles[KERNELS[step.kernel].role].flatMap((tile) =>
      (inPlace ? [false, true] : [false]).map((over) => variantOf(draft, settings, step, tile, over)),
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
