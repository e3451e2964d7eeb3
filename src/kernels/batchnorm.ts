import type { BufferView } from '../plan/checks.js';
import {
  DEFAULTS, type Mode, type Numbers, checkFlag, checkModes, checkNames, checkNumbers, checkUnbiased,
} from '../plan/options.js';
import { type AdapterClass, COEFFICIENT_PLANES, classOf, plan, planTile } from '../plan/plan.js';
import { savedBytes } from '../plan/saved.js';
import { checkShape, describe } from '../plan/shape.js';
import { type Loss, checkLoss, watchLoss } from './loss.js';
import { Operation, type Recipe, type Slot, type Step } from './operation.js';
import { pipelineOf } from './pipelines.js';
import type { BufferName, KernelName, Variant } from './table.js';

/** Options of `createBatchNorm`. `Numbers` (eps, momentum, runningVariance) are PyTorch's where left out. */
export interface BatchNormOptions extends Partial<Numbers> {
  /** Columns of x. */
  channels: number;
  /** Whether there is a gamma; without one it is 1 and has no gradient. Default true. */
  gamma?: boolean;
  /** Whether there is a beta; without one it is 0 and has no gradient. Default true. */
  beta?: boolean;
  /** What will be called: `'train'` forward and backward, `'infer'` infer, `'frozen'` backwardFrozen. Default all. */
  modes?: readonly Mode[];
  /** How the work is cut. Default: read off the device's `adapterInfo`. */
  adapterClass?: AdapterClass;
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

/** The batch of one call. */
export interface BatchShape {
  rows: number;
}

/** So that a forgotten shape is reported as such. */
const NO_BATCH = {} as BatchShape;

const OPTION_NAMES = ['channels', 'eps', 'momentum', 'runningVariance', 'gamma', 'beta', 'modes', 'adapterClass', 'onError'];

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
    adapterClass = classOf(device.adapterInfo), onError,
    eps = DEFAULTS.eps, momentum = DEFAULTS.momentum, runningVariance = DEFAULTS.runningVariance,
  } = options;
  checkNumbers(call, { channels, eps, momentum, runningVariance });
  checkFlag(call, 'gamma', gamma);
  checkFlag(call, 'beta', beta);
  checkModes(call, modes);
  if (adapterClass !== 'hardware' && adapterClass !== 'software') {
    throw new RangeError(`${call}: "adapterClass" is ${describe(adapterClass)}, needs 'hardware' or 'software'.`);
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw new TypeError(`${call}: "onError" is ${describe(onError)}, needs a function.`);
  }
  const loss = watchLoss(device);
  checkLoss(call, loss);
  const settings: Settings = { channels, gamma, beta, adapterClass, numbers: { eps, momentum, runningVariance } };
  const recipes = await Promise.all(recipesOf(settings, modes).map((recipe) => compileRecipe(device, recipe, settings)));
  checkLoss(call, loss);
  return new BatchNormKernels(device, settings, recipes, loss, onError ?? null);
}

interface Settings {
  channels: number;
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
    const { channels, numbers, adapterClass } = settings;
    const tile = planTile(channels, adapterClass, device.limits);
    const planFor = (rows: number) => plan({ rows, channels }, tile, numbers, adapterClass, device.limits);
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
   * Nothing runs until the caller submits; the arguments are checked now. Three dispatches; the pass is
   * left open with this library's pipeline and bind group 0 set.
   *
   * @param pass - open compute pass.
   * @param buffers - f32, owned by the caller, sizes in elements:
   *   reads `x` rows·channels, `gamma` and `beta` channels (exactly those the options have);
   *   writes `y` rows·channels, and `saved` 4·channels (from `createSaved()`; keep it for `backward`);
   *   updates `runningMean` and `runningVar`, channels each, when both are given.
   * @throws {RangeError} a buffer is smaller than its size above, misplaced, or larger than the device binds;
   *   `rows` is no integer of at least 1, or 1 where an unbiased running variance is updated.
   * @throws {TypeError} a buffer is missing, not wanted, lacks STORAGE usage, or is read and written at once.
   * @throws {Error} the device is lost, or this object destroyed.
   * @example bn.forward(pass, { x, gamma, beta, y, saved }, { rows: 128 });
   */
  forward(pass: GPUComputePassEncoder, buffers: ForwardBuffers, { rows }: BatchShape = NO_BATCH): void {
    const call = 'BatchNorm.forward';
    this.#check(call, pass, buffers, rows, 'train');
    const tracked = buffers.runningMean !== undefined || buffers.runningVar !== undefined;
    if (tracked) checkUnbiased(call, rows, this.#settings.numbers.runningVariance);
    this.#operations.get(tracked ? 'forward' : 'forwardUntracked')!.record(pass, buffers, rows);
  }

  /**
   * Records the closed-form backward pass of the last `forward` with the same `x` and `saved`.
   *
   *     dbeta = Σ dy        dgamma = Σ dy · xHat
   *     dx    = gamma · invStd · (dy − dbeta/rows − xHat · dgamma/rows)
   *
   * Ioffe & Szegedy 2015, section 3, simplified — https://arxiv.org/abs/1502.03167
   *
   * Nothing runs until the caller submits; the arguments are checked now. Three dispatches.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - f32, owned by the caller, sizes in elements:
   *   reads `x` and `dy` rows·channels, `gamma` channels (if the options have it), `saved` as `forward` left it;
   *   writes `dx` rows·channels, `dgamma` and `dbeta` channels (exactly those the options have).
   * @throws as `forward`.
   * @example bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, { rows: 128 });
   */
  backward(pass: GPUComputePassEncoder, buffers: BackwardBuffers, { rows }: BatchShape = NO_BATCH): void {
    this.#check('BatchNorm.backward', pass, buffers, rows, 'train');
    this.#operations.get('backward')!.record(pass, buffers, rows);
  }

  /**
   * Records the backward pass of `infer`: the running statistics are constants, no gradient flows through them.
   *
   *     dbeta = Σ dy        dgamma = Σ dy · xHat        dx = gamma · invStd · dy
   *
   * Nothing runs until the caller submits; the arguments are checked now. Three dispatches, one where
   * the options have neither gamma nor beta.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - f32, owned by the caller, sizes in elements:
   *   reads `x` and `dy` rows·channels, `gamma` (if the options have it), `runningMean` and `runningVar` channels;
   *   writes `dx` rows·channels, `dgamma` and `dbeta` channels (exactly those the options have).
   * @throws as `forward`.
   * @example bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, { rows: 128 });
   */
  backwardFrozen(pass: GPUComputePassEncoder, buffers: FrozenBuffers, { rows }: BatchShape = NO_BATCH): void {
    this.#check('BatchNorm.backwardFrozen', pass, buffers, rows, 'frozen');
    this.#operations.get('backwardFrozen')!.record(pass, buffers, rows);
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
  infer(pass: GPUComputePassEncoder, buffers: InferBuffers, { rows }: BatchShape = NO_BATCH): void {
    this.#check('BatchNorm.infer', pass, buffers, rows, 'infer');
    this.#operations.get('infer')!.record(pass, buffers, rows);
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
      usage: 0x80 | 0x04, // STORAGE | COPY_SRC
    });
  }

  /** Frees the plans' scratch. Work recorded but not yet submitted becomes invalid; the device and the caller's buffers stay. */
  destroy(): void {
    this.#destroyed = true;
    for (const operation of this.#operations.values()) operation.destroy();
  }

  #check(call: string, pass: GPUComputePassEncoder, buffers: object, rows: number, mode: Mode): void {
    this.#checkAlive(call);
    if (typeof pass?.dispatchWorkgroups !== 'function') {
      throw new TypeError(`${call}: "pass" is ${describe(pass)}, needs an open GPUComputePassEncoder. Begin one on a command encoder.`);
    }
    if (typeof buffers !== 'object' || buffers === null) {
      throw new TypeError(`${call}: "buffers" is ${describe(buffers)}, needs an object of GPU buffers.`);
    }
    checkShape(call, { rows, channels: this.channels });
    if (!this.#operations.has(OPERATION_OF_MODE[mode])) {
      throw new Error(`${call}: "modes" was given without '${mode}', needs it. Add it to the options of createBatchNorm.`);
    }
  }

  #checkAlive(call: string): void {
    if (this.#destroyed) throw new Error(`${call}: this batch norm was destroyed. Create a new one.`);
    checkLoss(call, this.#loss);
  }

  #report(error: Error): void {
    if (this.#destroyed) return;
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
  steps: { kernel: KernelName; grid: Step['grid'] }[];
  scratch: Recipe['scratch'];
}

function recipesOf({ channels, gamma, beta }: Settings, modes: readonly Mode[]): Draft[] {
  const affine: BufferName[] = [...(gamma ? ['gamma' as const] : []), ...(beta ? ['beta' as const] : [])];
  const gradients: BufferName[] = [...(gamma ? ['dgamma' as const] : []), ...(beta ? ['dbeta' as const] : [])];
  const scale: BufferName[] = gamma ? ['gamma'] : [];
  const moments = { name: 'partials', bytes: (p) => p.momentsBytes } as const satisfies Recipe['scratch'][number];
  const sums = { name: 'partials', bytes: (p) => p.gradientBytes } as const satisfies Recipe['scratch'][number];
  const drafts: Draft[] = [];
  if (modes.includes('train')) {
    const steps: Draft['steps'] = [
      { kernel: 'moments_partial', grid: 'reduce' },
      { kernel: 'moments_finish', grid: 'finish' },
      { kernel: 'normalize', grid: 'apply' },
    ];
    const forward = { call: 'BatchNorm.forward', reads: ['x', ...affine] as BufferName[], steps, scratch: [moments] };
    drafts.push(
      { ...forward, operation: 'forward', writes: ['y', 'saved', 'runningMean', 'runningVar'] },
      { ...forward, operation: 'forwardUntracked', writes: ['y', 'saved'] },
      {
        operation: 'backward',
        call: 'BatchNorm.backward',
        reads: ['x', 'dy', ...scale, 'saved'],
        writes: ['dx', ...gradients],
        steps: [
          { kernel: 'gradient_partial', grid: 'reduce' },
          { kernel: 'gradient_finish', grid: 'finish' },
          { kernel: 'gradient_input', grid: 'apply' },
        ],
        scratch: [sums, { name: 'coefficients', bytes: () => COEFFICIENT_PLANES * channels * 4 }],
      },
    );
  }
  if (modes.includes('infer')) {
    drafts.push({
      operation: 'infer',
      call: 'BatchNorm.infer',
      reads: ['x', ...affine, 'runningMean', 'runningVar'],
      writes: ['y'],
      steps: [{ kernel: 'infer', grid: 'apply' }],
      scratch: [],
    });
  }
  if (modes.includes('frozen')) {
    const input = { kernel: 'gradient_input_frozen', grid: 'apply' } as const;
    drafts.push({
      operation: 'backwardFrozen',
      call: 'BatchNorm.backwardFrozen',
      reads: ['x', 'dy', ...scale, 'runningMean', 'runningVar'],
      writes: ['dx', ...gradients],
      steps: gradients.length === 0 ? [input] : [
        { kernel: 'gradient_partial_frozen', grid: 'reduce' },
        { kernel: 'gradient_finish_frozen', grid: 'finish' },
        input,
      ],
      scratch: gradients.length === 0 ? [] : [sums],
    });
  }
  return drafts;
}

const OPTIONAL: readonly BufferName[] = ['gamma', 'beta', 'dgamma', 'dbeta', 'runningMean', 'runningVar'];

async function compileRecipe(device: GPUDevice, draft: Draft, settings: Settings): Promise<Recipe & { operation: OperationName }> {
  const { channels, adapterClass } = settings;
  const tile = planTile(channels, adapterClass, device.limits);
  const present = [...draft.reads, ...draft.writes];
  const absent = OPTIONAL.filter((name) => !present.includes(name));
  const steps = await Promise.all(
    draft.steps.map(async ({ kernel, grid }): Promise<Step> => {
      const variant: Variant = { kernel, absent, tile };
      return { variant, grid, pipeline: await pipelineOf(device, variant) };
    }),
  );
  return {
    operation: draft.operation,
    call: draft.call,
    slots: [...draft.reads.map((name) => slot(name, 'read', channels)), ...draft.writes.map((name) => slot(name, 'write', channels))],
    steps,
    scratch: draft.scratch,
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
