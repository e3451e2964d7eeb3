import type { Tensor } from '../backend/backend.js';
import type { CommonOptions } from '../core/options.js';

/** Options of `BatchNorm.create`: those of the kernels (`presets` has numbers of other libraries), and what a layer decides beside them. */
export interface LayerOptions extends CommonOptions {
  /** Whether `forwardSynchronized` and `backwardSynchronized` will be called. Default false. */
  synchronized?: boolean;
  /**
   * Shapes of x that are compiled for now, for training and evaluation, while JavaScript runs on: [[128, 256]]. On a GPU the first call
   * of another stops the thread for as long as that takes. Default none.
   */
  shapes?: readonly (readonly number[])[];
  /** Whether running statistics are kept; without them there is no `eval()`. Default true. */
  trackRunning?: boolean;
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
  /** What is added, shape and storage of x; exactly where the options have `residual: true`. */
  residual?: Tensor;
  /** u32, one entry a row in (batch, spatial) order, 0 where it does not count, else where it does; exactly where the options have `mask: 'rows'`. */
  mask?: Tensor;
  /** u32, one entry: how many rows, from the first on, count, all where it is more than there are; exactly where the options have `mask: 'count'`. */
  validRows?: Tensor;
  /**
   * Whether the batch moves the running statistics and is counted. Default true. False for a batch that has been seen: a forward that
   * checkpointing runs again. In evaluation nothing moves either way.
   */
  track?: boolean;
}

export interface BackwardOptions extends CallOptions {
  /** Adds to dgamma and dbeta instead of replacing them. Default false. */
  accumulate?: boolean;
}

/** Gives one part's words to all others and resolves to every part's, in an order that is the same for all. */
export type Exchange = (part: Uint32Array) => Promise<readonly Uint32Array[]>;

export const FORWARD_NAMES = ['out', 'pass', 'residual', 'mask', 'validRows', 'track'];
export const BACKWARD_NAMES = ['out', 'pass', 'accumulate'];
