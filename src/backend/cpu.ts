import { roundTo } from '../core/storage.js';
import type { Settings } from '../core/options.js';
import { MAX_BATCHES, RUNNING_STAYED, RUNNING_VARIANCE_STAYED, savedViews } from '../core/saved.js';
import { backward, backwardFrozen } from '../reference/backward.js';
import { forward } from '../reference/forward.js';
import { gradientInput, gradientSums } from '../reference/gradient.js';
import { infer } from '../reference/infer.js';
import { type Moments, emptyMoments, merge, moments } from '../reference/moments.js';
import { normalize } from '../reference/normalize.js';
import { updateRunning } from '../reference/running.js';
import { statistics } from '../reference/statistics.js';
import { type Floats, type Statistics, nanUnlessFiniteF32 } from '../reference/types.js';
import type { ValidRows } from '../reference/walk.js';
import type { Backend, Engine, EngineOptions, Tensor, TensorData, TensorStorage } from './backend.js';
import { type Values, checkData, checkIntegers, checkTensorStorage, disposedError, sizeOf } from './tensor.js';

/** The reference on `Float32Array`s: f64 arithmetic, results rounded to f32, and where so stored to f16 or bf16. */
export class CpuBackend implements Backend {
  readonly kind = 'cpu';
  readonly adapter = null;
  readonly device = null;
  readonly lost = new Promise<never>(() => {});
  readonly reason: string;
  #disposed = false;

  constructor(reason: string) {
    this.reason = reason;
  }

  tensor(data: TensorData, shape: readonly number[], storage: TensorStorage = 'f32'): Tensor {
    const call = 'Backend.tensor';
    this.check(call);
    const values = checkData(call, data, sizeOf(call, shape), shape);
    checkTensorStorage(call, storage);
    if (storage === 'u32') checkIntegers(call, values);
    return new CpuTensor(this, shape, rounded(values, storage), storage);
  }

  empty(shape: readonly number[], storage: TensorStorage = 'f32'): Tensor {
    const call = 'Backend.empty';
    this.check(call);
    checkTensorStorage(call, storage);
    return new CpuTensor(this, shape, new Float32Array(sizeOf(call, shape)), storage);
  }

  async engine(options: EngineOptions): Promise<Engine> {
    this.check('BatchNorm.create');
    return new CpuEngine(options);
  }

  dispose(): void {
    this.#disposed = true;
  }

  check(call: string): void {
    if (this.#disposed) throw new Error(`${call}: the backend was disposed. Open a new one.`);
  }
}

export class CpuTensor implements Tensor {
  readonly backend: CpuBackend;
  readonly shape: readonly number[];
  readonly size: number;
  readonly storage: TensorStorage;
  readonly buffer = null;
  #values: Float32Array | null;

  constructor(backend: CpuBackend, shape: readonly number[], values: Float32Array, storage: TensorStorage) {
    this.storage = storage;
    this.backend = backend;
    this.shape = [...shape];
    this.size = values.length;
    this.#values = values;
  }

  get disposed(): boolean {
    return this.#values === null;
  }

  /** The memory itself, not a copy. */
  get values(): Float32Array {
    if (!this.#values) throw disposedError('Tensor');
    return this.#values;
  }

  async read(): Promise<Float32Array> {
    if (!this.#values) throw disposedError('Tensor.read');
    return this.#values.slice();
  }

  write(data: TensorData): void {
    if (!this.#values) throw disposedError('Tensor.write');
    const values = checkData('Tensor.write', data, this.size, this.shape);
    if (this.storage === 'u32') checkIntegers('Tensor.write', values);
    this.#values.set(rounded(values, this.storage));
  }

  /** Rounds the values, which are f32, to the storage. */
  round(): void {
    const { storage } = this;
    const values = this.#values!;
    if (storage === 'f32' || storage === 'u32') return;
    for (let i = 0; i < values.length; i++) values[i] = roundTo(values[i], storage);
  }

  dispose(): void {
    this.#values = null;
  }
}

class CpuEngine implements Engine {
  readonly #options: Settings & { phases: boolean };

  constructor({ settings, phases }: EngineOptions) {
    this.#options = { ...settings, phases, eps: Math.fround(settings.eps) }; // as the kernels have it: added to −eps it is 0
  }

  forward(...[t, geometry]: Parameters<Engine['forward']>): void {
    const batch = forward(this.#inputs(t), geometry, this.#options.eps, of(t.y));
    round(t.y);
    this.#save(t.saved, batch, t);
  }

  backward(...[t, geometry, accumulate]: Parameters<Engine['backward']>): void {
    const { channels } = this.#options;
    const saved = savedOf(t.saved, channels);
    const inputs = { ...this.#inputs(t), dy: of(t.dy), ...saved };
    // The statistics may be of more rows than these, but then `gradientInput` is what is called.
    const { dgamma, dbeta } = backward(inputs, geometry, of(t.dx), maybe(t.dresidual));
    this.#finish(t, { dgamma, dbeta }, accumulate);
  }

  backwardFrozen(...[t, geometry, accumulate]: Parameters<Engine['backwardFrozen']>): void {
    const inputs = { ...this.#inputs(t), dy: of(t.dy), runningMean: of(t.runningMean), runningVar: of(t.runningVar) };
    const { dgamma, dbeta } = backwardFrozen(inputs, geometry, this.#options.eps, of(t.dx), maybe(t.dresidual));
    this.#finish(t, { dgamma, dbeta }, accumulate);
  }

  infer(...[t, geometry]: Parameters<Engine['infer']>): void {
    infer({ ...this.#inputs(t), runningMean: of(t.runningMean), runningVar: of(t.runningVar) }, geometry, this.#options.eps, of(t.y));
    round(t.y);
  }

  async moments(...[t, geometry]: Parameters<Engine['moments']>): Promise<Uint32Array> {
    const { count, mean, m2 } = moments(of(t.x), geometry, rowsOf(t));
    const high = Float32Array.from(mean);
    const words = new Uint32Array(4 * mean.length);
    words.fill(count, 0, mean.length);
    [high, mean.map((value, c) => value - high[c]), m2].forEach((plane, i) => floatsOf(words).set(plane, (i + 1) * mean.length));
    return words;
  }

  async normalize(...[t, geometry, parts]: Parameters<Engine['normalize']>): Promise<void> {
    const { channels, eps } = this.#options;
    const merged = parts.map((part) => momentsOf(part, channels)).reduce(merge, emptyMoments(channels));
    const batch = statistics(merged, eps);
    this.#save(t.saved, batch, t);
    const { mean, invStd } = savedOf(t.saved, channels);
    normalize({ ...this.#inputs(t), mean, invStd }, geometry, of(t.y));
    round(t.y);
  }

  async gradientSums(...[t, geometry]: Parameters<Engine['gradientSums']>): Promise<Uint32Array> {
    const { channels } = this.#options;
    const { dgamma, dbeta } = gradientSums({ ...this.#inputs(t), dy: of(t.dy), ...savedOf(t.saved, channels) }, geometry);
    const words = new Uint32Array(2 * channels);
    floatsOf(words).set(dbeta);
    floatsOf(words).set(dgamma, channels);
    return words;
  }

  async gradientInput(...[t, geometry, parts, accumulate]: Parameters<Engine['gradientInput']>): Promise<void> {
    const { channels } = this.#options;
    const [dbeta, dgamma] = [new Float64Array(channels), new Float64Array(channels)];
    for (const part of parts.map(floatsOf)) {
      for (let c = 0; c < channels; c++) {
        dbeta[c] += part[c];
        dgamma[c] += part[channels + c];
      }
    }
    const inputs = { ...this.#inputs(t), dy: of(t.dy), ...savedOf(t.saved, channels), dgamma, dbeta };
    gradientInput(inputs, geometry, of(t.dx), maybe(t.dresidual));
    this.#finish(t, { dgamma, dbeta }, accumulate);
  }

  dispose(): void {}

  /** What every function of the reference reads. */
  #inputs(t: {
    x: Tensor; residual: Tensor | null; gamma: Tensor | null; beta: Tensor | null; mask: Tensor | null; validRows: Tensor | null; dresidual?: Tensor | null;
  }) {
    const activation = this.#options.activation.option;
    // A dresidual wants a residual beside it, whose values matter to an activation only.
    const residual = maybe(t.residual) ?? (t.dresidual ? of(t.x) : undefined);
    return { x: of(t.x), residual, gamma: maybe(t.gamma), beta: maybe(t.beta), activation, ...rowsOf(t) };
  }

  #save(
    tensor: Tensor, batch: Statistics,
    running: { runningMean: Tensor | null; runningVar: Tensor | null; batches: Tensor | null },
  ): void {
    const { channels, mask, runningVariance, momentum } = this.#options;
    const saved = savedViews(of(tensor), channels);
    for (let c = 0; c < channels; c++) {
      saved.mean[c] = batch.mean[c];
      saved.meanLow[c] = batch.mean[c] - saved.mean[c];
    }
    saved.variance.set(batch.variance.map(nanUnlessFiniteF32));
    saved.invStd.set(batch.invStd);
    saved.count.fill(batch.count);
    const none = batch.count === 0;
    const varianceStays = none || (batch.count === 1 && runningVariance === 'unbiased');
    saved.flags.fill((varianceStays ? RUNNING_VARIANCE_STAYED : 0) + (none ? RUNNING_STAYED : 0));
    const { runningMean, runningVar, batches } = running;
    if (!runningMean || !runningVar) return;
    const counts = batches && wordsOf(of(batches));
    const seen = counts ? Math.min(counts[0] + 1, MAX_BATCHES) : 0;
    const weight = momentum === 'cumulative' ? 1 / seen : momentum;
    const masked = mask !== 'none' || this.#options.phases;
    updateRunning({ mean: of(runningMean), variance: of(runningVar) }, batch, batch.count, { momentum: weight, runningVariance, masked });
    if (counts && !none) counts.fill(seen);
  }

  #finish(
    t: { dx: Tensor; dresidual: Tensor | null; dgamma: Tensor | null; dbeta: Tensor | null },
    gradients: { dgamma: Float64Array; dbeta: Float64Array }, accumulate: boolean,
  ): void {
    round(t.dx);
    round(t.dresidual);
    for (const name of ['dgamma', 'dbeta'] as const) {
      const into = maybe(t[name]);
      if (into) for (let c = 0; c < into.length; c++) into[c] = gradients[name][c] + (accumulate ? into[c] : 0);
    }
  }
}

/** A copy, each value rounded to the storage once. */
function rounded(values: Values, storage: TensorStorage): Float32Array {
  const copy = Float32Array.from(values);
  if (storage !== 'f32' && storage !== 'u32') for (let i = 0; i < copy.length; i++) copy[i] = roundTo(values[i], storage);
  return copy;
}

const of = (tensor: Tensor): Float32Array => (tensor as CpuTensor).values;
const maybe = (tensor: Tensor | null): Float32Array | undefined => (tensor ? of(tensor) : undefined);
const round = (tensor: Tensor | null): void => (tensor as CpuTensor | null)?.round();
const wordsOf = (floats: Float32Array): Uint32Array => new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
const floatsOf = (words: Uint32Array): Float32Array => new Float32Array(words.buffer, words.byteOffset, words.length);

function rowsOf({ mask, validRows }: { mask: Tensor | null; validRows: Tensor | null }): ValidRows {
  return { ...(mask ? { mask: Uint32Array.from(of(mask)) } : {}), ...(validRows ? { validRows: of(validRows)[0] } : {}) };
}

/** The statistics of a `saved` tensor, in f64. */
function savedOf(tensor: Tensor, channels: number): { mean: Floats; invStd: Floats; count: number } {
  const saved = savedViews(of(tensor), channels);
  return { mean: Float64Array.from(saved.mean, (high, c) => high + saved.meanLow[c]), invStd: saved.invStd, count: saved.count[0] };
}

/** A part's moments, as `moments` gave them. */
function momentsOf(words: Uint32Array, channels: number): Moments {
  const floats = floatsOf(words);
  const plane = (index: number) => floats.subarray(index * channels, (index + 1) * channels);
  return { count: words[0], mean: Float64Array.from(plane(1), (high, c) => high + plane(2)[c]), m2: Float64Array.from(plane(3)) };
}
