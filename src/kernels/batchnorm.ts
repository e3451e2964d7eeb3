import type { BufferView, TensorView } from '../core/buffers.js';
import { COPY_DST, COPY_SRC, STORAGE } from '../core/gpuFlags.js';
import {
  type CommonOptions, type DeviceLimits, LIMIT_NAMES, MAX_PARTS, type Mode, type Settings, checkFlag, checkModes, checkNames, checkUnbiased, resolveOptions,
  withoutOwnLimits,
} from '../core/options.js';
import { GRADIENT_PLANES, MOMENTS_PLANES, classOf, plan, planMerge } from '../plan/plan.js';
import { savedBytes } from '../core/saved.js';
import { type BatchShape, type Geometry, checkCount, describe, geometryOf } from '../core/shape.js';
import { type Loss, checkLoss, watchLoss } from './loss.js';
import { type Buffers, type CallOptions, Operation, type Planner } from './operation.js';
import { compileAhead } from '../shader/pipelines.js';
import { type Draft, type KernelSettings, type OperationName, draftsOf, variantOf } from './recipes.js';
import { type Variant, bindingsOf, variantKey } from '../shader/kernels.js';

/** Options of `createBatchNorm`. */
export interface BatchNormOptions extends CommonOptions {
  /**
   * What will be called: `'train'` forward and backward, `'infer'` infer, `'frozen'` backwardFrozen, `'phases'` moments,
   * merge, normalize, gradientSums and gradientInput. Default the first three.
   */
  modes?: readonly Mode[];
  /**
   * What is compiled now, while JavaScript runs on. A call that none of these is compiles what it needs at once, which stops the
   * thread for as long as that takes. Default none; `prepare` does the same later.
   */
  shapes?: readonly PreparedShape[];
}

/** The calls of `BatchNormKernels`. */
export type CallName = 'forward' | 'backward' | 'backwardFrozen' | 'infer' | 'moments' | 'merge' | 'normalize' | 'gradientSums' | 'gradientInput';

/** What decides, beside the options, which pipelines calls need: their shape, as they say it, and what they are given. */
export type PreparedShape = BatchShape & {
  /** Which calls will have it. Default all of the modes. */
  calls?: readonly CallName[];
  /** Whether `forward` and `merge` will be given running statistics. Default true. */
  running?: boolean;
  /** Whether y will stand over x, and dx over dy, where a call and the options allow it. Default false. */
  inPlace?: boolean;
};

/** Which rows count, for kernels created with `mask`. */
export interface RowBuffers {
  /** With `mask: 'rows'`: rows u32, 0 where a row does not count, else where it does, in (batch, spatial) order. */
  mask?: BufferView;
  /** With `mask: 'count'`: one u32, the rows from the first on that count; all where it is more than there are. */
  validRows?: BufferView;
}

/** Where statistics are kept from batch to batch: all of them given, or none. */
export interface RunningBuffers {
  runningMean?: BufferView;
  runningVar?: BufferView;
  /** With `momentum: 'cumulative'`: channels u32, each the count of batches so far. */
  batches?: BufferView;
}

export interface ForwardBuffers extends RowBuffers, RunningBuffers {
  x: TensorView;
  residual?: TensorView;
  gamma?: BufferView;
  beta?: BufferView;
  y: TensorView;
  saved: BufferView;
}

export interface BackwardBuffers extends RowBuffers {
  x: TensorView;
  dy: TensorView;
  residual?: TensorView;
  gamma?: BufferView;
  beta?: BufferView;
  saved: BufferView;
  dx: TensorView;
  dresidual?: TensorView;
  dgamma?: BufferView;
  dbeta?: BufferView;
}

export interface FrozenBuffers extends Omit<BackwardBuffers, 'saved'> {
  runningMean: BufferView;
  runningVar: BufferView;
}

export interface InferBuffers extends RowBuffers {
  x: TensorView;
  residual?: TensorView;
  gamma?: BufferView;
  beta?: BufferView;
  runningMean: BufferView;
  runningVar: BufferView;
  y: TensorView;
}

export interface MomentsBuffers extends RowBuffers {
  x: TensorView;
  moments: BufferView;
}

export interface MergeBuffers extends RunningBuffers {
  moments: BufferView;
  saved: BufferView;
}

export type NormalizeBuffers = Omit<ForwardBuffers, keyof RunningBuffers>;

export interface GradientSumsBuffers extends Omit<BackwardBuffers, 'dx' | 'dresidual' | 'dgamma' | 'dbeta'> {
  sums: BufferView;
}

export interface GradientInputBuffers extends BackwardBuffers {
  sums: BufferView;
}

/** Of a backward call. */
export interface GradientOptions {
  /** Adds to what dgamma and dbeta hold instead of replacing it; dx is this batch's own all the same. Default false. */
  accumulate?: boolean;
}

/** Which of several parts a call makes. */
export interface PartOptions {
  /** Index of the part that is written. Default 0. */
  part?: number;
}

/** How many parts a call takes together. */
export interface PartsOptions {
  /** Default 1. */
  parts?: number;
}

/**
 * Creates the batch norm kernels for a number of channels, and compiles those that `shapes` need; calls then only record.
 *
 * What is compiled is compiled once per device, whoever asks. The device stays the caller's: it is never destroyed here, and
 * nothing is submitted or read back.
 *
 * @throws {TypeError} an option is of the wrong kind, unknown, or `device` is no GPUDevice.
 * @throws {RangeError} an option has a value that cannot be computed with.
 * @throws {Error} a kernel that `shapes` need did not compile, or the device is lost.
 * @example const bn = await createBatchNorm(device, { channels: 256, modes: ['train', 'infer'], shapes: [{ rows: 128 }] });
 */
export async function createBatchNorm(device: GPUDevice, options: BatchNormOptions): Promise<BatchNormKernels> {
  const call = 'createBatchNorm';
  if (typeof device?.createComputePipelineAsync !== 'function') {
    throw new TypeError(`${call}: "device" is ${describe(device)}, needs a GPUDevice. Request one from an adapter.`);
  }
  const settings = resolveOptions(call, withoutOwnLimits(options, device), ['modes', 'shapes']);
  const { modes = ['train', 'infer', 'frozen'], shapes = [] } = options;
  checkModes(call, modes);
  return createKernels(call, device, settings, modes, shapes);
}

/** `createBatchNorm` of checked options, in the name of `call`. */
export async function createKernels(
  call: string, device: GPUDevice, settings: Settings, modes: readonly Mode[], shapes: readonly PreparedShape[],
): Promise<BatchNormKernels> {
  const limits = limitsOf(call, device.limits, settings.limits);
  const kernelSettings: KernelSettings = { ...settings, adapterClass: settings.adapterClass ?? classOf(device.adapterInfo) };
  const loss = watchLoss(device);
  await Promise.resolve(); // a device lost before now says so only then
  checkLoss(call, loss);
  const drafts = draftsOf(kernelSettings, modes, limits.maxStorageBuffersPerShaderStage);
  checkBindings(call, drafts, kernelSettings, limits.maxStorageBuffersPerShaderStage, settings.limits !== undefined);
  const kernels = new BatchNormKernels(device, kernelSettings, limits, drafts, loss);
  await kernels.compile(call, shapes);
  return kernels;
}

/** The device's limits, or lower ones. */
function limitsOf(call: string, device: DeviceLimits, given: Partial<DeviceLimits> | undefined): DeviceLimits {
  if (given === undefined || given === device) return device;
  const limits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, device[name]])) as Record<(typeof LIMIT_NAMES)[number], number>;
  for (const name of LIMIT_NAMES) {
    const value = given[name];
    if (value === undefined) continue;
    const alignment = name === 'minStorageBufferOffsetAlignment';
    if (alignment ? value < device[name] : value > device[name]) {
      throw new RangeError(
        `${call}: "limits.${name}" is ${value}, needs at ${alignment ? 'least' : 'most'} ${device[name]} (the device's). Leave it out to have that.`,
      );
    }
    limits[name] = value;
  }
  if (limits.maxStorageBufferBindingSize < LEAST_BINDING) {
    throw new RangeError(`${call}: "limits.maxStorageBufferBindingSize" is ${limits.maxStorageBufferBindingSize}, needs at least ${LEAST_BINDING}.`);
  }
  return limits;
}

/** Throws where a kernel that no other can stand in for binds more buffers than a stage may. */
function checkBindings(call: string, drafts: readonly Draft[], settings: KernelSettings, most: number, given: boolean): void {
  const tile = { width: 1, across: 'channels', groupSize: 1, grouped: true, registers: false, unrolled: false } as const;
  let [needed, needs] = [0, ''];
  for (const draft of drafts) {
    for (const step of [...draft.split, ...(draft.onePart ?? [])]) {
      const bound = bindingsOf(variantOf(draft, settings, step, tile, false)).length;
      if (bound > needed) [needed, needs] = [bound, step.kernel];
    }
  }
  if (needed <= most) return;
  throw new RangeError(
    `${call}: "${given ? 'limits' : 'device.limits'}.maxStorageBuffersPerShaderStage" is ${most}, needs at least ${needed} ` +
      `(${needs} binds them with these options). ${given ? 'Leave it out' : 'Request the device with a higher limit'}, or go without what needs it.`,
  );
}

/** Bytes below which no window is worth its dispatch. */
const LEAST_BINDING = 4096;

/** Batch norm kernels on one device for one number of channels. Made by `createBatchNorm`. */
export class BatchNormKernels {
  readonly device: GPUDevice;
  readonly channels: number;
  /** Receives what WebGPU reports only after a call has returned: a buffer of another device, memory that ran out. */
  onError: ((error: Error) => void) | null;
  readonly #settings: KernelSettings;
  readonly #loss: Loss;
  readonly #operations = new Map<OperationName, Operation>();
  #destroyed = false;

  /** @internal */
  constructor(
    device: GPUDevice,
    settings: KernelSettings,
    limits: DeviceLimits,
    drafts: readonly Draft[],
    loss: Loss,
  ) {
    this.device = device;
    this.channels = settings.channels;
    this.onError = settings.onError ?? null;
    this.#settings = settings;
    this.#loss = loss;
    const { adapterClass, plan: kind, storage, channels, layout } = settings;
    const planFor: Planner = (geometry, choice, parts, call) => {
      const made = plan(geometry, settings, { adapterClass, kind, storage, ...choice }, limits, call);
      return parts === 0 ? made : { ...made, finalize: planMerge({ layout, channels }, parts, settings, { adapterClass, ...choice }, limits, call) };
    };
    const report = (error: Error) => this.#report(error);
    for (const draft of drafts) this.#operations.set(draft.operation, new Operation(device, { ...draft, settings }, planFor, limits, report));
  }

  /**
   * Compiles what calls of these shapes will need, all of it side by side, while JavaScript runs on.
   *
   * For tensors in one buffer each: what those in several need besides is compiled at their first call.
   *
   * @param shapes - each as a call says it, with which calls, and what they are given: `{ rows: 128, calls: ['infer'], inPlace: true }`.
   * @throws {TypeError} {RangeError} a shape is not as a call needs it; then nothing is compiled.
   * @throws {Error} a kernel did not compile: calls of that shape throw the same; the device is lost, or this object destroyed.
   * @example await bn.prepare({ rows: 128 }, { rows: 100, calls: ['infer'] });
   */
  async prepare(...shapes: PreparedShape[]): Promise<void> {
    await this.compile('BatchNorm.prepare', shapes);
  }

  /** @internal `prepare`, in the name of `call`. */
  async compile(call: string, shapes: readonly PreparedShape[]): Promise<void> {
    this.#checkAlive(call);
    if (!Array.isArray(shapes)) throw new TypeError(`${call}: "shapes" is ${describe(shapes)}, needs an array such as [{ rows: 128 }].`);
    const variants = new Map(shapes.flatMap((shape) => this.#variantsOf(call, shape)).map((variant) => [variantKey(variant), variant]));
    const results = await Promise.allSettled([...variants.values()].map((variant) => compileAhead(this.device, variant)));
    this.#checkAlive(call); // the clearer reason
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  #variantsOf(call: string, given: PreparedShape): Variant[] {
    if (typeof given !== 'object' || given === null) throw new TypeError(`${call}: "shapes" holds ${describe(given)}, needs a shape such as { rows: 128 }.`);
    const { calls = CALLS.filter((name) => this.#operations.has(name)), running = true, inPlace = false, ...shape } = given;
    checkFlag(call, 'running', running);
    checkFlag(call, 'inPlace', inPlace);
    if (inPlace && !this.#settings.inPlace) {
      throw new RangeError(`${call}: "inPlace" is true, needs false (the options have no inPlace). Add it to those of createBatchNorm.`);
    }
    if (!Array.isArray(calls)) throw new TypeError(`${call}: "calls" is ${describe(calls)}, needs an array of ${CALLS.join(', ')}.`);
    const geometry = geometryOf(call, this.#settings.layout, this.channels, shape as BatchShape);
    return calls.flatMap((name: CallName) => {
      if (!CALLS.includes(name)) throw new RangeError(`${call}: "calls" holds ${describe(name)}, needs ${CALLS.join(', ')}.`);
      const operation = this.#operations.get(!running && (name === 'forward' || name === 'merge') ? `${name}Untracked` : name);
      if (!operation) throw new RangeError(`${call}: "calls" holds "${name}", which the modes have not. Add its mode to the options of createBatchNorm.`);
      return operation.variants(geometry, inPlace);
    });
  }

  /**
   * Records the training-mode forward pass.
   *
   *     y = gamma · (x − mean) · invStd + beta        invStd = 1 / √(variance + eps)
   *
   * The batch mean and variance pool all rows of one channel; `variance` is biased (÷ rows). The residual is added and
   * the ReLU taken after that, in the same pass; y is rounded to its storage once.
   * Ioffe & Szegedy 2015, Algorithm 1 — https://arxiv.org/abs/1502.03167
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch where a workgroup can own
   * all rows of its channels and the device binds buffers enough, else three (more where a tensor is larger than a
   * binding); the pass is left open with this library's pipeline and bind group 0 set.
   *
   * @param pass - open compute pass.
   * @param buffers - owned by the caller, sizes in elements, exactly those the options have:
   *   reads `x` and `residual` rows·channels (in the storage of the options, others f32), `gamma` and `beta` channels, and
   *   `mask` rows u32 or `validRows` one u32: rows that do not count have y = 0 and may hold anything;
   *   writes `y` rows·channels, and `saved` 6·channels words (from `createSaved()`; keep it for `backward`);
   *   updates `runningMean` and `runningVar`, channels each, and `batches`, when all are given.
   *   A tensor may come as several buffers in a row, each but the last a multiple of 256 bytes.
   * @param shape - `{ rows }`; channels-first `{ batch, spatial }`; either `{ shape }`, the tensor's own.
   * @throws {RangeError} a buffer is smaller than its size above, misplaced, or larger than the device binds;
   *   the shape cannot be computed with; one row where an unbiased running variance is updated; a forced plan
   *   cannot take the shape.
   * @throws {TypeError} a buffer is missing, not wanted, lacks STORAGE usage, or is read and written at once.
   * @throws {Error} the device is lost, or this object destroyed.
   * @example bn.forward(pass, { x, gamma, beta, y, saved }, { rows: 128 });
   */
  forward(pass: GPUComputePassEncoder, buffers: ForwardBuffers, shape: BatchShape): void {
    const call = 'BatchNormKernels.forward';
    const geometry = this.#check(call, pass, buffers, shape, 'train');
    const tracked = isTracked(buffers);
    const { mask, runningVariance } = this.#settings;
    if (tracked && mask === 'none') checkUnbiased(call, geometry.rows, runningVariance);
    this.#record(tracked ? 'forward' : 'forwardUntracked', pass, buffers, geometry);
  }

  /**
   * Records the closed-form backward pass of the last `forward` with the same `x` and `saved`.
   *
   *     dz    = f′(z) · dy behind an activation f of z = gamma · xHat + beta (+ residual); else dy
   *     dbeta = Σ dz        dgamma = Σ dz · xHat        dresidual = dz
   *     dx    = gamma · invStd · (dz − dbeta/rows − xHat · dgamma/rows)
   *
   * Ioffe & Szegedy 2015, section 3, simplified — https://arxiv.org/abs/1502.03167
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch or three, as `forward`.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - owned by the caller, sizes in elements, exactly those the options have:
   *   reads `x` and `dy` rows·channels, `gamma` channels, `saved` as `forward` left it, `mask` or `validRows` as there;
   *   behind an activation also `beta` and `residual` as there;
   *   writes `dx` rows·channels, `dgamma` and `dbeta` channels; with a residual also, behind an activation
   *   or where rows are masked, `dresidual` rows·channels, 0 in masked rows. Else that is dy.
   *   With `inPlace`, `dx` may be exactly `dy`.
   * @throws as `forward`.
   * @example bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, { rows: 128 });
   */
  backward(pass: GPUComputePassEncoder, buffers: BackwardBuffers, shape: BatchShape, options: GradientOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.backward';
    const geometry = this.#check(call, pass, buffers, shape, 'train');
    this.#record('backward', pass, buffers, geometry, accumulates(call, options));
  }

  /**
   * Records the backward pass of `infer`: the running statistics are constants, no gradient flows through them.
   *
   *     dbeta = Σ dz        dgamma = Σ dz · xHat        dx = gamma · invStd · dz        (dz as in `backward`)
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch or three, as `forward`; four where
   * the three would need nine buffers (mask, residual, activation, gamma and beta together); one where the options have neither
   * gamma nor beta.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - as `backward`, with `runningMean` and `runningVar`, channels f32 each, in the place of `saved`.
   * @throws as `forward`.
   * @example bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, { rows: 128 });
   */
  backwardFrozen(pass: GPUComputePassEncoder, buffers: FrozenBuffers, shape: BatchShape, options: GradientOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.backwardFrozen';
    const geometry = this.#check(call, pass, buffers, shape, 'frozen');
    this.#record('backwardFrozen', pass, buffers, geometry, accumulates(call, options));
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
   * @param buffers - owned by the caller, sizes in elements, exactly those the options have:
   *   reads `x` and `residual` rows·channels, `gamma`, `beta`, `runningMean`, `runningVar` channels, `mask` or `validRows`;
   *   writes `y` rows·channels. With `inPlace`, `y` may be exactly `x`.
   * @throws as `forward`.
   * @example bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, { rows: 1 });
   */
  infer(pass: GPUComputePassEncoder, buffers: InferBuffers, shape: BatchShape): void {
    this.#record('infer', pass, buffers, this.#check('BatchNormKernels.infer', pass, buffers, shape, 'infer'));
  }

  /**
   * Records the first phase of a forward in parts: one part's moments.
   *
   *     count, mean = Σ x / count, m2 = Σ (x − mean)²
   *
   * Parts may be micro-batches, workers' shares of a batch, of unequal size or without a row that counts. Chan, Golub &
   * LeVeque 1983.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads `x` rows·channels, and `mask` or `validRows`; writes block `part` of `moments` (from
   *   `createMoments(parts)`): [parts, 4, channels] words: count (u32), mean, meanLow, m2 (f32).
   * @throws as `forward`.
   * @example bn.moments(pass, { x, moments }, { rows: 64 }, { part: 1 });
   */
  moments(pass: GPUComputePassEncoder, buffers: MomentsBuffers, shape: BatchShape, options: PartOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.moments';
    const geometry = this.#check(call, pass, buffers, shape, 'phases');
    this.#record('moments', pass, buffers, geometry, ofPart(call, options));
  }

  /**
   * Records the second phase: all parts' moments to the statistics of the whole.
   *
   *     delta = b.mean − a.mean        mean = a.mean + delta · b.count / count
   *     m2    = a.m2 + b.m2 + delta² · a.count · b.count / count
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads `parts` blocks of `moments`; writes `saved`, as `forward` does; updates `runningMean`,
   *   `runningVar` and `batches` when given.
   * @throws as `forward`.
   * @example bn.merge(pass, { moments, saved, runningMean, runningVar }, { parts: 2 });
   */
  merge(pass: GPUComputePassEncoder, buffers: MergeBuffers, options: PartsOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.merge';
    this.#checkCall(call, pass, buffers, 'phases');
    const { layout, channels } = this.#settings;
    const geometry: Geometry = { layout, batch: 1, channels, spatial: 1, rows: 1 }; // no tensor is bound
    this.#record(isTracked(buffers) ? 'merge' : 'mergeUntracked', pass, buffers, geometry, ofParts(call, options));
  }

  /**
   * Records the last phase of a forward: y from a part's x and the statistics of the whole.
   *
   * @param buffers - as `forward`, where `saved` is read and was written by `merge`. With `inPlace`, `y` may be exactly `x`.
   * @throws as `forward`.
   * @example bn.normalize(pass, { x, saved, gamma, beta, y }, { rows: 64 });
   */
  normalize(pass: GPUComputePassEncoder, buffers: NormalizeBuffers, shape: BatchShape): void {
    this.#record('normalize', pass, buffers, this.#check('BatchNormKernels.normalize', pass, buffers, shape, 'phases'));
  }

  /**
   * Records the first phase of a backward in parts: one part's shares of dbeta and dgamma.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads as `backward`, `saved` being that of the whole; writes block `part` of `sums` (from
   *   `createSums(parts)`): [parts, 2, channels] f32: Σ dz, Σ dz · xHat. The sum of all parts' blocks is dbeta and dgamma.
   * @throws as `forward`.
   * @example bn.gradientSums(pass, { x, dy, gamma, saved, sums }, { rows: 64 }, { part: 1 });
   */
  gradientSums(pass: GPUComputePassEncoder, buffers: GradientSumsBuffers, shape: BatchShape, options: PartOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.gradientSums';
    const geometry = this.#check(call, pass, buffers, shape, 'phases');
    this.#record('gradientSums', pass, buffers, geometry, ofPart(call, options));
  }

  /**
   * Records the last phase of a backward: dgamma and dbeta of the whole, and a part's dx.
   *
   * The rows that dx divides by are those `merge` counted into `saved`. Each call has the whole batch's dgamma and dbeta, so of
   * several parts' calls at most one may accumulate them.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads as `backward`, and `parts` blocks of `sums`; writes `dx`, `dresidual`, `dgamma` and `dbeta` as
   *   there. With `inPlace`, `dx` may be exactly `dy`.
   * @throws as `forward`.
   * @example bn.gradientInput(pass, { x, dy, gamma, saved, sums, dx, dgamma, dbeta }, { rows: 64 }, { parts: 2 });
   */
  gradientInput(
    pass: GPUComputePassEncoder, buffers: GradientInputBuffers, shape: BatchShape, options: GradientOptions & PartsOptions = NO_OPTIONS,
  ): void {
    const call = 'BatchNormKernels.gradientInput';
    const geometry = this.#check(call, pass, buffers, shape, 'phases');
    const { accumulate, ...parts } = options;
    this.#record('gradientInput', pass, buffers, geometry, { ...ofParts(call, parts), accumulate: accumulates(call, { accumulate }).accumulate });
  }

  /**
   * Creates a `saved` buffer: 6·channels words, written by `forward`, read by `backward`, owned by the caller.
   * Its bytes, read back, are viewed by `savedViews`.
   */
  createSaved(): GPUBuffer {
    return this.#create('createSaved', 'saved', savedBytes(this.channels));
  }

  /** Creates a `moments` buffer of `parts` blocks of 4·channels words, owned by the caller; it may be copied to and from. */
  createMoments(parts = 1): GPUBuffer {
    checkParts('BatchNormKernels.createMoments', 'parts', parts);
    return this.#create('createMoments', 'moments', parts * MOMENTS_PLANES * this.channels * 4);
  }

  /** Creates a `sums` buffer of `parts` blocks of 2·channels f32, owned by the caller; it may be copied to and from. */
  createSums(parts = 1): GPUBuffer {
    checkParts('BatchNormKernels.createSums', 'parts', parts);
    return this.#create('createSums', 'sums', parts * GRADIENT_PLANES * this.channels * 4);
  }

  /** Frees the plans' scratch. Work recorded but not yet submitted becomes invalid; the device and the caller's buffers stay. */
  destroy(): void {
    this.#destroyed = true;
    for (const operation of this.#operations.values()) operation.destroy();
  }

  #create(name: string, role: string, size: number): GPUBuffer {
    this.#checkAlive(`BatchNormKernels.${name}`);
    return this.device.createBuffer({ label: `batchnorm/${role}`, size, usage: STORAGE | COPY_SRC | COPY_DST });
  }

  #record(operation: OperationName, pass: GPUComputePassEncoder, buffers: object, geometry: Geometry, options: CallOptions = PLAIN): void {
    this.#operations.get(operation)!.record(pass, buffers as Buffers, geometry, options);
  }

  #check(call: string, pass: GPUComputePassEncoder, buffers: object, shape: BatchShape, mode: Mode): Geometry {
    this.#checkCall(call, pass, buffers, mode);
    return geometryOf(call, this.#settings.layout, this.channels, shape);
  }

  #checkCall(call: string, pass: GPUComputePassEncoder, buffers: object, mode: Mode): void {
    this.#checkAlive(call);
    if (typeof pass?.dispatchWorkgroups !== 'function') {
      throw new TypeError(`${call}: "pass" is ${describe(pass)}, needs an open GPUComputePassEncoder. Begin one on a command encoder.`);
    }
    if (typeof buffers !== 'object' || buffers === null) {
      throw new TypeError(`${call}: "buffers" is ${describe(buffers)}, needs an object of GPU buffers.`);
    }
    if (!this.#operations.has(OPERATION_OF_MODE[mode])) {
      throw new Error(`${call}: "modes" was given without '${mode}', needs it. Add it to the options of createBatchNorm.`);
    }
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

const OPERATION_OF_MODE: Record<Mode, OperationName> = { train: 'forward', infer: 'infer', frozen: 'backwardFrozen', phases: 'moments' };

const CALLS: readonly CallName[] = ['forward', 'backward', 'infer', 'backwardFrozen', 'moments', 'merge', 'normalize', 'gradientSums', 'gradientInput'];

const NO_OPTIONS = Object.freeze({});
const PLAIN: CallOptions = Object.freeze({ accumulate: false, part: 0, parts: 0 });
const ACCUMULATE: CallOptions = Object.freeze({ accumulate: true, part: 0, parts: 0 });

const isTracked = ({ runningMean, runningVar, batches }: RunningBuffers): boolean => (runningMean ?? runningVar ?? batches) !== undefined;

function accumulates(call: string, options: GradientOptions): CallOptions {
  checkNames(call, options, ['accumulate']);
  const { accumulate = false } = options;
  checkFlag(call, 'accumulate', accumulate);
  return accumulate ? ACCUMULATE : PLAIN;
}

function ofPart(call: string, options: PartOptions): CallOptions {
  checkNames(call, options, ['part']);
  const { part = 0 } = options;
  if (!Number.isInteger(part) || part < 0 || part >= MAX_PARTS) {
    throw new RangeError(`${call}: "part" is ${describe(part)}, needs an integer from 0 to ${MAX_PARTS - 1}.`);
  }
  return part === 0 ? PLAIN : { ...PLAIN, part };
}

function ofParts(call: string, options: PartsOptions): CallOptions {
  checkNames(call, options, ['parts']);
  const { parts = 1 } = options;
  checkParts(call, 'parts', parts);
  return { ...PLAIN, parts };
}

function checkParts(call: string, name: string, parts: unknown): void {
  checkCount(call, name, parts);
  if ((parts as number) > MAX_PARTS) throw new RangeError(`${call}: "${name}" is ${parts}, needs at most ${MAX_PARTS}. Merge in steps.`);
}
