import type { Backend, Engine, Tensor } from '../backend/backend.js';
import { isActivated } from '../core/activations.js';
import {
  type Numbers, type RowMask, type Settings, checkFlag, checkNames, checkUnbiased, hasResidualGradient, resolveOptions, withoutOwnLimits,
} from '../core/options.js';
import { type SavedViews, savedViews } from '../core/saved.js';
import { type Geometry, type Layout, describe, geometryOfTensor } from '../core/shape.js';
import type { Storage } from '../core/storage.js';
import { nanUnlessFiniteF32 } from '../reference/types.js';
import { type Also, type Last, checkAlso, checkLast, checkPass, checkSynchronized, checkTarget, checkTensor } from './arguments.js';
import { BACKWARD_NAMES, type BackwardOptions, type CallOptions, type Exchange, FORWARD_NAMES, type ForwardOptions, type LayerOptions } from './options.js';
import { checkMoments, checkParts } from './parts.js';
import { NOT_TRACKED, isIterable, populationOf } from './population.js';
import { LayerResults } from './results.js';
import { type BatchNormState, type LoadableState, type StateTensor, checkState, floatsOf, withJson } from './state.js';
import { type LayerTensors, layerTensors } from './tensors.js';

const OWN_TENSORS = ['gamma', 'beta', 'dgamma', 'dbeta', 'runningMean', 'runningVar'] as const;

/** Only `create` has it, so only that makes layers. */
const CREATE = Symbol('BatchNorm.create');

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
  /** The activation's name. */
  readonly activation: string;
  /** Whether `forward` adds a residual. */
  readonly residual: boolean;
  readonly mask: RowMask;
  readonly #settings: Settings;
  readonly #synchronized: boolean;
  readonly #engine: Engine;
  readonly #tensors: LayerTensors;
  readonly #results: LayerResults;
  #training = true;
  #batches = 0;
  #last: Last | null = null;
  #dresidual: Tensor | null = null;
  #saw = false;
  #disposed = false;

  private constructor(
    token: symbol, backend: Backend, engine: Engine, settings: Settings, tensors: LayerTensors, synchronized: boolean,
  ) {
    if (token !== CREATE) {
      throw new TypeError(
        'BatchNorm: "new" is called, needs create (kernels are compiled first, which is awaited). Use await BatchNorm.create(backend, { channels }).',
      );
    }
    const { channels, layout, eps, momentum, runningVariance, storage, activation, residual, mask } = settings;
    this.backend = backend;
    this.channels = channels;
    this.layout = layout;
    this.storage = storage;
    this.activation = activation.name;
    this.residual = residual;
    this.mask = mask;
    this.numbers = { eps, momentum, runningVariance };
    const { gamma, beta, dgamma, dbeta, runningMean, runningVar } = tensors;
    [this.gamma, this.beta, this.dgamma, this.dbeta, this.runningMean, this.runningVar] = [gamma, beta, dgamma, dbeta, runningMean, runningVar];
    this.#tensors = tensors;
    this.#settings = settings;
    this.#synchronized = synchronized;
    this.#engine = engine;
    this.#results = new LayerResults(backend, storage);
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
    const settings = resolveOptions(call, withoutOwnLimits(options, backend.device), ['synchronized', 'shapes', 'trackRunning']);
    const { synchronized = false, trackRunning = true } = options;
    checkFlag(call, 'synchronized', synchronized);
    checkFlag(call, 'trackRunning', trackRunning);
    const { shapes = [] } = options;
    if (!Array.isArray(shapes)) throw new TypeError(`${call}: "shapes" is ${describe(shapes)}, needs an array of shapes such as [[128, ${options.channels}]].`);
    const { layout, channels } = settings;
    const ahead = shapes.map((shape: readonly number[], i) => geometryOfTensor(call, `shapes[${i}]`, layout, channels, shape));
    const engine = await backend.engine({ settings, phases: synchronized, shapes: ahead, running: trackRunning });
    try {
      return new BatchNorm(CREATE, backend, engine, settings, layerTensors(backend, settings, trackRunning), synchronized);
    } catch (cause) {
      engine.dispose();
      throw cause;
    }
  }

  get training(): boolean {
    return this.#training;
  }

  /** Training batches the running statistics have seen; with cumulative averaging also those without a row that counts. */
  get batches(): number {
    return this.#batches;
  }

  /**
   * The gradient by the residual, shape of x, that the last `backward` wrote; the next one of this shape overwrites it, but where it is
   * given that as `dy`. Null where it is dy: with a residual only added and all rows counting.
   */
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
    const over = this.#settings.inPlace && !this.#training ? ['x'] : [];
    const { geometry, also, tracked } = this.#checkForward(call, x, options, over);
    if (this.#training && tracked && this.mask === 'none') checkUnbiased(call, geometry.rows, this.numbers.runningVariance);
    const { gamma, beta, runningMean, runningVar } = this;
    const y = options.out ?? this.#results.take('y', x);
    this.#results.carryOut({ y }, options, () => {
      const tensors = { x, ...also, gamma, beta, y };
      if (this.#training) this.#engine.forward({ ...tensors, saved: this.#tensors.saved, ...this.#running(tracked) }, geometry, options.pass);
      else this.#engine.infer({ ...tensors, runningMean: runningMean!, runningVar: runningVar! }, geometry, options.pass);
    });
    if (this.#training) this.#sawBatch(tracked);
    this.#last = { x, ...also, training: this.#training, synchronized: false, overwritten: y === x };
    return y;
  }

  /**
   * Computes dx, dgamma and dbeta for the last `forward`, in the mode that one ran in; also `dresidual`, where that is not dy.
   *
   * @param dy - gradient of the loss by y, shape and storage of x.
   * @returns dx, shape of x: `out`, or a tensor of the layer's that its next call of this shape overwrites
   *   and that is freed once 16 other shapes have come.
   * @throws {TypeError} {RangeError} `dy` or `out` is no live tensor of this backend with the shape and storage of x.
   * @throws {Error} there was no `forward`, its x was disposed or overwritten, the layer is disposed, or the device lost.
   */
  backward(dy: Tensor, options: BackwardOptions = {}): Tensor {
    const call = 'BatchNorm.backward';
    const { last, geometry, accumulate, reads } = this.#checkBackward(call, dy, options, false);
    const { runningMean, runningVar } = this;
    const results = this.#takeGradients(dy, options, reads);
    const tensors = { ...reads, ...results, ...this.#gradients() };
    this.#results.carryOut(results, options, () => {
      if (last.training) this.#engine.backward({ ...tensors, saved: this.#tensors.saved }, geometry, accumulate, options.pass);
      else this.#engine.backwardFrozen({ ...tensors, runningMean: runningMean!, runningVar: runningVar! }, geometry, accumulate, options.pass);
    });
    this.#dresidual = results.dresidual;
    return results.dx;
  }

  /**
   * `forward` in training on a part of a batch whose other parts are elsewhere: micro-batches, workers, machines.
   * The statistics are those of all parts together, and all parts' running statistics stay the same.
   *
   * @param exchange - carries this part's moments, 4·channels words, to the others and brings everyone's.
   * @param options - as `forward`, without `pass`: the work is submitted.
   * @throws as `forward`; {RangeError} what `exchange` brings is no such list of parts, or lacks this one's; {Error} WebGPU refused the
   *   work, of this part before `exchange`, of all after it. Then nothing of this layer has moved.
   */
  async forwardSynchronized(x: Tensor, exchange: Exchange, options: Omit<ForwardOptions, 'pass'> = {}): Promise<Tensor> {
    const call = 'BatchNorm.forwardSynchronized';
    this.#checkAlive(call);
    checkSynchronized(call, this.#synchronized, exchange, options, FORWARD_NAMES);
    if (!this.#training) throw new Error(`${call}: the layer is in evaluation, needs training. Call train() first, or forward(x): parts do not matter there.`);
    const { geometry, also, tracked } = this.#checkForward(call, x, options, []); // what is wrong is said before the others go on
    const { mask, validRows } = also;
    const own = await this.#awaited(call, this.#engine.moments({ x, mask, validRows }, geometry, call));
    const parts = await exchange(own.slice());
    this.#checkForward(call, x, options, []); // a tensor may have been disposed meanwhile
    checkParts(call, parts, own);
    checkMoments(call, parts, this.channels);
    const { gamma, beta } = this;
    const y = options.out ?? this.#results.take('y', x);
    const before = { last: this.#last, saw: this.#saw, batches: this.#batches };
    const submitted = this.#results.carryOut({ y }, options, () =>
      this.#engine.normalize({ x, ...also, gamma, beta, y, saved: this.#tensors.saved, ...this.#running(tracked) }, geometry, parts, call));
    this.#sawBatch(tracked);
    const last = (this.#last = { x, ...also, training: true, synchronized: true, overwritten: false });
    try {
      await this.#awaited(call, submitted);
    } catch (cause) {
      if (this.#last === last) this.#last = before.last;
      this.#saw = before.saw;
      this.#batches -= Number(this.#batches > before.batches);
      throw cause;
    }
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
    this.#checkAlive(call);
    checkSynchronized(call, this.#synchronized, exchange, options, BACKWARD_NAMES);
    const { last, geometry, accumulate, reads } = this.#checkBackward(call, dy, options, true);
    const { gamma, beta } = this.#gradients();
    const own = await this.#awaited(call, this.#engine.gradientSums({ ...reads, gamma, beta, saved: this.#tensors.saved }, geometry, call));
    const parts = await exchange(own.slice());
    this.#checkAlive(call);
    if (this.#last !== last) {
      throw new Error(`${call}: another forward ran during the exchange, needs the statistics of the last one. Await each call before the next.`);
    }
    this.#checkBackward(call, dy, options, true);
    checkParts(call, parts, own);
    const results = this.#takeGradients(dy, options, reads);
    const tensors = { ...reads, ...results, ...this.#gradients(), saved: this.#tensors.saved };
    const submitted = this.#results.carryOut(results, options, () => this.#engine.gradientInput(tensors, geometry, parts, accumulate, call));
    await this.#awaited(call, submitted);
    this.#dresidual = results.dresidual;
    return results.dx;
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
    this.#checkOwn(call);
    const { runningMean, runningVar } = this;
    if (method !== 'paper' && method !== 'pooled') throw new RangeError(`${call}: "method" is ${describe(method)}, needs 'paper' or 'pooled'.`);
    if (!isIterable(batches)) throw new TypeError(`${call}: "batches" is ${describe(batches)}, needs an array of tensors, or another iterable of them.`);
    if (!runningMean || !runningVar) throw new Error(`${call}: the layer has no running statistics, needs them. Create it with trackRunning: true.`);
    if (this.residual || this.mask !== 'none') {
      throw new Error(`${call}: the layer has ${this.mask === 'none' ? 'a residual' : 'a mask'}, needs neither. Use a layer of the same channels without.`);
    }
    const { mean, variance } = await populationOf(call, this, this.#engine, batches, method, (x, name) => this.#check(call, name, x, {}, []));
    this.#checkAlive(call);
    this.#checkOwn(call);
    runningMean.write(Float32Array.from(mean, nanUnlessFiniteF32));
    runningVar.write(Float32Array.from(variance, nanUnlessFiniteF32));
  }

  /**
   * The statistics of the last batch in training, `channels` elements each, copied: `mean + meanLow`, biased `variance`, `invStd`, `count`
   * of rows and `flags`. Where a value was not finite, `mean + meanLow` is NaN.
   *
   * @throws {Error} there was no training forward yet, the layer is disposed, or the device lost.
   */
  async statistics(): Promise<SavedViews> {
    this.#checkAlive('BatchNorm.statistics');
    if (!this.#saw) throw new Error('BatchNorm.statistics: there was no forward in training, needs one. Call forward(x) first.');
    const saved = await this.#tensors.saved.read();
    return savedViews(saved, this.channels);
  }

  /**
   * A copy of what the layer has learned, of the moment of the call whatever comes after it; of work recorded into a pass of the
   * caller's only what was submitted. JSON keeps it.
   *
   * @throws {Error} a tensor of the layer's own, the layer or the device is gone.
   */
  async state(): Promise<BatchNormState> {
    this.#checkAlive('BatchNorm.state');
    this.#checkOwn('BatchNorm.state');
    const seen = this.#batches;
    // All reads begin in this turn, so no call comes between them: statistics and count are of one moment.
    const held = this.#held();
    const [counts, ...values] = await Promise.all([this.#tensors.counts?.read() ?? [], ...held.map((name) => this[name]!.read())]);
    const batches = counts instanceof Float32Array ? new Uint32Array(counts.buffer)[0] : seen;
    return { ...Object.fromEntries(held.map((name, i) => [name, withJson(values[i])])), ...(this.runningMean ? { batches } : {}) };
  }

  /**
   * Replaces what the layer has learned by what `state()` gave, here or elsewhere; what JSON makes of it will do.
   *
   * @throws {TypeError} {RangeError} an entry is missing, not this layer's, of the wrong length, no f32 number, or a negative variance;
   *   then nothing has changed.
   * @throws {Error} a tensor of the layer's own, the layer or the device is gone.
   */
  load(state: LoadableState): void {
    const call = 'BatchNorm.load';
    this.#checkAlive(call);
    this.#checkOwn(call);
    checkState(call, state, this.#held(), this.runningMean !== null, this.channels, { broken: true, cumulative: this.#tensors.counts !== null });
    const entries = this.#held().map((name) => [name, floatsOf(state[name]!)] as const);
    const { batches = 0 } = state;
    for (const [name, values] of entries) this[name]!.write(values);
    this.#batches = batches;
    this.#tensors.counts?.write(new Float32Array(new Uint32Array(this.channels).fill(batches).buffer));
  }

  /** Frees the layer's tensors, its last results included; later calls throw. Work recorded but not submitted becomes invalid. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of Object.values<Tensor | null>({ ...this.#tensors })) tensor?.dispose();
    this.#results.dispose();
    this.#engine.dispose();
  }

  #held(): StateTensor[] {
    return (['gamma', 'beta', 'runningMean', 'runningVar'] as const).filter((name) => this[name]);
  }

  #checkAlive(call: string): void {
    if (this.#disposed) throw new Error(`${call}: the layer was disposed. Create a new one.`);
    this.backend.check(call);
  }

  /** A tensor of the layer's own can be disposed from outside; then the call would stop half way. */
  #checkOwn(call: string): void {
    for (const own of OWN_TENSORS) {
      if (this[own]?.disposed) throw new Error(`${call}: the layer's own "${own}" was disposed, needs it alive. Dispose the layer instead.`);
    }
  }

  #running(tracked: boolean) {
    const { runningMean, runningVar } = this;
    return tracked ? { runningMean, runningVar, batches: this.#tensors.counts } : NOT_TRACKED;
  }

  #gradients() {
    const { gamma, dgamma, dbeta } = this;
    return { gamma, beta: isActivated(this.#settings.activation) ? this.beta : null, dgamma, dbeta };
  }

  #sawBatch(tracked: boolean): void {
    this.#saw = true;
    if (tracked) this.#batches++;
  }

  /** How the library sees a tensor argument. */
  #check(call: string, name: string, tensor: Tensor, options: CallOptions, names: readonly string[]): Geometry {
    this.#checkAlive(call);
    checkNames(call, options, names);
    checkTensor(call, name, tensor, this.backend, this.storage);
    this.#checkOwn(call);
    checkPass(call, options.pass, this.backend);
    return geometryOfTensor(call, name, this.layout, this.channels, tensor.shape);
  }

  /** The tensors that the options have beside x; nothing that is read may be what the call would write. */
  #checkForward(call: string, x: Tensor, options: ForwardOptions, over: readonly string[]) {
    const geometry = this.#check(call, 'x', x, options, FORWARD_NAMES);
    const { track = true } = options;
    checkFlag(call, 'track', track);
    const also = checkAlso(call, this, x, geometry.rows, options);
    checkTarget(call, this, 'y', x, options.out, this.#results.next('y', x), { x, ...also }, over);
    return { geometry, also, tracked: track && this.runningMean !== null };
  }

  #checkBackward(call: string, dy: Tensor, options: BackwardOptions, synchronized: boolean) {
    const geometry = this.#check(call, 'dy', dy, options, BACKWARD_NAMES);
    const { accumulate = false } = options;
    checkFlag(call, 'accumulate', accumulate);
    const last = this.#last;
    checkLast(call, last, dy, synchronized);
    const { x, mask, validRows } = last;
    const reads = { x, dy, residual: isActivated(this.#settings.activation) ? last.residual : null, mask, validRows };
    checkTarget(call, this, 'dx', dy, options.out, this.#results.next('dx', dy), reads, this.#settings.inPlace ? ['dy'] : []);
    return { last, geometry, accumulate, reads };
  }

  /** What a backward writes; a `dresidual` that it reads is left for the next. */
  #takeGradients(dy: Tensor, { out }: CallOptions, reads: Also & { x: Tensor }): { dx: Tensor; dresidual: Tensor | null } {
    const dx = out ?? this.#results.take('dx', dy);
    const apart = [dx, dy, reads.x, ...(reads.residual ? [reads.residual] : [])];
    return { dx, dresidual: hasResidualGradient(this.#settings) ? this.#results.take('dresidual', dy, apart) : null };
  }

  async #awaited<T>(call: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      this.#checkAlive(call); // a lost device is the clearer reason
      throw cause;
    }
  }
}
