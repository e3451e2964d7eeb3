import { COPY_DST, COPY_SRC, STORAGE } from '../core/gpuFlags.js';
import { type DeviceLimits, MAX_PARTS, type Mode, checkFlag, checkNames, checkUnbiased } from '../core/options.js';
import { savedBytes } from '../core/saved.js';
import { type BatchShape, type Geometry, checkCount, describe, geometryOf } from '../core/shape.js';
import { GRADIENT_PLANES, MOMENTS_PLANES, plan, planMerge } from '../plan/plan.js';
import { type Variant, variantKey } from '../shader/kernels.js';
import { compileAhead } from '../shader/pipelines.js';
import type {
  BackwardBuffers, BatchNormKernels, CallName, ForwardBuffers, FrozenBuffers, GradientInputBuffers, GradientOptions, GradientSumsBuffers, InferBuffers,
  MergeBuffers, MomentsBuffers, NormalizeBuffers, PartOptions, PartsOptions, PreparedShape, RunningBuffers,
} from './calls.js';
import { type Loss, checkLoss } from './loss.js';
import { type Buffers, type CallOptions, Operation, type Planner } from './operation.js';
import { type KernelSettings, type ResolvedOperation, OPERATIONS, type OperationName } from './operations.js';

/** What `createBatchNorm` makes: the calls of `BatchNormKernels`, whatever the options. */
export class Kernels implements BatchNormKernels {
  readonly device: GPUDevice;
  readonly channels: number;
  onError: ((error: Error) => void) | null;
  readonly #settings: KernelSettings;
  readonly #loss: Loss;
  readonly #operations = new Map<OperationName, Operation>();
  #disposed = false;

  /** @internal */
  constructor(
    device: GPUDevice,
    settings: KernelSettings,
    limits: DeviceLimits,
    operations: readonly ResolvedOperation[],
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
    for (const resolved of operations) this.#operations.set(resolved.operation, new Operation(device, resolved, planFor, limits, report));
  }

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

  forward(pass: GPUComputePassEncoder, buffers: ForwardBuffers, shape: BatchShape): void {
    const call = 'BatchNormKernels.forward';
    const geometry = this.#check(call, pass, buffers, shape, 'train');
    const tracked = isTracked(buffers);
    const { mask, runningVariance } = this.#settings;
    if (tracked && mask === 'none') checkUnbiased(call, geometry.rows, runningVariance);
    this.#record(tracked ? 'forward' : 'forwardUntracked', pass, buffers, geometry);
  }

  backward(pass: GPUComputePassEncoder, buffers: BackwardBuffers, shape: BatchShape, options: GradientOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.backward';
    const geometry = this.#check(call, pass, buffers, shape, 'train');
    this.#record('backward', pass, buffers, geometry, accumulates(call, options));
  }

  backwardFrozen(pass: GPUComputePassEncoder, buffers: FrozenBuffers, shape: BatchShape, options: GradientOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.backwardFrozen';
    const geometry = this.#check(call, pass, buffers, shape, 'frozen');
    this.#record('backwardFrozen', pass, buffers, geometry, accumulates(call, options));
  }

  infer(pass: GPUComputePassEncoder, buffers: InferBuffers, shape: BatchShape): void {
    this.#record('infer', pass, buffers, this.#check('BatchNormKernels.infer', pass, buffers, shape, 'infer'));
  }

  moments(pass: GPUComputePassEncoder, buffers: MomentsBuffers, shape: BatchShape, options: PartOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.moments';
    const geometry = this.#check(call, pass, buffers, shape, 'phases');
    this.#record('moments', pass, buffers, geometry, ofPart(call, options));
  }

  merge(pass: GPUComputePassEncoder, buffers: MergeBuffers, options: PartsOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.merge';
    this.#checkCall(call, pass, buffers, 'phases');
    const { layout, channels } = this.#settings;
    const geometry: Geometry = { layout, batch: 1, channels, spatial: 1, rows: 1 }; // no tensor is bound
    this.#record(isTracked(buffers) ? 'merge' : 'mergeUntracked', pass, buffers, geometry, ofParts(call, options));
  }

  normalize(pass: GPUComputePassEncoder, buffers: NormalizeBuffers, shape: BatchShape): void {
    this.#record('normalize', pass, buffers, this.#check('BatchNormKernels.normalize', pass, buffers, shape, 'phases'));
  }

  gradientSums(pass: GPUComputePassEncoder, buffers: GradientSumsBuffers, shape: BatchShape, options: PartOptions = NO_OPTIONS): void {
    const call = 'BatchNormKernels.gradientSums';
    const geometry = this.#check(call, pass, buffers, shape, 'phases');
    this.#record('gradientSums', pass, buffers, geometry, ofPart(call, options));
  }

  gradientInput(
    pass: GPUComputePassEncoder, buffers: GradientInputBuffers, shape: BatchShape, options: GradientOptions & PartsOptions = NO_OPTIONS,
  ): void {
    const call = 'BatchNormKernels.gradientInput';
    const geometry = this.#check(call, pass, buffers, shape, 'phases');
    const { accumulate, ...parts } = options;
    this.#record('gradientInput', pass, buffers, geometry, { ...ofParts(call, parts), accumulate: accumulates(call, { accumulate }).accumulate });
  }

  createSaved(): GPUBuffer {
    return this.#create('createSaved', 'saved', savedBytes(this.channels));
  }

  createMoments(parts = 1): GPUBuffer {
    checkParts('BatchNormKernels.createMoments', 'parts', parts);
    return this.#create('createMoments', 'moments', parts * MOMENTS_PLANES * this.channels * 4);
  }

  createSums(parts = 1): GPUBuffer {
    checkParts('BatchNormKernels.createSums', 'parts', parts);
    return this.#create('createSums', 'sums', parts * GRADIENT_PLANES * this.channels * 4);
  }

  dispose(): void {
    this.#disposed = true;
    for (const operation of this.#operations.values()) operation.dispose();
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
    if (this.#disposed) throw new Error(`${call}: this batch norm was disposed. Create a new one.`);
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

const CALLS = Object.keys(OPERATIONS) as readonly CallName[];

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
