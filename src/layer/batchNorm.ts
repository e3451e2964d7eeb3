import type { Backend, Engine } from '../backend/backend.js';
import type { Tensor, TensorStorage } from '../backend/tensor.js';
import { type Storage, checkStorage } from '../plan/half.js';
import {
  DEFAULTS, type Epilogue, type Numbers, type RowMask, checkEpilogue, checkFlag, checkNames, checkNumbers, checkRowMask, checkUnbiased, hasRelu, hasResidual,
} from '../plan/options.js';
import { SAVED_PLANES, type SavedViews, savedViews } from '../plan/saved.js';
import { type Geometry, type Layout, checkLayout, describe, geometryOfTensor } from '../plan/shape.js';
import { populationStatistics } from '../reference/population.js';
import type { Statistics } from '../reference/types.js';
import { type BatchNormState, type LoadableState, type StateTensor, checkState } from './state.js';

/** Options of `BatchNorm.create`; eps, momentum and runningVariance are PyTorch's where left out (see `presets`). */
export interface LayerOptions extends Partial<Numbers> {
  channels: number;
  /** Where x has its channels: last axis (NC, NHWC, …), or second (NCL, NCHW, …). Default `'channelsLast'`. */
  layout?: Layout;
  /** What x, y, dy, dx and the residual are rounded to, and x, dy and the residual have to be: f32, f16 or bf16. Default `'f32'`. */
  storage?: Storage;
  /** What follows gamma · xHat + beta in the same pass: `'relu'`, `'add'` a residual, or `'addRelu'` both. Default `'none'`. */
  epilogue?: Epilogue;
  /** Whether `forward` is told which rows count: `'rows'` by `mask`, `'count'` by `validRows`. Default `'none'`. */
  mask?: RowMask;
  /** Whether `out` may be x in evaluation, and dy in `backward`. Default false. */
  inPlace?: boolean;
  /** Whether `forwardSynchronized` and `backwardSynchronized` will be called. Default false. */
  synchronized?: boolean;
  /** Whether the layer learns a scale. Default true. */
  gamma?: boolean;
  /** Whether the layer learns a shift. Default true. */
  beta?: boolean;
  /**
   * Shapes of x that are compiled for now, for training and evaluation, while JavaScript runs on: [[128, 256]]. On a GPU the first call
   * of another stops the thread for as long as that takes. Default none.
   */
  shapes?: readonly (readonly number[])[];
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

/** What `forward` takes beside x; all of it is read again by `backward`. */
export interface ForwardOptions extends CallOptions {
  /** What is added, shape and storage of x; exactly where the epilogue has it. */
  residual?: Tensor;
  /** u32, one entry a row in (batch, spatial) order, 1 where it counts and 0 where not; exactly where the options have `mask: 'rows'`. */
  mask?: Tensor;
  /** u32, one entry: how many rows, from the first on, count; exactly where the options have `mask: 'count'`. */
  validRows?: Tensor;
}

export interface BackwardOptions extends CallOptions {
  /** Adds to dgamma and dbeta instead of replacing them. Default false. */
  accumulate?: boolean;
}

/** Gives one part's words to all others and resolves to every part's, in an order that is the same for all. */
export type Exchange = (part: Uint32Array) => Promise<readonly Uint32Array[]>;

const OPTION_NAMES = [
  'channels', 'layout', 'storage', 'epilogue', 'mask', 'inPlace', 'synchronized', 'eps', 'momentum', 'runningVariance', 'gamma', 'beta', 'trackRunning', 'shapes',
  'onError',
];
const FORWARD_NAMES = ['out', 'pass', 'residual', 'mask', 'validRows'];
const BACKWARD_NAMES = ['out', 'pass', 'accumulate'];
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
  readonly storage: Storage;
  readonly epilogue: Epilogue;
  readonly mask: RowMask;
  readonly #inPlace: boolean;
  readonly #synchronized: boolean;
  readonly #engine: Engine;
  readonly #saved: Tensor;
  /** With cumulative averaging the batches so far, channels times: the kernels count them. */
  readonly #counts: Tensor | null;
  readonly #results = { y: new Map<string, Tensor>(), dx: new Map<string, Tensor>(), dresidual: new Map<string, Tensor>() };
  /** Results that a pass of the caller's may still write. */
  readonly #recorded = new WeakSet<Tensor>();
  #training = true;
  #batches = 0;
  #last: Last | null = null;
  #dresidual: Tensor | null = null;
  #saw = false;
  #disposed = false;

  private constructor(backend: Backend, engine: Engine, options: Required<Omit<LayerOptions, 'onError' | 'shapes'>>) {
    const { channels, layout, gamma, beta, trackRunning, eps, momentum, runningVariance, storage, epilogue, mask } = options;
    const ones = () => backend.tensor(new Float32Array(channels).fill(1), [channels]);
    const zeros = () => backend.empty([channels]);
    this.backend = backend;
    this.channels = channels;
    this.layout = layout;
    this.storage = storage;
    this.epilogue = epilogue;
    this.mask = mask;
    this.#inPlace = options.inPlace;
    this.#synchronized = options.synchronized;
    this.numbers = { eps, momentum, runningVariance };
    this.gamma = gamma ? ones() : null;
    this.beta = beta ? zeros() : null;
    this.dgamma = gamma ? zeros() : null;
    this.dbeta = beta ? zeros() : null;
    this.runningMean = trackRunning ? zeros() : null;
    this.runningVar = trackRunning ? ones() : null;
    this.#saved = backend.empty([SAVED_PLANES.length, channels]);
    this.#counts = trackRunning && momentum === 'cumulative' ? zeros() : null;
    this.#engine = engine;
  }

  /**
   * Creates a layer in training mode, with gamma 1 and beta 0.
   *
   * @throws {TypeError} {RangeError} an option is unknown, of the wrong kind, or cannot be computed with.
   * @throws {Error} the backend's device is lost, or a kernel did not compile.
   * @example const layer = await BatchNorm.create(backend, { channels: 256, ...presets.pytorch, shapes: [[128, 256]] });
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
    const { storage = 'f32', epilogue = 'none', mask = 'none', inPlace = false, synchronized = false } = options;
    const { eps = DEFAULTS.eps, momentum = DEFAULTS.momentum, runningVariance = DEFAULTS.runningVariance } = options;
    const numbers = { channels: options.channels, eps, momentum, runningVariance };
    checkNumbers(call, numbers);
    checkFlag(call, 'gamma', gamma);
    checkFlag(call, 'beta', beta);
    checkFlag(call, 'trackRunning', trackRunning);
    checkLayout(call, layout);
    checkStorage(call, storage);
    checkEpilogue(call, epilogue);
    checkRowMask(call, mask);
    checkFlag(call, 'inPlace', inPlace);
    checkFlag(call, 'synchronized', synchronized);
    const kept = { ...numbers, layout, storage, epilogue, mask, inPlace, gamma, beta };
    const { shapes = [] } = options;
    if (!Array.isArray(shapes)) throw new TypeError(`${call}: "shapes" is ${describe(shapes)}, needs an array of shapes such as [[128, ${options.channels}]].`);
    const ahead = shapes.map((shape: readonly number[], i) => geometryOfTensor(call, `shapes[${i}]`, layout, options.channels, shape));
    const engine = await backend.engine({ ...kept, phases: synchronized, shapes: ahead, running: trackRunning, onError });
    return new BatchNorm(backend, engine, { ...kept, synchronized, trackRunning });
  }

  get training(): boolean {
    return this.#training;
  }

  /** Training batches the running statistics have seen; with cumulative averaging also those without a row that counts. */
  get batches(): number {
    return this.#batches;
  }

  /** The gradient by the residual that the last `backward` wrote; null where the epilogue is not `'addRelu'`: else it is dy. */
  get dresidual(): Tensor | null {
    return this.#dresidual;
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
   * @param x - any shape of rank 2 or more with the channels where the layout has them, in the layer's storage; kept for
   *   `backward`, as the residual and the mask are, so it must hold its values until then.
   * @returns y, shape of x: `out`, or a tensor of the layer's that its next call of this shape overwrites
   *   and that is freed once 16 other shapes have come.
   * @throws {TypeError} {RangeError} `x`, `out` or another tensor is no live tensor of this backend with a fitting shape
   *   and storage; one row in training while an unbiased running variance is kept.
   * @throws {Error} the layer is disposed, or the device lost.
   */
  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    const call = 'BatchNorm.forward';
    const geometry = this.#check(call, 'x', x, options, FORWARD_NAMES);
    const also = this.#checkForward(call, x, geometry, options);
    if (this.#training && this.runningMean && this.mask === 'none') checkUnbiased(call, geometry.rows, this.numbers.runningVariance);
    const over = this.#inPlace && !this.#training ? ['x'] : [];
    const y = this.#target(call, 'y', x, options, { x, ...also }, over);
    const { gamma, beta, runningMean, runningVar } = this;
    if (this.#training) {
      this.#engine.forward({ x, ...also, gamma, beta, y, saved: this.#saved, ...this.#running() }, geometry, options.pass);
      this.#sawBatch();
    } else {
      this.#engine.infer({ x, ...also, gamma, beta, runningMean: runningMean!, runningVar: runningVar!, y }, geometry, options.pass);
    }
    this.#last = { x, ...also, training: this.#training, synchronized: false, overwritten: y === x };
    return y;
  }

  /**
   * Computes dx, dgamma and dbeta for the last `forward`, in the mode that one ran in; behind add + ReLU also `dresidual`.
   *
   * @param dy - gradient of the loss by y, shape and storage of x.
   * @returns dx, shape of x: `out`, or a tensor of the layer's that its next call of this shape overwrites
   *   and that is freed once 16 other shapes have come.
   * @throws {TypeError} {RangeError} `dy` or `out` is no live tensor of this backend with the shape and storage of x.
   * @throws {Error} there was no `forward`, its x was disposed or overwritten, the layer is disposed, or the device lost.
   */
  backward(dy: Tensor, options: BackwardOptions = {}): Tensor {
    const call = 'BatchNorm.backward';
    const { last, geometry, accumulate, tensors } = this.#checkBackward(call, dy, options, false);
    const { runningMean, runningVar } = this;
    if (last.training) this.#engine.backward({ ...tensors, saved: this.#saved }, geometry, accumulate, options.pass);
    else this.#engine.backwardFrozen({ ...tensors, runningMean: runningMean!, runningVar: runningVar! }, geometry, accumulate, options.pass);
    return tensors.dx;
  }

  /**
   * `forward` in training on a part of a batch whose other parts are elsewhere: micro-batches, workers, machines.
   * The statistics are those of all parts together, and all parts' running statistics stay the same.
   *
   * @param exchange - carries this part's moments, 4·channels words, to the others and brings everyone's.
   * @param options - as `forward`, without `pass`: the work is submitted.
   * @throws as `forward`; {RangeError} what `exchange` brings is no such list of parts.
   */
  async forwardSynchronized(x: Tensor, exchange: Exchange, options: Omit<ForwardOptions, 'pass'> = {}): Promise<Tensor> {
    const call = 'BatchNorm.forwardSynchronized';
    this.#checkSynchronized(call, exchange, options);
    const geometry = this.#check(call, 'x', x, options, FORWARD_NAMES);
    const also = this.#checkForward(call, x, geometry, options);
    if (!this.#training) throw new Error(`${call}: the layer is in evaluation, needs training. Call train() first, or forward(x): parts do not matter there.`);
    const y = this.#target(call, 'y', x, options, { x, ...also }, []); // what is wrong is said before the others go on
    const { mask, validRows } = also;
    const part = await this.#readPart(call, this.#engine.moments({ x, mask, validRows }, geometry));
    const parts = checkParts(call, await exchange(part), 4 * this.channels);
    this.#checkAlive(call);
    const { gamma, beta } = this;
    this.#engine.normalize({ x, ...also, gamma, beta, y, saved: this.#saved, ...this.#running() }, geometry, parts);
    this.#sawBatch();
    this.#last = { x, ...also, training: true, synchronized: true, overwritten: false };
    return y;
  }

  /**
   * `backward` of the last `forwardSynchronized`: dgamma and dbeta are those of all parts together, the same on each.
   *
   * @param exchange - carries this part's sums, 2·channels words, to the others and brings everyone's.
   * @param options - as `backward`, without `pass`: the work is submitted.
   * @throws as `backward`; {RangeError} what `exchange` brings is no such list of parts; {Error} the last forward was not
   *   `forwardSynchronized`, or another one came during the exchange.
   */
  async backwardSynchronized(dy: Tensor, exchange: Exchange, options: Omit<BackwardOptions, 'pass'> = {}): Promise<Tensor> {
    const call = 'BatchNorm.backwardSynchronized';
    this.#checkSynchronized(call, exchange, options);
    const { last, geometry, accumulate, tensors } = this.#checkBackward(call, dy, options, true);
    const reads = { ...tensors, saved: this.#saved };
    const part = await this.#readPart(call, this.#engine.gradientSums(reads, geometry));
    const parts = checkParts(call, await exchange(part), 2 * this.channels);
    this.#checkAlive(call);
    if (this.#last !== last) throw new Error(`${call}: another forward ran during the exchange, needs the statistics of the last one. Await each call before the next.`);
    this.#engine.gradientInput(reads, geometry, parts, accumulate);
    return tensors.dx;
  }

  /**
   * Replaces the running statistics by those of the population that the batches are drawn from, in place of an average
   * over training, and leaves gamma and beta.
   *
   * @param batches - each as x in `forward`, all rows counting.
   * @param method - `'paper'`: the mean of the batches' means and of their unbiased variances (Ioffe & Szegedy 2015, Algorithm
   *   2); `'pooled'`: the moments of all rows together, exactly.
   * @throws {TypeError} {RangeError} a batch is not as `forward` needs it, there is none, or an unbiased variance is asked of one
   *   row; then nothing has changed.
   * @throws {Error} the layer keeps no running statistics or needs a residual or a mask, is disposed, or the device lost.
   */
  async estimatePopulation(batches: Iterable<Tensor> | AsyncIterable<Tensor>, method: 'paper' | 'pooled' = 'pooled'): Promise<void> {
    const call = 'BatchNorm.estimatePopulation';
    this.#checkAlive(call);
    const { runningMean, runningVar, numbers } = this;
    if (!runningMean || !runningVar) throw new Error(`${call}: the layer has no running statistics, needs them. Create it with trackRunning: true.`);
    if (hasResidual(this.epilogue) || this.mask !== 'none') {
      throw new Error(`${call}: the layer has ${this.mask === 'none' ? 'a residual' : 'a mask'}, needs neither. Use a layer of the same channels without.`);
    }
    const seen: Statistics[] = [];
    const saved = this.backend.empty([SAVED_PLANES.length, this.channels]); // a backward to come needs the layer's own
    try {
      for await (const x of batches) {
        const geometry = this.#check(call, 'batches', x, {}, []);
        const y = this.backend.empty(x.shape, this.storage);
        const { gamma, beta } = this;
        this.#engine.forward({ x, ...NOTHING_ELSE, gamma, beta, y, saved, ...NOT_TRACKED }, geometry);
        y.dispose(); // only after what writes it has been submitted
        const { mean, meanLow, variance, invStd, count } = savedViews(await saved.read(), this.channels);
        seen.push({
          count: count[0], mean: Float64Array.from(mean, (high, c) => high + meanLow[c]), variance: Float64Array.from(variance), invStd: Float64Array.from(invStd),
        });
      }
    } finally {
      saved.dispose();
    }
    this.#checkAlive(call);
    const options = method === 'pooled' ? { runningVariance: numbers.runningVariance } : {};
    const { mean, variance } = populationStatistics(seen, method, options);
    runningMean.write(Float32Array.from(mean));
    runningVar.write(Float32Array.from(variance));
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
    const batches = this.#counts ? (await this.#counts.read())[0] : this.#batches;
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
    this.#counts?.write(new Float32Array(this.channels).fill(this.#batches));
  }

  /** Frees the layer's tensors, its last results included; later calls throw. Work recorded but not submitted becomes invalid. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { gamma, beta, dgamma, dbeta, runningMean, runningVar } = this;
    const results = Object.values(this.#results).flatMap((map) => [...map.values()]);
    for (const tensor of [gamma, beta, dgamma, dbeta, runningMean, runningVar, this.#saved, this.#counts, ...results]) tensor?.dispose();
    this.#engine.destroy();
  }

  #held(): StateTensor[] {
    return (['gamma', 'beta', 'runningMean', 'runningVar'] as const).filter((name) => this[name]);
  }

  #checkAlive(call: string): void {
    if (this.#disposed) throw new Error(`${call}: the layer was disposed. Create a new one.`);
    this.backend.check(call);
  }

  #running() {
    const { runningMean, runningVar } = this;
    return { runningMean, runningVar, batches: this.#counts };
  }

  #sawBatch(): void {
    this.#saw = true;
    if (this.runningMean) this.#batches++;
  }

  /** How the library sees a tensor argument. */
  #check(call: string, name: string, tensor: Tensor, options: CallOptions, names: readonly string[]): Geometry {
    this.#checkAlive(call);
    checkNames(call, options, names);
    this.#checkTensor(call, name, tensor, this.storage);
    for (const own of OWN_TENSORS) {
      if (this[own]?.disposed) throw new Error(`${call}: the layer's own "${own}" was disposed, needs it alive. Dispose the layer instead.`);
    }
    if (options.pass && this.backend.kind === 'cpu') {
      throw new TypeError(`${call}: "pass" is given, needs none (the backend is the CPU). Leave it out.`);
    }
    return geometryOfTensor(call, name, this.layout, this.channels, tensor.shape);
  }

  /** The tensors that the options have beside x; x itself must not be what the call would write. */
  #checkForward(call: string, x: Tensor, { rows }: Geometry, options: ForwardOptions): Also {
    if (!options.out && this.#results.y.get(keyOf(x)) === x) {
      throw new TypeError(`${call}: "x" is this layer's own last result, which this call would overwrite, needs another tensor. Give "out".`);
    }
    const wanted = { residual: hasResidual(this.epilogue), mask: this.mask === 'rows', validRows: this.mask === 'count' };
    for (const name of ['residual', 'mask', 'validRows'] as const) {
      const tensor = options[name];
      if (tensor !== undefined && !wanted[name]) {
        const option = name === 'residual' ? `epilogue is '${this.epilogue}'` : `mask is '${this.mask}'`;
        throw new TypeError(`${call}: "${name}" is given, needs none (the layer's ${option}). Leave it out.`);
      }
      if (!wanted[name]) continue;
      this.#checkTensor(call, name, tensor as Tensor, name === 'residual' ? this.storage : 'u32');
      if (name === 'residual' && keyOf(tensor!) !== keyOf(x)) {
        throw new RangeError(`${call}: "residual" has shape [${keyOf(tensor!)}], needs [${keyOf(x)}] (that of x). Give that.`);
      }
      const size = name === 'mask' ? rows : 1;
      if (name !== 'residual' && tensor!.size !== size) {
        throw new RangeError(`${call}: "${name}" has ${tensor!.size} elements, needs ${size}${name === 'mask' ? ' (one a row)' : ''}. Give as many.`);
      }
    }
    const { residual = null, mask = null, validRows = null } = options;
    return { residual, mask, validRows };
  }

  #checkBackward(call: string, dy: Tensor, options: BackwardOptions, synchronized: boolean) {
    const geometry = this.#check(call, 'dy', dy, options, BACKWARD_NAMES);
    const { accumulate = false } = options;
    checkFlag(call, 'accumulate', accumulate);
    const last = this.#last;
    if (!last) throw new Error(`${call}: there was no forward, needs one. Call forward(x) first.`);
    if (synchronized && !last.synchronized) throw new Error(`${call}: the last forward was not synchronized, needs that. Use backward(dy).`);
    if (last.synchronized && !synchronized) throw new Error(`${call}: the last forward was synchronized, needs one that was not. Use backwardSynchronized(dy, exchange).`);
    const { x } = last;
    const relu = hasRelu(this.epilogue);
    for (const name of ['x', 'residual', 'mask', 'validRows'] as const) {
      if (last[name]?.disposed) throw new Error(`${call}: the ${name} of the last forward was disposed, needs its values. Dispose it after backward.`);
    }
    if (last.overwritten) throw new Error(`${call}: the x of the last forward was overwritten by its y, needs its values. Give forward another "out".`);
    if (keyOf(dy) !== keyOf(x)) {
      throw new RangeError(`${call}: "dy" has shape [${keyOf(dy)}], needs [${keyOf(x)}] (that of x in the last forward).`);
    }
    for (const kept of options.out ? [] : [this.#results.dx.get(keyOf(dy))]) {
      if (kept && (kept === dy || kept === x)) {
        throw new TypeError(`${call}: "${kept === dy ? 'dy' : 'x'}" is this layer's own last result, which this call would overwrite, needs another tensor. Give "out".`);
      }
    }
    const { mask, validRows } = last;
    const residual = relu ? last.residual : null;
    const dx = this.#target(call, 'dx', dy, options, { x, dy, residual, mask, validRows }, this.#inPlace ? ['dy'] : []);
    const dresidual = residual ? this.#target(call, 'dresidual', dy, { pass: options.pass }, {}, []) : null;
    this.#dresidual = dresidual;
    const { gamma, dgamma, dbeta } = this;
    const beta = relu ? this.beta : null;
    return { last, geometry, accumulate, tensors: { x, dy, residual, mask, validRows, gamma, beta, dx, dresidual, dgamma, dbeta } };
  }

  #checkSynchronized(call: string, exchange: Exchange, options: object): void {
    if (!this.#synchronized) throw new Error(`${call}: the layer was created without it, needs synchronized: true. Add it to the options.`);
    if (typeof exchange !== 'function') throw new TypeError(`${call}: "exchange" is ${describe(exchange)}, needs a function that gives a part to the others.`);
    if ('pass' in options) throw new TypeError(`${call}: "pass" is given, needs none (the call awaits its own work). Leave it out.`);
  }

  async #readPart(call: string, reading: Promise<Uint32Array>): Promise<Uint32Array> {
    try {
      return await reading;
    } catch (cause) {
      this.#checkAlive(call); // a lost device is the clearer reason
      throw cause;
    }
  }

  #checkTensor(call: string, name: string, tensor: Tensor, storage: TensorStorage): void {
    if (typeof tensor?.read !== 'function') {
      throw new TypeError(`${call}: "${name}" is ${describe(tensor)}, needs a tensor. Make one by backend.tensor(data, shape).`);
    }
    if (tensor.backend !== this.backend) {
      throw new TypeError(`${call}: "${name}" is on another backend (${tensor.backend.kind}), needs the layer's (${this.backend.kind}). Make it there.`);
    }
    if (tensor.disposed) throw new TypeError(`${call}: "${name}" was disposed, needs a live tensor. Dispose it after its last use.`);
    if (tensor.storage !== storage) {
      throw new TypeError(`${call}: "${name}" is ${tensor.storage}, needs ${storage}. Make it by backend.tensor(data, shape, '${storage}').`);
    }
  }

  /** Where the result goes: `out`, checked, or the tensor kept for this shape. */
  #target(
    call: string, result: 'y' | 'dx' | 'dresidual', like: Tensor, options: CallOptions, inputs: Record<string, Tensor | null>, over: readonly string[],
  ): Tensor {
    const { out } = options;
    if (out !== undefined) {
      this.#checkTensor(call, 'out', out, this.storage);
      if (keyOf(out) !== keyOf(like)) {
        throw new RangeError(`${call}: "out" has shape [${keyOf(out)}], needs [${keyOf(like)}]. Create it with that shape.`);
      }
      const { gamma, beta, dgamma, dbeta, runningMean, runningVar } = this;
      for (const [name, tensor] of Object.entries({ ...inputs, gamma, beta, dgamma, dbeta, runningMean, runningVar })) {
        if (tensor !== out || over.includes(name)) continue;
        const advice = (name === 'x' && !this.#training) || name === 'dy' ? ' Or create the layer with inPlace: true.' : '';
        throw new TypeError(`${call}: "out" is also "${name}", needs another tensor (WebGPU forbids reading and writing one buffer in a dispatch).${advice}`);
      }
      return out;
    }
    const kept = this.#results[result];
    const key = keyOf(like);
    let target = kept.get(key);
    if (target && !target.disposed) {
      kept.delete(key); // to the end: last used
    } else {
      target = this.backend.empty(like.shape, this.storage);
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

/** What a forward takes beside x. */
interface Also {
  residual: Tensor | null;
  mask: Tensor | null;
  validRows: Tensor | null;
}

/** A forward as its backward needs it. */
interface Last extends Also {
  x: Tensor;
  training: boolean;
  /** The statistics are of more rows than x has. */
  synchronized: boolean;
  /** y stands where x was. */
  overwritten: boolean;
}

const NOTHING_ELSE: Also = { residual: null, mask: null, validRows: null };
const NOT_TRACKED = { runningMean: null, runningVar: null, batches: null };

function checkParts(call: string, parts: readonly Uint32Array[], words: number): readonly Uint32Array[] {
  if (!Array.isArray(parts) || parts.length === 0) throw new TypeError(`${call}: "exchange" gave ${describe(parts)}, needs an array of every part.`);
  parts.forEach((part, i) => {
    if (!(part instanceof Uint32Array) || part.length !== words) {
      const given = part instanceof Uint32Array ? `${part.length} words` : describe(part);
      throw new RangeError(`${call}: "exchange" gave ${given} as part ${i}, needs a Uint32Array of ${words}. Carry the parts as they are.`);
    }
  });
  return parts;
}

const keyOf = (tensor: Tensor): string => tensor.shape.join(', ');
