import { type BatchNormKernels, createBatchNorm } from '../kernels/batchnorm.js';
import { type Loss, checkLoss, watchLoss } from '../kernels/loss.js';
import { COPY_DST, COPY_SRC, MAP_READ, READ, STORAGE } from '../plan/gpuFlags.js';
import type { BatchShape, Geometry } from '../plan/shape.js';
import type { AdapterDescription, Backend, Engine, EngineOptions } from './backend.js';
import { type Tensor, checkData, disposedError, sizeOf } from './tensor.js';

/** A WebGPU device; tensors are buffers of 4 bytes an element. */
export class GpuBackend implements Backend {
  readonly kind = 'gpu';
  readonly reason: string;
  readonly adapter: AdapterDescription | null;
  readonly device: GPUDevice;
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly #owned: boolean;
  readonly #loss: Loss;
  #destroyed = false;

  constructor(device: GPUDevice, { reason, adapter, owned }: { reason: string; adapter: AdapterDescription | null; owned: boolean }) {
    this.device = device;
    this.reason = reason;
    this.adapter = adapter;
    this.#owned = owned;
    this.#loss = watchLoss(device);
    this.lost = new Promise((resolve) => {
      void device.lost.then((info) => {
        if (info.reason !== 'destroyed') resolve(info); // what was meant is no news
      });
    });
  }

  tensor(data: Float32Array | readonly number[], shape: readonly number[]): Tensor {
    const call = 'Backend.tensor';
    const values = checkData(call, data, sizeOf(call, shape), shape);
    const tensor = this.#allocate(call, shape);
    tensor.write(values);
    return tensor;
  }

  empty(shape: readonly number[]): Tensor {
    return this.#allocate('Backend.empty', shape);
  }

  async engine(options: EngineOptions): Promise<Engine> {
    this.check('BatchNorm.create');
    return new GpuEngine(this.device, await createBatchNorm(this.device, options));
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (this.#owned) this.device.destroy();
  }

  check(call: string): void {
    if (this.#destroyed) throw new Error(`${call}: the backend was destroyed. Open a new one.`);
    checkLoss(call, this.#loss);
  }

  #allocate(call: string, shape: readonly number[]): GpuTensor {
    this.check(call);
    const bytes = sizeOf(call, shape) * 4;
    const { maxStorageBufferBindingSize, maxBufferSize } = this.device.limits;
    const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    if (bytes > limit) {
      throw new RangeError(
        `${call}: "shape" [${shape.join(', ')}] takes ${bytes} bytes, the device holds at most ${limit} in a tensor ` +
          `(${limit === maxBufferSize ? 'maxBufferSize' : 'maxStorageBufferBindingSize'}). Give a device with a higher limit, or split the batch.`,
      );
    }
    const label = `batchnorm/tensor [${shape.join(', ')}]`;
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ label, size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });
    return new GpuTensor(this, shape, buffer, this.device.popErrorScope());
  }
}

export class GpuTensor implements Tensor {
  readonly shape: readonly number[];
  readonly size: number;
  readonly backend: GpuBackend;
  readonly #buffer: GPUBuffer;
  /** Whether there was memory for it, known only later. */
  readonly #created: Promise<GPUError | null>;
  #disposed = false;

  constructor(backend: GpuBackend, shape: readonly number[], buffer: GPUBuffer, created: Promise<GPUError | null>) {
    this.backend = backend;
    this.shape = [...shape];
    this.size = buffer.size / 4;
    this.#buffer = buffer;
    this.#created = created;
    created.catch(() => null); // a lost device is reported by what uses the tensor
  }

  get buffer(): GPUBuffer {
    if (this.#disposed) throw disposedError('Tensor.buffer');
    return this.#buffer;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  async read(): Promise<Float32Array> {
    const call = 'Tensor.read';
    if (this.#disposed) throw disposedError(call);
    this.backend.check(call);
    const { device } = this.backend;
    const { size } = this.#buffer;
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    const staging = device.createBuffer({ label: 'batchnorm/tensor read', size, usage: MAP_READ | COPY_DST });
    const encoder = device.createCommandEncoder({ label: 'batchnorm/tensor read' });
    encoder.copyBufferToBuffer(this.#buffer, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    const errors = Promise.all([this.#created, device.popErrorScope(), device.popErrorScope()]);
    try {
      const mapped = staging.mapAsync(READ);
      mapped.catch(() => null); // what failed before it is the clearer reason
      const error = (await errors).find((found) => found !== null);
      if (error) throw new Error(`${call}: the values cannot be read: ${error.message}`);
      await mapped;
      return new Float32Array(staging.getMappedRange()).slice();
    } catch (cause) {
      this.backend.check(call); // a lost device is the clearer reason
      throw cause;
    } finally {
      staging.destroy();
    }
  }

  write(data: Float32Array | readonly number[]): void {
    const call = 'Tensor.write';
    if (this.#disposed) throw disposedError(call);
    this.backend.check(call);
    const values = checkData(call, data, this.size, this.shape);
    this.backend.device.queue.writeBuffer(this.#buffer, 0, values as Float32Array<ArrayBuffer>);
  }

  dispose(): void {
    this.#disposed = true;
    this.#buffer.destroy();
  }
}

class GpuEngine implements Engine {
  readonly #device: GPUDevice;
  readonly #kernels: BatchNormKernels;

  constructor(device: GPUDevice, kernels: BatchNormKernels) {
    this.#device = device;
    this.#kernels = kernels;
  }

  forward(...[t, geometry, pass]: Parameters<Engine['forward']>): void {
    const buffers = {
      x: of(t.x), gamma: maybe(t.gamma), beta: maybe(t.beta), y: of(t.y), saved: of(t.saved),
      runningMean: maybe(t.runningMean), runningVar: maybe(t.runningVar),
    };
    this.#run((into) => this.#kernels.forward(into, buffers, shapeOf(geometry)), pass);
  }

  backward(...[t, geometry, pass]: Parameters<Engine['backward']>): void {
    const buffers = {
      x: of(t.x), dy: of(t.dy), gamma: maybe(t.gamma), saved: of(t.saved),
      dx: of(t.dx), dgamma: maybe(t.dgamma), dbeta: maybe(t.dbeta),
    };
    this.#run((into) => this.#kernels.backward(into, buffers, shapeOf(geometry)), pass);
  }

  backwardFrozen(...[t, geometry, pass]: Parameters<Engine['backwardFrozen']>): void {
    const buffers = {
      x: of(t.x), dy: of(t.dy), gamma: maybe(t.gamma), runningMean: of(t.runningMean), runningVar: of(t.runningVar),
      dx: of(t.dx), dgamma: maybe(t.dgamma), dbeta: maybe(t.dbeta),
    };
    this.#run((into) => this.#kernels.backwardFrozen(into, buffers, shapeOf(geometry)), pass);
  }

  infer(...[t, geometry, pass]: Parameters<Engine['infer']>): void {
    const buffers = {
      x: of(t.x), gamma: maybe(t.gamma), beta: maybe(t.beta),
      runningMean: of(t.runningMean), runningVar: of(t.runningVar), y: of(t.y),
    };
    this.#run((into) => this.#kernels.infer(into, buffers, shapeOf(geometry)), pass);
  }

  destroy(): void {
    this.#kernels.destroy();
  }

  #run(record: (pass: GPUComputePassEncoder) => void, given: GPUComputePassEncoder | undefined): void {
    if (given) return record(given);
    const encoder = this.#device.createCommandEncoder({ label: 'batchnorm/layer' });
    const pass = encoder.beginComputePass({ label: 'batchnorm/layer' });
    record(pass);
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }
}

/** What the kernels' calls take. */
const shapeOf = ({ layout, rows, batch, spatial }: Geometry): BatchShape => (layout === 'channelsLast' ? { rows } : { batch, spatial });

const of = (tensor: Tensor): GPUBuffer => (tensor as GpuTensor).buffer;
const maybe = (tensor: Tensor | null): GPUBuffer | undefined => (tensor ? of(tensor) : undefined);
