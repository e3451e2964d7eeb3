import type { Storage } from '../core/storage.js';
import type { Settings } from '../core/options.js';
import type { Geometry } from '../core/shape.js';

/** What runs the layers: a WebGPU device or the CPU. Made by `openBackend`. */
export interface Backend {
  readonly kind: 'gpu' | 'cpu';
  /** Why it is this one, in a sentence. */
  readonly reason: string;
  /** The adapter's own words; null on the CPU, or where a given device does not tell. */
  readonly adapter: AdapterDescription | null;
  /** The WebGPU device; null on the CPU. */
  readonly device: GPUDevice | null;
  /** Resolves when the device is lost other than by `dispose()`; never on the CPU. */
  readonly lost: Promise<GPUDeviceLostInfo>;
  /**
   * Uploads values.
   *
   * @param data - as many as the shape has elements, in memory order; copied.
   * @param shape - such as [rows, channels] or [batch, channels, height, width].
   * @param storage - what each value is rounded to, once, default `'f32'`; `'u32'` for row masks and counts.
   * @throws {RangeError} the shape cannot be indexed, the lengths differ, or the device cannot hold it.
   */
  tensor(data: TensorData, shape: readonly number[], storage?: TensorStorage): Tensor;
  /** A tensor of zeros. */
  empty(shape: readonly number[], storage?: TensorStorage): Tensor;
  /** Frees what the backend owns: the device if `openBackend` created it, never a given one. Later calls throw. */
  dispose(): void;
  /** @internal throws, in the name of `call`, once the backend or its device is gone. */
  check(call: string): void;
  /** @internal what a layer runs on. */
  engine(options: EngineOptions): Promise<Engine>;
}

/** How a tensor's elements are kept: numbers as f32, f16 or bf16, or, for row masks, u32. */
export type TensorStorage = Storage | 'u32';

/** Values to upload: a typed array of floats or of integers up to 32 bits, or plain numbers. */
export type TensorData =
  | Float32Array | Float64Array | Uint8Array | Uint8ClampedArray | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array | readonly number[];

/** Values on a backend. Made by `backend.tensor()` or `backend.empty()`. */
export interface Tensor {
  readonly backend: Backend;
  readonly shape: readonly number[];
  /** Elements. */
  readonly size: number;
  /** What the values are rounded to. */
  readonly storage: TensorStorage;
  /** The GPU buffer, 4 bytes an element, or two elements a 4-byte word in f16 and bf16; null on the CPU. */
  readonly buffer: GPUBuffer | null;
  readonly disposed: boolean;
  /** A copy of the values as f32, once all work submitted so far is done. */
  read(): Promise<Float32Array>;
  /** Replaces all values, each rounded to the storage once. @throws {RangeError} `data` has another length. */
  write(data: TensorData): void;
  /** Frees the memory; later uses throw. Disposing twice is harmless. */
  dispose(): void;
}

export interface AdapterDescription {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
  /** A software adapter, which computes on the CPU. */
  software: boolean;
}

export interface EngineOptions {
  settings: Settings;
  /** Whether the phases will be called. */
  phases: boolean;
  /** What is compiled now: forward, backward and inference, or the phases, of these shapes. */
  shapes: readonly Geometry[];
  /** Whether there will be running statistics. */
  running: boolean;
}

type Optional = Tensor | null;

/** Which rows count, as the layer's options have it. */
interface RowTensors {
  mask: Optional;
  validRows: Optional;
}

interface RunningTensors {
  runningMean: Optional;
  runningVar: Optional;
  batches: Optional;
}

interface ForwardTensors extends RowTensors {
  x: Tensor;
  residual: Optional;
  gamma: Optional;
  beta: Optional;
  y: Tensor;
}

/** What a backward reads. */
interface SumsTensors extends RowTensors {
  x: Tensor;
  dy: Tensor;
  residual: Optional;
  gamma: Optional;
  beta: Optional;
}

interface BackwardTensors extends SumsTensors {
  dx: Tensor;
  dresidual: Optional;
  dgamma: Optional;
  dbeta: Optional;
}

/**
 * The operations on tensors; arguments are checked by the layer. Each is submitted at once, or recorded into `pass`.
 * `moments` and `sums` are [parts, 4, channels] and [parts, 2, channels] words, as the kernels have them.
 */
export interface Engine {
  forward(t: ForwardTensors & RunningTensors & { saved: Tensor }, geometry: Geometry, pass?: GPUComputePassEncoder): void;
  backward(t: BackwardTensors & { saved: Tensor }, geometry: Geometry, accumulate: boolean, pass?: GPUComputePassEncoder): void;
  backwardFrozen(
    t: BackwardTensors & { runningMean: Tensor; runningVar: Tensor }, geometry: Geometry, accumulate: boolean, pass?: GPUComputePassEncoder,
  ): void;
  infer(t: ForwardTensors & { runningMean: Tensor; runningVar: Tensor }, geometry: Geometry, pass?: GPUComputePassEncoder): void;
  /** This part's moments, to be given to all. Rejects, as the other phases do, in the name of `call` where WebGPU refuses the work. */
  moments(t: RowTensors & { x: Tensor }, geometry: Geometry, call: string): Promise<Uint32Array>;
  /** Merges all parts' moments and normalizes this part; resolves once WebGPU has taken it. */
  normalize(t: ForwardTensors & RunningTensors & { saved: Tensor }, geometry: Geometry, parts: readonly Uint32Array[], call: string): Promise<void>;
  gradientSums(t: SumsTensors & { saved: Tensor }, geometry: Geometry, call: string): Promise<Uint32Array>;
  gradientInput(
    t: BackwardTensors & { saved: Tensor }, geometry: Geometry, parts: readonly Uint32Array[], accumulate: boolean, call: string,
  ): Promise<void>;
  dispose(): void;
}
