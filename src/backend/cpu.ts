import { savedViews } from '../plan/saved.js';
import { backward, backwardFrozen } from '../reference/backward.js';
import { forward } from '../reference/forward.js';
import { infer } from '../reference/infer.js';
import { updateRunning } from '../reference/running.js';
import type { Backend, Engine, EngineOptions } from './backend.js';
import { type Tensor, checkData, disposedError, sizeOf } from './tensor.js';

/** The reference on `Float32Array`s: f64 arithmetic, results rounded to f32 once. */
export class CpuBackend implements Backend {
  readonly kind = 'cpu';
  readonly adapter = null;
  readonly device = null;
  readonly lost = new Promise<never>(() => {});
  readonly reason: string;
  #destroyed = false;

  constructor(reason: string) {
    this.reason = reason;
  }

  tensor(data: Float32Array | readonly number[], shape: readonly number[]): Tensor {
    const call = 'Backend.tensor';
    this.check(call);
    return new CpuTensor(this, shape, checkData(call, data, sizeOf(call, shape), shape).slice());
  }

  empty(shape: readonly number[]): Tensor {
    this.check('Backend.empty');
    return new CpuTensor(this, shape, new Float32Array(sizeOf('Backend.empty', shape)));
  }

  async engine(options: EngineOptions): Promise<Engine> {
    this.check('BatchNorm.create');
    return new CpuEngine(options);
  }

  destroy(): void {
    this.#destroyed = true;
  }

  check(call: string): void {
    if (this.#destroyed) throw new Error(`${call}: the backend was destroyed. Open a new one.`);
  }
}

export class CpuTensor implements Tensor {
  readonly backend: CpuBackend;
  readonly shape: readonly number[];
  readonly size: number;
  readonly buffer = null;
  #values: Float32Array | null;

  constructor(backend: CpuBackend, shape: readonly number[], values: Float32Array) {
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

  write(data: Float32Array | readonly number[]): void {
    if (!this.#values) throw disposedError('Tensor.write');
    this.#values.set(checkData('Tensor.write', data, this.size, this.shape));
  }

  dispose(): void {
    this.#values = null;
  }
}

class CpuEngine implements Engine {
  readonly #options: EngineOptions;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  forward(...[t, geometry]: Parameters<Engine['forward']>): void {
    const { channels, eps } = this.#options;
    const batch = forward({ x: of(t.x), gamma: maybe(t.gamma), beta: maybe(t.beta) }, geometry, eps, of(t.y));
    const saved = savedViews(of(t.saved), channels);
    for (let c = 0; c < channels; c++) {
      saved.mean[c] = batch.mean[c];
      saved.meanLow[c] = batch.mean[c] - saved.mean[c];
    }
    saved.variance.set(batch.variance);
    saved.invStd.set(batch.invStd);
    if (t.runningMean && t.runningVar) {
      updateRunning({ mean: of(t.runningMean), variance: of(t.runningVar) }, batch, geometry.rows, this.#options);
    }
  }

  backward(...[t, geometry]: Parameters<Engine['backward']>): void {
    const { channels } = this.#options;
    const saved = savedViews(of(t.saved), channels);
    const mean = Float64Array.from(saved.mean, (high, c) => high + saved.meanLow[c]);
    const gradients = backward(
      { x: of(t.x), dy: of(t.dy), gamma: maybe(t.gamma), mean, invStd: saved.invStd }, geometry, of(t.dx),
    );
    maybe(t.dgamma)?.set(gradients.dgamma);
    maybe(t.dbeta)?.set(gradients.dbeta);
  }

  backwardFrozen(...[t, geometry]: Parameters<Engine['backwardFrozen']>): void {
    const { eps } = this.#options;
    const gradients = backwardFrozen(
      { x: of(t.x), dy: of(t.dy), gamma: maybe(t.gamma), runningMean: of(t.runningMean), runningVar: of(t.runningVar) },
      geometry, eps, of(t.dx),
    );
    maybe(t.dgamma)?.set(gradients.dgamma);
    maybe(t.dbeta)?.set(gradients.dbeta);
  }

  infer(...[t, geometry]: Parameters<Engine['infer']>): void {
    const { eps } = this.#options;
    infer(
      { x: of(t.x), gamma: maybe(t.gamma), beta: maybe(t.beta), runningMean: of(t.runningMean), runningVar: of(t.runningVar) },
      geometry, eps, of(t.y),
    );
  }

  destroy(): void {}
}

const of = (tensor: Tensor): Float32Array => (tensor as CpuTensor).values;
const maybe = (tensor: Tensor | null): Float32Array | undefined => (tensor ? of(tensor) : undefined);
