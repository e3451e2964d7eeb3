import type { Backend, Engine } from '../backend/backend.js';
import type { Tensor } from '../backend/tensor.js';
import { DEFAULTS, type Numbers, checkFlag, checkNames, checkNumbers, checkUnbiased } from '../plan/options.js';
import { SAVED_PLANES, type SavedViews, savedViews } from '../plan/saved.js';
import { type Geometry, type Layout, checkLayout, describe, geometryOfTensor } from '../plan/shape.js';
import { type BatchNormState, type LoadableState, type StateTensor, checkState } from './state.js';

/** Options of `BatchNorm.create`; eps, momentum and runningVariance are PyTorch's where left out (see `presets`). */
export interface LayerOptions extends Partial<Numbers> {
  channels: number;
  /** Where x has its channels: last axis (NC, NHWC, …), or second (NCL, NCHW, …). Default `'channelsLast'`. */
  layout?: Layout;
  /** Whether the layer learns a scale. Default true. */
  gamma?: boolean;
  /** Whether the layer learns a shift. Default true. */
  beta?: boolean;
  /** Whether running statistics are kept; without them there is no `eval()`. Default true. */
  trackRunning?: boolean;
  /** Receives what WebGPU reports only after a call has returned. Without one the error is rethrown outside any call. */
  onError?: (error: Error) => void;
}

/** Where a call writes and records. */
export interface CallOptions {
  /** Receives the result, shape of x. Default: a tensor the layer keeps and reuses in the next call of that shape. */
  out?: Tensor;
  /** An open compute pass to record into, GPU only; the caller submits. Default: submitted at once. */
  pass?: GPUComputePassEncoder;
}

const OPTION_NAMES = ['channels', 'layout', 'eps', 'momentum', 'runningVariance', 'gamma', 'beta', 'trackRunning', 'onError'];
const CALL_NAMES = ['out', 'pass'];
const OWN_TENSORS = ['gamma', 'beta', 'dgamma', 'dbeta', 'runningMean', 'runningVar'] as const;

/** Shapes whose results are kept for reuse; the one unused longest is freed. */
const MAX_SHAPES = 16;

/**
 * Batch normalization as a layer, with the same calls and answers on GPU and CPU.
 *
 *     y = gamma · (x − mean) / √(variance + eps) + beta
 *
 * In training the statistics are the batch's and move the running ones; in evaluation they are the running ones.
 * Ioffe & Szegedy 2015 — https://arxiv.org/abs/1502.03167
 */
export class BatchNorm {
  readonly backend: Backend;
  readonly channels: number;
  readonly layout: Layout;
  readonly numbers: Readonly<Numbers>;
  /** Learned scale and shift, channels elements each; null where the options go without. An optimiser may write them. */
  readonly gamma: Tensor | null;
  readonly beta: Tensor | null;
  /** Their gradients, written by `backward`. */
  readonly dgamma: Tensor | null;
  readonly dbeta: Tensor | null;
  /** What `eval()` normalizes with, channels elements each, 0 and 1 at first; null without `trackRunning`. */
  readonly runningMean: Tensor | null;
  readonly runningVar: Tensor | null;
  readonly #engine: Engine;
  readonly #saved: Tensor;
  readonly #results = { y: new Map<string, Tensor>(), dx: new Map<string, Tensor>() };
  /** Results that a pass of the caller's may still write. */
  readonly #recorded = new WeakSet<Tensor>();
  #training = true;
  #batches = 0;
  #last: { x: Tensor; training: boolean } | null = null;
  #saw = false;
  #disposed = false;

  private constructor(backend: Backend, engine: Engine, options: Required<Omit<LayerOptions, 'onError'>>) {
    const { channels, layout, gamma, beta, trackRunning, eps, momentum, runningVariance } = options;
    const ones = () => backend.tensor(new Float32Array(channels).fill(1), [channels]);
    const zeros = () => backend.empty([channels]);
    this.backend = backend;
    this.channels = channels;
    this.layout = layout;
    this.numbers = { eps, momentum, runningVariance };
    this.gamma = gamma ? ones() : null;
    this.beta = beta ? zeros() : null;
    this.dgamma = gamma ? zeros() : null;
    this.dbeta = beta ? zeros() : null;
    this.runningMean = trackRunning ? zeros() : null;
    this.runningVar = trackRunning ? ones() : null;
    this.#saved = backend.empty([SAVED_PLANES.length, channels]);
    this.#engine = engine;
  }

  /**
   * Creates a layer in training mode, with gamma 1 and beta 0.
   *
   * @throws {TypeError} {RangeError} an option is unknown, of the wrong kind, or cannot be computed with.
   * @throws {Error} the backend's device is lost, or a kernel did not compile.
   * @example const layer = await BatchNorm.create(backend, { channels: 256, ...presets.pytorch });
   */
  static async create(backend: Backend, options: LayerOptions): Promise<BatchNorm> {
    const call = 'BatchNorm.create';
    if (typeof backend?.engine !== 'function') {
      throw new TypeError(`${call}: "backend" is ${describe(backend)}, needs what openBackend() gave.`);
    }
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`${call}: "options" is ${describe(options)}, needs an object with at least channels.`);
    }
    checkNames(call, options, OPTION_NAMES);
    const { onError, layout = 'channelsLast', gamma = true, beta = true, trackRunning = true } = options;
    const { eps = DEFAULTS.eps, momentum = DEFAULTS.momentum, runningVariance = DEFAULTS.runningVariance } = options;
    const numbers = { channels: options.channels, eps, momentum, runningVariance };
    checkNumbers(call, numbers);
    checkFlag(call, 'gamma', gamma);
    checkFlag(call, 'beta', beta);
    checkFlag(call, 'trackRunning', trackRunning);
    checkLayout(call, layout);
    const engine = await backend.engine({ ...numbers, layout, gamma, beta, onError });
    return new BatchNorm(backend, engine, { ...numbers, layout, gamma, beta, trackRunning });
  }

  get training(): boolean {
    return this.#training;
  }

  /** Training batches the running statistics have seen. */
  get batches(): number {
    return this.#batches;
  }

  /** Normalizes with the batch's own statistics from now on. */
  train(): this {
    this.#training = true;
    return this;
  }

  /**
   * Normalizes with the running statistics from now on.
   *
   * @throws {Error} the layer keeps none.
   */
  eval(): this {
    if (!this.runningMean) {
      throw new Error('BatchNorm.eval: the layer has no running statistics, needs them. Create it with trackRunning: true.');
    }
    this.#training = false;
    return this;
  }

  /**
   * Computes y, and in training moves the running statistics.
   *
   * @param x - any shape of rank 2 or more with the channels where the layout has them; kept for `backward`, so it
   *   must hold its values until then.
   * @returns y, shape of x: `out`, or a tensor of the layer's that its next call of this shape overwrites
   *   and that is freed once 16 other shapes have come.
   * @throws {TypeError} {RangeError} `x` or `out` is no live tensor of this backend with a fitting shape; one
   *   row in training while an unbiased running variance is kept.
   * @throws {Error} the layer is disposed, or the device lost.
   */
  forward(x: Tensor, options: CallOptions = {}): Tensor {
    const call = 'BatchNorm.forward';
    const geometry = this.#check(call, 'x', x, options);
    if (this.#training && this.runningMean) checkUnbiased(call, geometry.rows, this.numbers.runningVariance);
    if (!options.out && this.#results.y.get(keyOf(x)) === x) {
      throw new TypeError(`${call}: "x" is this layer's own last result, which this call would overwrite, needs another tensor. Give "out".`);
    }
    const y = this.#target(call, 'y', x, options, { x });
    const { gamma, beta, runningMean, runningVar } = this;
    if (this.#training) {
      this.#engine.forward({ x, gamma, beta, y, saved: this.#saved, runningMean, runningVar }, geometry, options.pass);
      this.#saw = true;
      if (runningMean) this.#batches++;
    } else {
      this.#engine.infer({ x, gamma, beta, runningMean: runningMean!, runningVar: runningVar!, y }, geometry, options.pass);
    }
    this.#last = { x, training: this.#training };
    return y;
  }

  /**
   * Computes dx, dgamma and dbeta for the last `forward`, in the mode that one ran in.
   *
   * @param dy - gradient of the loss by y, shape of x.
   * @returns dx, shape of x: `out`, or a tensor of the layer's that its next call of this shape overwrites
   *   and that is freed once 16 other shapes have come.
   * @throws {TypeError} {RangeError} `dy` or `out` is no live tensor of this backend with the shape of x.
   * @throws {Error} there was no `forward`, its x was disposed, the layer is disposed, or the device lost.
   */
  backward(dy: Tensor, options: CallOptions = {}): Tensor {
    const call = 'BatchNorm.backward';
    const geometry = this.#check(call, 'dy', dy, options);
    const last = this.#last;
    if (!last) throw new Error(`${call}: there was no forward, needs one. Call forward(x) first.`);
    const { x } = last;
    if (x.disposed) throw new Error(`${call}: the x of the last forward was disposed, needs its values. Dispose it after backward.`);
    if (keyOf(dy) !== keyOf(x)) {
      throw new RangeError(`${call}: "dy" has shape [${keyOf(dy)}], needs [${keyOf(x)}] (that of x in the last forward).`);
    }
    const kept = options.out ? undefined : this.#results.dx.get(keyOf(dy));
    if (kept && (kept === dy || kept === x)) {
      throw new TypeError(`${call}: "${kept === dy ? 'dy' : 'x'}" is this layer's own last result, which this call would overwrite, needs another tensor. Give "out".`);
    }
    const dx = this.#target(call, 'dx', dy, options, { x, dy });
    const { gamma, dgamma, dbeta, runningMean, runningVar } = this;
    if (last.training) {
      this.#engine.backward({ x, dy, gamma, saved: this.#saved, dx, dgamma, dbeta }, geometry, options.pass);
    } else {
      this.#engine.backwardFrozen(
        { x, dy, gamma, runningMean: runningMean!, runningVar: runningVar!, dx, dgamma, dbeta }, geometry, options.pass,
      );
    }
    return dx;
  }

  /**
   * The statistics of the last batch in training: `mean + meanLow`, biased `variance`, `invStd`.
   *
   * @throws {Error} there was no training forward yet.
   */
  async statistics(): Promise<SavedViews> {
    this.#checkAlive('BatchNorm.statistics');
    if (!this.#saw) throw new Error('BatchNorm.statistics: there was no forward in training, needs one. Call forward(x) first.');
    const saved = await this.#saved.read();
    return savedViews(saved, this.channels);
  }

  /** A copy of what the layer has learned. */
  async state(): Promise<BatchNormState> {
    this.#checkAlive('BatchNorm.state');
    const batches = this.#batches;
    const entries = await Promise.all(this.#held().map(async (name) => [name, await this[name]!.read()] as const));
    return { ...Object.fromEntries(entries), ...(this.runningMean ? { batches } : {}) };
  }

  /**
   * Replaces what the layer has learned by what `state()` gave, here or elsewhere; JSON's arrays of numbers will do.
   *
   * @throws {TypeError} {RangeError} an entry is missing, not this layer's, of the wrong length, or not finite;
   *   then nothing has changed.
   */
  load(state: LoadableState): void {
    const call = 'BatchNorm.load';
    this.#checkAlive(call);
    checkState(call, state, this.#held(), this.runningMean !== null, this.channels);
    for (const name of this.#held()) this[name]!.write(state[name]!);
    this.#batches = state.batches ?? 0;
  }

  /** Frees the layer's tensors, its last results included; later calls throw. Work recorded but not submitted becomes invalid. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { gamma, beta, dgamma, dbeta, runningMean, runningVar } = this;
    const results = Object.values(this.#results).flatMap((map) => [...map.values()]);
    for (const tensor of [gamma, beta, dgamma, dbeta, runningMean, runningVar, this.#saved, ...results]) tensor?.dispose();
    this.#engine.destroy();
  }

  #held(): StateTensor[] {
    return (['gamma', 'beta', 'runningMean', 'runningVar'] as const).filter((name) => this[name]);
  }

  #checkAlive(call: string): void {
    if (this.#disposed) throw new Error(`${call}: the layer was disposed. Create a new one.`);
    this.backend.check(call);
  }

  /** How the library sees a tensor argument. */
  #check(call: string, name: string, tensor: Tensor, options: CallOptions): Geometry {
    this.#checkAlive(call);
    checkNames(call, options, CALL_NAMES);
    this.#checkTensor(call, name, tensor);
    for (const own of OWN_TENSORS) {
      if (this[own]?.disposed) throw new Error(`${call}: the layer's own "${own}" was disposed, needs it alive. Dispose the layer instead.`);
    }
    if (options.pass && this.backend.kind === 'cpu') {
      throw new TypeError(`${call}: "pass" is given, needs none (the backend is the CPU). Leave it out.`);
    }
    return geometryOfTensor(call, name, this.layout, this.channels, tensor.shape);
  }

  #checkTensor(call: string, name: string, tensor: Tensor): void {
    if (typeof tensor?.read !== 'function') {
      throw new TypeError(`${call}: "${name}" is ${describe(tensor)}, needs a tensor. Make one by backend.tensor(data, shape).`);
    }
    if (tensor.backend !== this.backend) {
      throw new TypeError(`${call}: "${name}" is on another backend (${tensor.backend.kind}), needs the layer's (${this.backend.kind}). Make it there.`);
    }
    if (tensor.disposed) throw new TypeError(`${call}: "${name}" was disposed, needs a live tensor. Dispose it after its last use.`);
  }

  /** Where the result goes: `out`, checked, or the tensor kept for this shape. */
  #target(call: string, result: 'y' | 'dx', like: Tensor, options: CallOptions, inputs: Record<string, Tensor>): Tensor {
    const { out } = options;
    if (out !== undefined) {
      this.#checkTensor(call, 'out', out);
      if (keyOf(out) !== keyOf(like)) {
        throw new RangeError(`${call}: "out" has shape [${keyOf(out)}], needs [${keyOf(like)}]. Create it with that shape.`);
      }
      const { gamma, beta, dgamma, dbeta, runningMean, runningVar } = this;
      for (const [name, tensor] of Object.entries({ ...inputs, gamma, beta, dgamma, dbeta, runningMean, runningVar })) {
        if (tensor === out) throw new TypeError(`${call}: "out" is also "${name}", needs another tensor (WebGPU forbids reading and writing one buffer in a dispatch).`);
      }
      return out;
    }
    const kept = this.#results[result];
    const key = keyOf(like);
    let target = kept.get(key);
    if (target && !target.disposed) {
      kept.delete(key); // to the end: last used
    } else {
      target = this.backend.empty(like.shape);
      if (kept.size >= MAX_SHAPES) {
        const [oldest, result] = kept.entries().next().value!;
        kept.delete(oldest);
        if (!this.#recorded.has(result)) result.dispose(); // else an unsubmitted pass may still write it
      }
    }
    kept.set(key, target);
    if (options.pass) this.#recorded.add(target);
    return target;
  }
}

const keyOf = (tensor: Tensor): string => tensor.shape.join(', ');
