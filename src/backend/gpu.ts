import type { CallName } from '../kernels/calls.js';
import { createKernels } from '../kernels/create.js';
import type { Kernels } from '../kernels/kernels.js';
import { type Loss, checkLoss, watchLoss } from '../kernels/loss.js';
import { COPY_DST, COPY_SRC, MAP_READ, READ, STORAGE } from '../core/gpuFlags.js';
import { GRADIENT_PLANES, MOMENTS_PLANES } from '../plan/plan.js';
import type { BatchShape, Geometry } from '../core/shape.js';
import type { AdapterDescription, Backend, Engine, EngineOptions, Tensor, TensorData, TensorStorage } from './backend.js';
import { inScopes } from '../core/scope.js';
import { type Storage, packHalf, unpackHalf } from '../core/storage.js';
import { type Values, checkData, checkIntegers, checkTensorStorage, disposedError, sizeOf, tensorBytes } from './tensor.js';

/** A WebGPU device; tensors are buffers. */
export class GpuBackend implements Backend {
  readonly kind = 'gpu';
  readonly reason: string;
  readonly adapter: AdapterDescription | null;
  readonly device: GPUDevice;
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly #owned: boolean;
  readonly #loss: Loss;
  #disposed = false;

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

  tensor(data: TensorData, shape: readonly number[], storage: TensorStorage = 'f32'): Tensor {
    const call = 'Backend.tensor';
    this.check(call);
    const values = checkData(call, data, sizeOf(call, shape), shape);
    checkTensorStorage(call, storage);
    if (storage === 'u32') checkIntegers(call, values);
    const tensor = this.#allocate(call, shape, storage);
    try {
      tensor.write(values);
      return tensor;
    } catch (cause) {
      tensor.dispose();
      throw cause;
    }
  }

  empty(shape: readonly number[], storage: TensorStorage = 'f32'): Tensor {
    checkTensorStorage('Backend.empty', storage);
    return this.#allocate('Backend.empty', shape, storage);
  }

  async engine(options: EngineOptions): Promise<Engine> {
    this.check('BatchNorm.create');
    const { settings, phases, shapes, running } = options;
    const modes = ['train', 'infer', 'frozen', ...(phases ? ['phases' as const] : [])] as const;
    const { adapter } = this;
    const { inPlace } = settings;
    const training: readonly CallName[] = phases ? ['moments', 'merge', 'normalize', 'gradientSums', 'gradientInput'] : ['forward', 'backward'];
    const calls: readonly CallName[] = running ? [...training, 'infer'] : training;
    // A device may not tell what its adapter told.
    const adapterClass = settings.adapterClass ?? (adapter ? (adapter.software ? 'software' : 'hardware') : undefined);
    const ahead = shapes.map((geometry) => ({ ...shapeOf(geometry), calls, running, inPlace }));
    return new GpuEngine(this.device, await createKernels('BatchNorm.create', this.device, { ...settings, adapterClass }, modes, ahead));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#owned) this.device.destroy();
  }

  check(call: string): void {
    if (this.#disposed) throw new Error(`${call}: the backend was disposed. Open a new one.`);
    checkLoss(call, this.#loss);
  }

  #allocate(call: string, shape: readonly number[], storage: TensorStorage): GpuTensor {
    this.check(call);
    const elements = sizeOf(call, shape);
    const bytes = tensorBytes(elements, storage);
    const { maxBufferSize } = this.device.limits;
    if (bytes > maxBufferSize) {
      throw new RangeError(
        `${call}: "shape" [${shape.join(', ')}] takes ${bytes} bytes, the device holds at most ${maxBufferSize} in a tensor ` +
          `(maxBufferSize). Give a device with a higher limit, or split the batch.`,
      );
    }
    const label = `batchnorm/tensor [${shape.join(', ')}]`;
    const { value: buffer, error } = inScopes(this.device, ['out-of-memory'], () =>
      this.device.createBuffer({ label, size: bytes, usage: STORAGE | COPY_SRC | COPY_DST }));
    return new GpuTensor(this, shape, elements, storage, buffer, error);
  }
}

export class GpuTensor implements Tensor {
  readonly shape: readonly number[];
  readonly size: number;
  readonly storage: TensorStorage;
  readonly backend: GpuBackend;
  readonly #buffer: GPUBuffer;
  /** Whether there was memory for it, known only later. */
  readonly #created: Promise<GPUError | null>;
  #disposed = false;

  constructor(
    backend: GpuBackend, shape: readonly number[], size: number, storage: TensorStorage, buffer: GPUBuffer, created: Promise<GPUError | null>,
  ) {
    this.backend = backend;
    this.shape = [...shape];
    this.size = size;
    this.storage = storage;
    this.#buffer = buffer;
    this.#created = created;
  }

  get buffer(): GPUBuffer {
    if (this.#disposed) throw disposedError('Tensor.buffer');
    return this.#buffer;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  async read(): Promise<Float32Array> {
    const bytes = await this.readBytes();
    const { size, storage } = this;
    if (storage === 'f32') return new Float32Array(bytes);
    if (storage === 'u32') return Float32Array.from(new Uint32Array(bytes));
    return unpackHalf(new Uint16Array(bytes, 0, size), storage);
  }

  /** The buffer's bytes as they are. */
  async readBytes(): Promise<ArrayBuffer> {
    const call = 'Tensor.read';
    if (this.#disposed) throw disposedError(call);
    this.backend.check(call);
    const { device } = this.backend;
    const { size } = this.#buffer;
    const { value: staging, error: copied } = inScopes(device, ['out-of-memory', 'validation'],
      () => copyOf(device, this.#buffer, size, 'batchnorm/tensor read'));
    try {
      const mapped = staging.mapAsync(READ);
      mapped.catch(() => null); // what failed before it is the clearer reason
      const error = (await this.#created) ?? (await copied);
      if (error) throw new Error(`${call}: the values cannot be read: ${error.message}`);
      await mapped;
      return staging.getMappedRange().slice(0);
    } catch (cause) {
      this.backend.check(call); // a lost device is the clearer reason
      throw cause;
    } finally {
      staging.destroy();
    }
  }

  write(data: TensorData): void {
    const call = 'Tensor.write';
    if (this.#disposed) throw disposedError(call);
    this.backend.check(call);
    const values = checkData(call, data, this.size, this.shape);
    if (this.storage === 'u32') checkIntegers(call, values);
    this.backend.device.queue.writeBuffer(this.#buffer, 0, wordsOf(values, this.storage));
  }

  /** Replaces the buffer's first bytes. */
  writeWords(words: Uint32Array): void {
    this.backend.device.queue.writeBuffer(this.#buffer, 0, words as Uint32Array<ArrayBuffer>);
  }

  dispose(): void {
    this.#disposed = true;
    this.#buffer.destroy();
  }
}

/** Values as a buffer of that storage holds them. */
function wordsOf(values: Values, storage: TensorStorage): GPUAllowSharedBufferSource {
  if (storage === 'u32') return values instanceof Uint32Array ? (values as Uint32Array<ArrayBuffer>) : Uint32Array.from(values);
  const floats = values instanceof Float32Array ? values : null;
  if (storage === 'f32') return (floats ?? Float32Array.from(values)) as Float32Array<ArrayBuffer>;
  return packHalf(floats ?? Float64Array.from(values), storage as Exclude<Storage, 'f32'>).buffer as ArrayBuffer;
}

/** A buffer's first bytes in one that can be mapped, once the queue is through with what it has. */
function copyOf(device: GPUDevice, buffer: GPUBuffer, size: number, label: string): GPUBuffer {
  const staging = device.createBuffer({ label, size, usage: MAP_READ | COPY_DST });
  try {
    const encoder = device.createCommandEncoder({ label });
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    return staging;
  } catch (cause) {
    staging.destroy();
    throw cause;
  }
}

class GpuEngine implements Engine {
  readonly #device: GPUDevice;
  readonly #kernels: Kernels;
  /** What a part sends and all parts receive, grown with their number; null until the phases are used. */
  readonly #exchanged = new Map<'moments' | 'sums', GPUBuffer>();

  constructor(device: GPUDevice, kernels: Kernels) {
    this.#device = device;
    this.#kernels = kernels;
  }

  forward(...[t, geometry, pass]: Parameters<Engine['forward']>): void {
    this.#run((into) => this.#kernels.forward(into, buffersOf(t), shapeOf(geometry)), pass);
  }

  backward(...[t, geometry, accumulate, pass]: Parameters<Engine['backward']>): void {
    this.#run((into) => this.#kernels.backward(into, buffersOf(t), shapeOf(geometry), { accumulate }), pass);
  }

  backwardFrozen(...[t, geometry, accumulate, pass]: Parameters<Engine['backwardFrozen']>): void {
    this.#run((into) => this.#kernels.backwardFrozen(into, buffersOf(t), shapeOf(geometry), { accumulate }), pass);
  }

  infer(...[t, geometry, pass]: Parameters<Engine['infer']>): void {
    this.#run((into) => this.#kernels.infer(into, buffersOf(t), shapeOf(geometry)), pass);
  }

  async moments(...[t, geometry, call]: Parameters<Engine['moments']>): Promise<Uint32Array> {
    const moments = this.#exchange(call, 'moments', 1);
    return this.#part(call, moments, MOMENTS_PLANES, (into) => this.#kernels.moments(into, { ...buffersOf(t), moments }, shapeOf(geometry)));
  }

  async normalize(...[t, geometry, parts, call]: Parameters<Engine['normalize']>): Promise<void> {
    const { x, residual, gamma, beta, y, mask, validRows, saved, runningMean, runningVar, batches } = t;
    const moments = this.#exchange(call, 'moments', parts.length);
    await this.#taken(call, () => {
      this.#send(moments, parts);
      this.#run((into) => {
        this.#kernels.merge(into, { moments, ...buffersOf({ saved, runningMean, runningVar, batches }) }, { parts: parts.length });
        this.#kernels.normalize(into, buffersOf({ x, residual, gamma, beta, y, mask, validRows, saved }), shapeOf(geometry));
      }, undefined);
    }).taken;
  }

  async gradientSums(...[t, geometry, call]: Parameters<Engine['gradientSums']>): Promise<Uint32Array> {
    const sums = this.#exchange(call, 'sums', 1);
    return this.#part(call, sums, GRADIENT_PLANES, (into) => this.#kernels.gradientSums(into, { ...buffersOf(t), sums }, shapeOf(geometry)));
  }

  async gradientInput(...[t, geometry, parts, accumulate, call]: Parameters<Engine['gradientInput']>): Promise<void> {
    const sums = this.#exchange(call, 'sums', parts.length);
    const options = { parts: parts.length, accumulate };
    await this.#taken(call, () => {
      this.#send(sums, parts);
      this.#run((into) => this.#kernels.gradientInput(into, { ...buffersOf(t), sums }, shapeOf(geometry), options), undefined);
    }).taken;
  }

  dispose(): void {
    this.#kernels.dispose();
    for (const buffer of this.#exchanged.values()) buffer.destroy();
  }

  #exchange(call: string, role: 'moments' | 'sums', parts: number): GPUBuffer {
    const bytes = parts * (role === 'moments' ? MOMENTS_PLANES : GRADIENT_PLANES) * this.#kernels.channels * 4;
    const known = this.#exchanged.get(role);
    if (known && known.size >= bytes) return known;
    const { maxStorageBufferBindingSize: most } = this.#device.limits;
    if (bytes > most) {
      throw new RangeError(
        `${call}: "exchange" gave ${parts} parts of ${bytes} bytes together, the device binds at most ${most} (maxStorageBufferBindingSize). ` +
          `Cut the batch into fewer.`,
      );
    }
    const made = role === 'moments' ? this.#kernels.createMoments(parts) : this.#kernels.createSums(parts);
    known?.destroy(); // whatever used it has been submitted
    this.#exchanged.set(role, made);
    return made;
  }

  /** Runs what writes a part, and reads it. */
  async #part(call: string, buffer: GPUBuffer, planes: number, record: (pass: GPUComputePassEncoder) => void): Promise<Uint32Array> {
    const { done, taken } = this.#taken(call, () => {
      this.#run(record, undefined);
      return this.#read(buffer, planes);
    });
    done.catch(() => null); // what was refused before it is the clearer reason
    await taken;
    return done;
  }

  /** Does what submits; `taken` rejects where WebGPU refuses any of it, which would leave in the buffers what was there. */
  #taken<T>(call: string, work: () => T): { done: T; taken: Promise<void> } {
    const device = this.#device;
    let errors: Promise<(GPUError | null)[]>;
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    let done: T;
    try {
      done = work();
    } finally {
      errors = Promise.all([device.popErrorScope(), device.popErrorScope()]);
      errors.catch(() => null); // a lost device is told by what awaits
    }
    const taken = errors.then((found) => {
      const error = found.find((one) => one !== null);
      if (error) throw new Error(`${call}: WebGPU refused the work, needs buffers that are alive and memory: ${error.message}`);
    });
    return { done, taken };
  }

  #send(buffer: GPUBuffer, parts: readonly Uint32Array[]): void {
    let at = 0;
    for (const part of parts) {
      this.#device.queue.writeBuffer(buffer, at, part as Uint32Array<ArrayBuffer>);
      at += part.byteLength;
    }
  }

  async #read(buffer: GPUBuffer, planes: number): Promise<Uint32Array> {
    const size = planes * this.#kernels.channels * 4;
    const staging = copyOf(this.#device, buffer, size, 'batchnorm/part read');
    try {
      await staging.mapAsync(READ);
      return new Uint32Array(staging.getMappedRange().slice(0));
    } finally {
      staging.destroy();
    }
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

/** The buffers of tensors, those that are null left out. */
function buffersOf<T extends object>(tensors: T): { [K in keyof T]: GPUBuffer } {
  const buffers = {} as { [K in keyof T]: GPUBuffer };
  for (const name in tensors) if (tensors[name]) buffers[name] = (tensors[name] as unknown as GpuTensor).buffer;
  return buffers;
}
