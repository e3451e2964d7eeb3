import type { Numbers } from '../plan/options.js';
import type { Geometry, Layout } from '../plan/shape.js';
import type { Tensor } from './tensor.js';

/** What runs the layers: a WebGPU device or the CPU. Made by `openBackend`. */
export interface Backend {
  readonly kind: 'gpu' | 'cpu';
  /** Why it is this one, in a sentence. */
  readonly reason: string;
  /** The adapter's own words; null on the CPU, or where a given device does not tell. */
  readonly adapter: AdapterDescription | null;
  /** The WebGPU device; null on the CPU. */
  readonly device: GPUDevice | null;
  /** Resolves when the device is lost other than by `destroy()`; never on the CPU. */
  readonly lost: Promise<GPUDeviceLostInfo>;
  /**
   * Uploads values.
   *
   * @param data - as many as the shape has elements, in memory order.
   * @param shape - such as [rows, channels] or [batch, channels, height, width].
   * @throws {RangeError} the shape cannot be indexed, the lengths differ, or the device cannot hold it.
   */
  tensor(data: Float32Array | readonly number[], shape: readonly number[]): Tensor;
  /** A tensor of zeros. */
  empty(shape: readonly number[]): Tensor;
  /** Frees what the backend owns: the device if `openBackend` created it, never a given one. Later calls throw. */
  destroy(): void;
  /** @internal throws, in the name of `call`, once the backend or its device is gone. */
  check(call: string): void;
  /** @internal what a layer runs on. */
  engine(options: EngineOptions): Promise<Engine>;
}

export interface AdapterDescription {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
  /** A software adapter, which computes on the CPU. */
  software: boolean;
}

export interface EngineOptions extends Numbers {
  channels: number;
  layout: Layout;
  gamma: boolean;
  beta: boolean;
  onError?: (error: Error) => void;
}

type Optional = Tensor | null;

/** The four operations on tensors; arguments are checked by the layer. Each is submitted at once, or recorded into `pass`. */
export interface Engine {
  forward(
    t: { x: Tensor; gamma: Optional; beta: Optional; y: Tensor; saved: Tensor; runningMean: Optional; runningVar: Optional },
    geometry: Geometry,
    pass?: GPUComputePassEncoder,
  ): void;
  backward(
    t: { x: Tensor; dy: Tensor; gamma: Optional; saved: Tensor; dx: Tensor; dgamma: Optional; dbeta: Optional },
    geometry: Geometry,
    pass?: GPUComputePassEncoder,
  ): void;
  backwardFrozen(
    t: { x: Tensor; dy: Tensor; gamma: Optional; runningMean: Tensor; runningVar: Tensor; dx: Tensor; dgamma: Optional; dbeta: Optional },
    geometry: Geometry,
    pass?: GPUComputePassEncoder,
  ): void;
  infer(
    t: { x: Tensor; gamma: Optional; beta: Optional; runningMean: Tensor; runningVar: Tensor; y: Tensor },
    geometry: Geometry,
    pass?: GPUComputePassEncoder,
  ): void;
  destroy(): void;
}
