import type { Tensor } from './tensors.js';

export interface BatchNormGradients {
  dx: Tensor;
  dgamma: Tensor;
  dbeta: Tensor;
}

/** [channels] each. */
export interface RunningStatistics {
  runningMean: Float32Array;
  runningVar: Float32Array;
}

/**
 * Batch norm as the nets use it, fused with a ReLU or not.
 *
 * Arguments stay the caller's; results are the caller's to dispose. Those of `forward` and `backward` hold until the next call:
 * what reads them has to be submitted by then.
 */
export interface BatchNormOperation {
  /** In training: by the batch's statistics, which move the running ones. */
  forward(x: Tensor, gamma: Tensor, beta: Tensor): Tensor | Promise<Tensor>;
  /** Of the last forward. */
  backward(x: Tensor, dy: Tensor, gamma: Tensor, beta: Tensor): BatchNormGradients | Promise<BatchNormGradients>;
  /** By running statistics. */
  infer(x: Tensor, gamma: Tensor, beta: Tensor): Tensor | Promise<Tensor>;
  /** By the batch's statistics, without a ReLU, moving nothing. */
  normalize(x: Tensor, gamma: Tensor, beta: Tensor): Tensor | Promise<Tensor>;
  running(): Promise<RunningStatistics>;
  setRunning(running: RunningStatistics): void;
  dispose(): void;
}
