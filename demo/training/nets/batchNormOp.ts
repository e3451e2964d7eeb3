// Batch norm between the layers of jax-js, on its device and in its arrays' buffers: nothing is copied.
import { getWebGPUDevice, numpy as np } from '@jax-js/jax';
import { type BatchNormKernels, type BatchNormOptions, createBatchNorm, presets } from '../../../src/index.js';
import type { BatchNormGradients, BatchNormOperation, RunningStatistics } from './operation.js';
import { type Tensor, download } from './tensors.js';

/**
 * The library's kernels as an operation on jax-js arrays, one object for each place in a net.
 *
 * What embedding takes: the kernels are compiled for jax-js's device; each call binds the arrays' own buffers, records into a pass and
 * submits it, in order with what jax-js submits. Never within `jit` or `grad`, whose arrays have no buffers: gradients are chained
 * by calling `backward` between those of the layers around.
 */
export class BatchNormOp implements BatchNormOperation {
  readonly #runningMean: Tensor;
  readonly #runningVar: Tensor;
  readonly #device: GPUDevice;
  readonly #kernels: BatchNormKernels;
  /** Without a ReLU, for looking on. */
  readonly #bare: BatchNormKernels;
  readonly #saved: GPUBuffer;
  readonly #channels: number;
  /** What the kernels write, made at the first step: jax-js cannot wrap a buffer, but its arrays' own may be written. */
  #results: { y: Tensor; dx: Tensor; dgamma: Tensor; dbeta: Tensor } | null = null;

  private constructor(device: GPUDevice, kernels: BatchNormKernels, bare: BatchNormKernels) {
    this.#device = device;
    this.#kernels = kernels;
    this.#bare = bare;
    this.#channels = kernels.channels;
    this.#saved = kernels.createSaved();
    this.#runningMean = np.zeros([this.#channels], { device: 'webgpu' });
    this.#runningVar = np.ones([this.#channels], { device: 'webgpu' });
  }

  /** @param rows - of a training batch, whose kernels are compiled now. */
  static async create(channels: number, fused: boolean, rows: number): Promise<BatchNormOp> {
    const device = getWebGPUDevice();
    const options: BatchNormOptions = { channels, ...presets.pytorch, modes: ['train', 'infer'], shapes: [{ rows }] };
    const kernels = await createBatchNorm<BatchNormOptions>(device, { ...options, activation: fused ? 'relu' : 'none' });
    return new BatchNormOp(device, kernels, fused ? await createBatchNorm<BatchNormOptions>(device, { ...options, modes: ['train'], shapes: [] }) : kernels);
  }

  forward(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
    const { y } = this.#resultsFor(x);
    this.#record((pass) =>
      this.#kernels.forward(
        pass,
        {
          x: bufferOf(x), gamma: bufferOf(gamma), beta: bufferOf(beta), y: bufferOf(y), saved: this.#saved,
          runningMean: bufferOf(this.#runningMean), runningVar: bufferOf(this.#runningVar),
        },
        { rows: x.shape[0] },
      ),
    );
    return y.ref;
  }

  backward(x: Tensor, dy: Tensor, gamma: Tensor, beta: Tensor): BatchNormGradients {
    const { dx, dgamma, dbeta } = this.#resultsFor(x);
    const behindRelu = this.#kernels === this.#bare ? {} : { beta: bufferOf(beta) }; // it tells where the ReLU was open
    this.#record((pass) =>
      this.#kernels.backward(
        pass,
        {
          x: bufferOf(x), dy: bufferOf(dy), gamma: bufferOf(gamma), ...behindRelu, saved: this.#saved,
          dx: bufferOf(dx), dgamma: bufferOf(dgamma), dbeta: bufferOf(dbeta),
        },
        { rows: x.shape[0] },
      ),
    );
    return { dx: dx.ref, dgamma: dgamma.ref, dbeta: dbeta.ref };
  }

  infer(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
    const y = np.zeros(x.shape, { device: 'webgpu' });
    this.#record((pass) =>
      this.#kernels.infer(
        pass,
        {
          x: bufferOf(x), gamma: bufferOf(gamma), beta: bufferOf(beta), y: bufferOf(y),
          runningMean: bufferOf(this.#runningMean), runningVar: bufferOf(this.#runningVar),
        },
        { rows: x.shape[0] },
      ),
    );
    return y;
  }

  normalize(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
    const y = np.zeros(x.shape, { device: 'webgpu' });
    const saved = this.#bare.createSaved(); // a backward to come needs the other
    this.#record((pass) =>
      this.#bare.forward(pass, { x: bufferOf(x), gamma: bufferOf(gamma), beta: bufferOf(beta), y: bufferOf(y), saved }, { rows: x.shape[0] }),
    );
    saved.destroy();
    return y;
  }

  async running(): Promise<RunningStatistics> {
    const [runningMean, runningVar] = await Promise.all([download(this.#runningMean), download(this.#runningVar)]);
    return { runningMean, runningVar };
  }

  setRunning({ runningMean, runningVar }: RunningStatistics): void {
    this.#device.queue.writeBuffer(bufferOf(this.#runningMean), 0, runningMean as Float32Array<ArrayBuffer>);
    this.#device.queue.writeBuffer(bufferOf(this.#runningVar), 0, runningVar as Float32Array<ArrayBuffer>);
  }

  dispose(): void {
    for (const tensor of [this.#runningMean, this.#runningVar, ...Object.values(this.#results ?? {})]) tensor.dispose();
    this.#kernels.dispose();
    this.#bare.dispose();
    this.#saved.destroy();
  }

  #resultsFor({ shape }: Tensor) {
    const zeros = (size: number[]) => np.zeros(size, { device: 'webgpu' });
    this.#results ??= { y: zeros(shape), dx: zeros(shape), dgamma: zeros([this.#channels]), dbeta: zeros([this.#channels]) };
    return this.#results;
  }

  /** jax-js submits each of its operations as it makes them, so order is kept by submitting ours too. */
  #record(work: (pass: GPUComputePassEncoder) => void): void {
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    work(pass);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }
}

/** An array's own buffer, its values submitted; the array stays. */
function bufferOf(tensor: Tensor): GPUBuffer {
  return tensor.ref.gpuBufferSync();
}
