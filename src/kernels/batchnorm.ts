import type { BufferView } from '../plan/checks.js';
import { COPY_SRC, STORAGE } from '../plan/gpuFlags.js';
import {
  DEFAULTS, type Mode, type Numbers, checkFlag, checkModes, checkNames, checkNumbers, checkUnbiased,
} from '../plan/options.js';
import { type AdapterClass, COEFFICIENT_PLANES, type PlanKind, classOf, plan, tilesOf } from '../plan/plan.js';
import { savedBytes } from '../plan/saved.js';
import { type BatchShape, type Geometry, type Layout, checkLayout, describe, geometryOf } from '../plan/shape.js';
import { type Loss, checkLoss, watchLoss } from './loss.js';
import { Operation, type Recipe, type Slot } from './operation.js';
import { pipelineOf } from './pipelines.js';
import { type BufferName, KERNELS, type Variant, variantKey } from './table.js';

/** Options of `createBatchNorm`. `Numbers` (eps, momentum, runningVariance) are PyTorch's where left out. */
export interface BatchNormOptions extends Partial<Numbers> {
  channels: number;
  /** Where a channel's values lie. Default `'channelsLast'`. */
  layout?: Layout;
  /** Whether there is a gamma; without one it is 1 and has no gradient. Default true. */
  gamma?: boolean;
  /** Whether there is a beta; without one it is 0 and has no gradient. Default true. */
  beta?: boolean;
  /** What will be called: `'train'` forward and backward, `'infer'` infer, `'frozen'` backwardFrozen. Default all. */
  modes?: readonly Mode[];
  /** How the work is cut. Default: read off the device's `adapterInfo`. */
  adapterClass?: AdapterClass;
  /** Forces a plan: one dispatch, or three. Default: by shape and adapter class. */
  plan?: PlanKind;
  /** Receives what WebGPU reports only later. Without one the error is rethrown outside any call. */
  onError?: (error: Error) => void;
}

export interface ForwardBuffers {
  x: BufferView;
  gamma?: BufferView;
  beta?: BufferView;
  y: BufferView;
  saved: BufferView;
  runningMean?: BufferView;
  runningVar?: BufferView;
}

export interface BackwardBuffers {
  x: BufferView;
  dy: BufferView;
  gamma?: BufferView;
  saved: BufferView;
  dx: BufferView;
  dgamma?: BufferView;
  dbeta?: BufferView;
}

export interface FrozenBuffers {
  x: BufferView;
  dy: BufferView;
  gamma?: BufferView;
  runningMean: BufferView;
  runningVar: BufferView;
  dx: BufferView;
  dgamma?: BufferView;
  dbeta?: BufferView;
}

export interface InferBuffers {
  x: BufferView;
  gamma?: BufferView;
  beta?: BufferView;
  runningMean: BufferView;
  runningVar: BufferView;
  y: BufferView;
}

const OPTION_NAMES = ['channels', 'layout', 'eps', 'momentum', 'runningVariance', 'gamma', 'beta', 'modes', 'adapterClass', 'plan', 'onError'];

/**
 * Compiles the batch norm kernels for a number of channels, once; calls then only record.
 *
 * The device stays the caller's: it is never destroyed here, and nothing is submitted or read back.
 *
 * @throws {TypeError} an option is of the wrong kind, unknown, or `device` is no GPUDevice.
 * @throws {RangeError} an option has a value that cannot be computed with.
 * @throws {Error} a kernel did not compile, or the device is lost.
 * @example const bn = await createBatchNorm(device, { channels: 256, modes: ['train', 'infer'] });
 */
export async function createBatchNorm(device: GPUDevice, options: BatchNormOptions): Promise<BatchNormKernels> {
  const call = 'createBatchNorm';
  if (typeof device?.createComputePipelineAsync !== 'function') {
    throw new TypeError(`${call}: "device" is ${describe(device)}, needs a GPUDevice. Request one from an adapter.`);
  }
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${call}: "options" is ${describe(options)}, needs an object with at least channels.`);
  }
  checkNames(call, options, OPTION_NAMES);
  const {
    channels, gamma = true, beta = true, modes = ['train', 'infer', 'frozen'],
    adapterClass = classOf(device.adapterInfo), plan: kind, layout = 'channelsLast', onError,
    eps = DEFAULTS.eps, momentum = DEFAULTS.momentum, runningVariance = DEFAULTS.runningVariance,
  } = options;
  checkNumbers(call, { channels, eps, momentum, runningVariance });
  checkFlag(call, 'gamma', gamma);
  checkFlag(call, 'beta', beta);
  checkModes(call, modes);
  if (adapterClass !== 'hardware' && adapterClass !== 'software') {
    throw new RangeError(`${call}: "adapterClass" is ${describe(adapterClass)}, needs 'hardware' or 'software'.`);
  }
  if (kind !== undefined && kind !== 'single' && kind !== 'split') {
    throw new RangeError(`${call}: "plan" is ${describe(kind)}, needs 'single' or 'split'. Leave it out to have it chosen.`);
  }
  checkLayout(call, layout);
  if (onError !== undefined && typeof onError !== 'function') {
    throw new TypeError(`${call}: "onError" is ${describe(onError)}, needs a function.`);
  }
  const loss = watchLoss(device);
  await Promise.resolve(); // a device lost before now says so only then
  checkLoss(call, loss);
  const settings: Settings = { channels, layout, gamma, beta, adapterClass, kind, numbers: { eps, momentum, runningVariance } };
  const recipes = await Promise.all(recipesOf(settings, modes).map((recipe) => compileRecipe(device, recipe, settings))).catch((error) => {
    checkLoss(call, loss); // the clearer reason
    throw error;
  });
  checkLoss(call, loss);
  return new BatchNormKernels(device, settings, recipes, loss, onError ?? null);
}

interface Settings {
  channels: number;
  layout: Layout;
  kind: PlanKind | undefined;
  gamma: boolean;
  beta: boolean;
  adapterClass: AdapterClass;
  numbers: Numbers;
}

type OperationName = 'forward' | 'forwardUntracked' | 'backward' | 'backwardFrozen' | 'infer';

/** Batch norm kernels on one device for one number of channels. Made by `createBatchNorm`. */
export class BatchNormKernels {
  readonly device: GPUDevice;
  readonly channels: number;
  /** Receives what WebGPU reports only after a call has returned: a buffer of another device, memory that ran out. */
  onError: ((error: Error) => void) | null;
  readonly #settings: Settings;
  readonly #loss: Loss;
  readonly #operations = new Map<OperationName, Operation>();
  #destroyed = false;

  /** @internal */
  constructor(
    device: GPUDevice,
    settings: Settings,
    recipes: readonly (Recipe & { operation: OperationName })[],
    loss: Loss,
    onError: ((error: Error) => void) | null,
  ) {
    this.device = device;
    this.channels = settings.channels;
    this.onError = onError;
    this.#settings = settings;
    this.#loss = loss;
    const { numbers, adapterClass, kind } = settings;
    const planFor = (geometry: Geometry, call: string) => plan(geometry, numbers, { adapterClass, kind }, device.limits, call);
    const report = (error: Error) => this.#report(error);
    for (const recipe of recipes) this.#operations.set(recipe.operation, new Operation(device, recipe, planFor, report));
  }

  /**
   * Records the training-mode forward pass.
   *
   *     y = gamma · (x − mean) · invStd + beta        invStd = 1 / √(variance + eps)
   *
   * The batch mean and variance pool all rows of one channel; `variance` is biased (÷ rows).
   * Ioffe & Szegedy 2015, Algorithm 1 — https://arxiv.org/abs/1502.03167
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch where a workgroup can own
   * all rows of its channels, else three; the pass is left open with this library's pipeline and bind group 0 set.
   *
   * @param pass - open compute pass.
   * @param buffers - f32, owned by the caller, sizes in elements:
   *   reads `x` rows·channels, `gamma` and `beta` channels (exactly those the options have);
   *   writes `y` rows·channels, and `saved` 4·channels (from `createSaved()`; keep it for `backward`);
   *   updates `runningMean` and `runningVar`, channels each, when both are given.
   * @throws {RangeError} a buffer is smaller than its size above, misplaced, or larger than the device binds;
   *   the shape cannot be computed with; one row where an unbiased running variance is updated; a forced plan
   *   cannot take the shape.
   * @throws {TypeError} a buffer is missing, not wanted, lacks STORAGE usage, or is read and written at once.
   * @throws {Error} the device is lost, or this object destroyed.
   * @param shape - `{ rows }`; channels-first `{ batch, spatial }`; either `{ shape }`, the tensor's own.
   * @example bn.forward(pass, { x, gamma, beta, y, saved }, { rows: 128 });
   */
  forward(pass: GPUComputePassEncoder, buffers: ForwardBuffers, shape: BatchShape): void {
    const call = 'BatchNorm.forward';
    const geometry = this.#check(call, pass, buffers, shape, 'train');
    const tracked = buffers.runningMean !== undefined || buffers.runningVar !== undefined;
    if (tracked) checkUnbiased(call, geometry.rows, this.#settings.numbers.runningVariance);
    this.#operations.get(tracked ? 'forward' : 'forwardUntracked')!.record(pass, buffers, geometry);
  }

  /**
   * Records the closed-form backward pass of the last `forward` with the same `x` and `saved`.
   *
   *     dbeta = Σ dy        dgamma = Σ dy · xHat
   *     dx    = gamma · invStd · (dy − dbeta/rows − xHat · dgamma/rows)
   *
   * Ioffe & Szegedy 2015, section 3, simplified — https://arxiv.org/abs/1502.03167
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch or three, as `forward`.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - f32, owned by the caller, sizes in elements:
   *   reads `x` and `dy` rows·channels, `gamma` channels (if the options have it), `saved` as `forward` left it;
   *   writes `dx` rows·channels, `dgamma` and `dbeta` channels (exactly those the options have).
   * @throws as `forward`.
   * @example bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, { rows: 128 });
   */
  backward(pass: GPUComputePassEncoder, buffers: BackwardBuffers, shape: BatchShape): void {
    const geometry = this.#check('BatchNorm.backward', pass, buffers, shape, 'train');
    this.#operations.get('backward')!.record(pass, buffers, geometry);
  }

  /**
   * Records the backward pass of `infer`: the running statistics are constants, no gradient flows through them.
   *
   *     dbeta = Σ dy        dgamma = Σ dy · xHat        dx = gamma · invStd · dy
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch or three, as `forward`;
   * one where the options have neither gamma nor beta.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - f32, owned by the caller, sizes in elements:
   *   reads `x` and `dy` rows·channels, `gamma` (if the options have it), `runningMean` and `runningVar` channels;
   *   writes `dx` rows·channels, `dgamma` and `dbeta` channels (exactly those the options have).
   * @throws as `forward`.
   * @example bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, { rows: 128 });
   */
  backwardFrozen(pass: GPUComputePassEncoder, buffers: FrozenBuffers, shape: BatchShape): void {
    const geometry = this.#check('BatchNorm.backwardFrozen', pass, buffers, shape, 'frozen');
    this.#operations.get('backwardFrozen')!.record(pass, buffers, geometry);
  }

  /**
   * Records inference: the running statistics take the batch's place.
   *
   *     y = gamma · (x − runningMean) / √(runningVar + eps) + beta
   *
   * Ioffe & Szegedy 2015, Algorithm 2, line 11 — https://arxiv.org/abs/1502.03167. A row's result does
   * not depend on the other rows of the batch, to the bit. One dispatch.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - f32, owned by the caller, sizes in elements:
   *   reads `x` rows·channels, `gamma`, `beta` (exactly those the options have), `runningMean`, `runningVar` channels;
   *   writes `y` rows·channels.
   * @throws as `forward`.
   * @example bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, { rows: 1 });
   */
  infer(pass: GPUComputePassEncoder, buffers: InferBuffers, shape: BatchShape): void {
    const geometry = this.#check('BatchNorm.infer', pass, buffers, shape, 'infer');
    this.#operations.get('infer')!.record(pass, buffers, geometry);
  }

  /**
   * Creates a `saved` buffer: 4·channels f32, written by `forward`, read by `backward`, owned by the caller.
   * Its bytes, read back, are viewed by `savedViews`.
   */
  createSaved(): GPUBuffer {
    this.#checkAlive('BatchNorm.createSaved');
    return this.device.createBuffer({
      label: 'batchnorm/saved',
      size: savedBytes(this.channels),
      usage: STORAGE | COPY_SRC,
    });
  }

  /** Frees the plans' scratch. Work recorded but not yet submitted becomes invalid; the device and the caller's buffers stay. */
  destroy(): void {
    this.#destroyed = true;
    for (const operation of this.#operations.values()) operation.destroy();
  }

  #check(call: string, pass: GPUComputePassEncoder, buffers: object, shape: BatchShape, mode: Mode): Geometry {
    this.#checkAlive(call);
    if (typeof pass?.dispatchWorkgroups !== 'function') {
      throw new TypeError(`${call}: "pass" is ${describe(pass)}, needs an open GPUComputePassEncoder. Begin one on a command encoder.`);
    }
    if (typeof buffers !== 'object' || buffers === null) {
      throw new TypeError(`${call}: "buffers" is ${describe(buffers)}, needs an object of GPU buffers.`);
    }
    const geometry = geometryOf(call, this.#settings.layout, this.channels, shape);
    if (!this.#operations.has(OPERATION_OF_MODE[mode])) {
      throw new Error(`${call}: "modes" was given without '${mode}', needs it. Add it to the options of createBatchNorm.`);
    }
    return geometry;
  }

  #checkAlive(call: string): void {
    if (this.#destroyed) throw new Error(`${call}: this batch norm was destroyed. Create a new one.`);
    checkLoss(call, this.#loss);
  }

  #report(error: Error): void {
    if (this.onError) return this.onError(error);
    queueMicrotask(() => {
      throw error;
    });
  }
}

const OPERATION_OF_MODE: Record<Mode, OperationName> = { train: 'forward', infer: 'infer', frozen: 'backwardFrozen' };

/** A recipe before its pipelines are compiled. */
interface Draft {
  operation: OperationName;
  call: string;
  reads: BufferName[];
  writes: BufferName[];
  steps: Recipe['steps'];
  scratch: Recipe['scratch'];
}

const SUMS: Recipe['scratch'][number] = { name: 'partials', bytes: (p) => p.gradientBytes };

const FORWARD: Recipe['steps'] = {
  single: ['forward_single'],
  split: [
    'moments_partial',
    'moments_finish',
    'normalize',
  ],
};

const BACKWARD: Recipe['steps'] = {
  single: ['backward_single'],
  split: [
    'gradient_partial',
    'gradient_finish',
    'gradient_input',
  ],
};

const INFER = ['infer'] as const;
const INPUT_FROZEN = 'gradient_input_frozen';

const FROZEN: Recipe['steps'] = {
  single: ['backward_single_frozen'],
  split: [
    'gradient_partial_frozen',
    'gradient_finish_frozen',
    INPUT_FROZEN,
  ],
};

function recipesOf({ channels, gamma, beta }: Settings, modes: readonly Mode[]): Draft[] {
  const scale: BufferName[] = gamma ? ['gamma'] : [];
  const affine: BufferName[] = beta ? [...scale, 'beta'] : scale;
  const gradients: BufferName[] = [...(gamma ? ['dgamma' as const] : []), ...(beta ? ['dbeta' as const] : [])];
  const drafts: Draft[] = [];
  if (modes.includes('train')) {
    const forward = {
      call: 'BatchNorm.forward',
      reads: ['x', ...affine] as BufferName[],
      steps: FORWARD,
      scratch: [{ name: 'partials', bytes: (p) => p.momentsBytes }] as Recipe['scratch'],
    };
    drafts.push(
      { ...forward, operation: 'forward', writes: ['y', 'saved', 'runningMean', 'runningVar'] },
      { ...forward, operation: 'forwardUntracked', writes: ['y', 'saved'] },
      {
        operation: 'backward',
        call: 'BatchNorm.backward',
        reads: ['x', 'dy', ...scale, 'saved'],
        writes: ['dx', ...gradients],
        steps: BACKWARD,
        scratch: [SUMS, { name: 'coefficients', bytes: () => COEFFICIENT_PLANES * channels * 4 }],
      },
    );
  }
  if (modes.includes('infer')) {
    drafts.push({
      operation: 'infer',
      call: 'BatchNorm.infer',
      reads: ['x', ...affine, 'runningMean', 'runningVar'],
      writes: ['y'],
      steps: { single: INFER, split: INFER },
      scratch: [],
    });
  }
  if (modes.includes('frozen')) {
    drafts.push({
      operation: 'backwardFrozen',
      call: 'BatchNorm.backwardFrozen',
      reads: ['x', 'dy', ...scale, 'runningMean', 'runningVar'],
      writes: ['dx', ...gradients],
      steps: gradients.length > 0 ? FROZEN : { single: [INPUT_FROZEN], split: [INPUT_FROZEN] },
      scratch: gradients.length > 0 ? [SUMS] : [],
    });
  }
  return drafts;
}

const OPTIONAL: readonly BufferName[] = ['gamma', 'beta', 'dgamma', 'dbeta', 'runningMean', 'runningVar', 'coefficients'];

async function compileRecipe(device: GPUDevice, draft: Draft, settings: Settings): Promise<Recipe & { operation: OperationName }> {
  const { channels, adapterClass, kind } = settings;
  const tiles = tilesOf(settings, adapterClass, device.limits);
  const present = [...draft.reads, ...draft.writes, ...draft.scratch.map(({ name }) => name)];
  const absent = OPTIONAL.filter((name) => !present.includes(name));
  const kernels = new Set((kind ? [kind] : (['single', 'split'] as const)).flatMap((each) => draft.steps[each]));
  const variants = [...kernels].flatMap((kernel) => tiles[KERNELS[kernel].role].map((tile): Variant => ({ kernel, absent, tile })));
  const pipelines = new Map(
    await Promise.all(variants.map(async (variant) => [variantKey(variant), await pipelineOf(device, variant)] as const)),
  );
  return {
    operation: draft.operation,
    call: draft.call,
    slots: [...draft.reads.map((name) => slot(name, 'read', channels)), ...draft.writes.map((name) => slot(name, 'write', channels))],
    absent,
    steps: draft.steps,
    scratch: draft.scratch,
    pipelines,
  };
}

const MATRICES: readonly BufferName[] = ['x', 'dy', 'y', 'dx'];

function slot(name: BufferName, access: 'read' | 'write', channels: number): Slot {
  const writes = access === 'write';
  // forward's last dispatch reads what an earlier one wrote to saved
  const use = { name, reads: !writes || name === 'saved', writes };
  if (MATRICES.includes(name)) {
    return { ...use, bytes: (rows) => rows * channels * 4, from: (rows) => `rows ${rows} × channels ${channels}, f32` };
  }
  if (name === 'saved') return { ...use, bytes: () => savedBytes(channels), from: () => `4 × channels ${channels}, f32` };
  return { ...use, bytes: () => channels * 4, from: () => `channels ${channels}, f32` };
}
