// The same operation without a GPU: jax-js in WebAssembly, batch norm in JavaScript.
import { presets } from '../../../src/index.js';
import { type Statistics, backward, forward, infer, updateRunning } from '../../../src/reference/index.js';
import type { BatchNormGradients, BatchNormOperation, RunningStatistics } from './operation.js';
import { type Tensor, download, upload } from './tensors.js';

const { eps, momentum, runningVariance } = presets.pytorch;

export class BatchNormCpu implements BatchNormOperation {
  readonly #channels: number;
  readonly #relu: boolean;
  readonly #runningMean: Float32Array;
  readonly #runningVar: Float32Array;
  /** Of the last forward. */
  #batch: Statistics | null = null;

  constructor(channels: number, fused: boolean) {
    this.#channels = channels;
    this.#relu = fused;
    this.#runningMean = new Float32Array(channels);
    this.#runningVar = new Float32Array(channels).fill(1);
  }

  async forward(...[x, gamma, beta]: Arguments): Promise<Tensor> {
    const { y, ...batch } = this.#normalized(await read({ x, gamma, beta }), this.#relu);
    updateRunning({ mean: this.#runningMean, variance: this.#runningVar }, batch, x.shape[0], { momentum, runningVariance });
    this.#batch = batch;
    return upload(y, x.shape, 'wasm');
  }

  async backward(x: Tensor, dy: Tensor, gamma: Tensor, beta: Tensor): Promise<BatchNormGradients> {
    const { mean, invStd } = this.#batch!;
    const { beta: shift, ...values } = await read({ x, dy, gamma, beta });
    const behindRelu = this.#relu ? { beta: shift, activation: 'relu' as const } : {}; // it tells where the ReLU was open
    const { dx, dgamma, dbeta } = backward({ ...values, ...behindRelu, mean, invStd }, this.#shapeOf(values.x), new Float32Array(x.size));
    const vector = (gradient: Float64Array) => upload(Float32Array.from(gradient), [this.#channels], 'wasm');
    return { dx: upload(dx, x.shape, 'wasm'), dgamma: vector(dgamma), dbeta: vector(dbeta) };
  }

  async infer(...[x, gamma, beta]: Arguments): Promise<Tensor> {
    const values = await read({ x, gamma, beta });
    const running = { runningMean: this.#runningMean, runningVar: this.#runningVar };
    const activation = this.#relu ? 'relu' : 'none';
    return upload(infer({ ...values, ...running, activation }, this.#shapeOf(values.x), eps, new Float32Array(x.size)), x.shape, 'wasm');
  }

  async normalize(...[x, gamma, beta]: Arguments): Promise<Tensor> {
    return upload(this.#normalized(await read({ x, gamma, beta }), false).y, x.shape, 'wasm');
  }

  async running(): Promise<RunningStatistics> {
    return { runningMean: this.#runningMean.slice(), runningVar: this.#runningVar.slice() };
  }

  setRunning({ runningMean, runningVar }: RunningStatistics): void {
    this.#runningMean.set(runningMean);
    this.#runningVar.set(runningVar);
  }

  dispose(): void {
    this.#batch = null;
  }

  #normalized(values: Record<'x' | 'gamma' | 'beta', Float32Array>, relu: boolean) {
    return forward({ ...values, activation: relu ? 'relu' : 'none' }, this.#shapeOf(values.x), eps, new Float32Array(values.x.length));
  }

  #shapeOf(x: Float32Array) {
    return { rows: x.length / this.#channels, channels: this.#channels };
  }
}

type Arguments = [x: Tensor, gamma: Tensor, beta: Tensor];

async function read<Name extends string>(tensors: Record<Name, Tensor>): Promise<Record<Name, Float32Array>> {
  const entries = Object.entries<Tensor>(tensors).map(async ([name, tensor]) => [name, await download(tensor)]);
  return Object.fromEntries(await Promise.all(entries)) as Record<Name, Float32Array>;
}
