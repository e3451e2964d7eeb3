// Claim: the types of the calls follow from the options: what they have is needed, what they have not is refused, a mode that was
// not asked for has no call; options whose type leaves something open take whatever some of them take. Held by the compilers.
import {
  type AnyBatchNormKernels, type BatchNormKernels, type BatchNormOptions, type BufferView, type TensorView, createBatchNorm,
} from '../../src/index.js';

declare const device: GPUDevice;
declare const pass: GPUComputePassEncoder;
declare const tensor: TensorView;
declare const vector: BufferView;
const shape = { rows: 8 };
const [x, y, dy, dx] = [tensor, tensor, tensor, tensor];
const [gamma, beta, saved, dgamma, dbeta, runningMean, runningVar] = [vector, vector, vector, vector, vector, vector, vector];
const running = { runningMean, runningVar };

export async function defaults(): Promise<void> {
  const bn = await createBatchNorm(device, { channels: 4 });
  bn.forward(pass, { x, gamma, beta, y, saved }, shape);
  bn.forward(pass, { x, gamma, beta, y, saved, ...running }, shape);
  bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, shape, { accumulate: true });
  bn.infer(pass, { x, gamma, beta, ...running, y }, shape);
  bn.backwardFrozen(pass, { x, dy, gamma, ...running, dx, dgamma, dbeta }, shape);
  // @ts-expect-error gamma is missing
  bn.forward(pass, { x, beta, y, saved }, shape);
  // @ts-expect-error half the running pair
  bn.forward(pass, { x, gamma, beta, y, saved, runningMean }, shape);
  // @ts-expect-error a residual that the options have not
  bn.forward(pass, { x, gamma, beta, y, saved, residual: tensor }, shape);
  // @ts-expect-error a mask that the options have not
  bn.infer(pass, { x, gamma, beta, ...running, y, mask: vector }, shape);
  // @ts-expect-error counts, which only a cumulative momentum has
  bn.forward(pass, { x, gamma, beta, y, saved, ...running, batches: vector }, shape);
  // @ts-expect-error the phases were not asked for
  bn.moments(pass, { x, moments: vector }, shape);
  // @ts-expect-error no such option
  await createBatchNorm(device, { channels: 4, epsilon: 1e-5 });
  // @ts-expect-error no such activation
  await createBatchNorm(device, { channels: 4, activation: 'tanh' });
}

export async function allOptions(): Promise<void> {
  const bn = await createBatchNorm(device, {
    channels: 4, residual: true, activation: 'silu', mask: 'rows', momentum: 'cumulative', beta: false, modes: ['train', 'phases'],
  });
  const [residual, dresidual, mask, batches] = [tensor, tensor, vector, vector];
  bn.forward(pass, { x, residual, gamma, mask, y, saved, ...running, batches }, shape);
  bn.backward(pass, { x, dy, residual, gamma, mask, saved, dx, dresidual, dgamma }, shape);
  bn.moments(pass, { x, mask, moments: vector }, shape, { part: 1 });
  bn.merge(pass, { moments: vector, saved }, { parts: 2 });
  bn.gradientInput(pass, { x, dy, residual, gamma, mask, saved, sums: vector, dx, dresidual, dgamma }, shape, { parts: 2, accumulate: true });
  // @ts-expect-error the residual is missing
  bn.forward(pass, { x, gamma, mask, y, saved }, shape);
  // @ts-expect-error the mask is missing
  bn.forward(pass, { x, residual, gamma, y, saved }, shape);
  // @ts-expect-error there is no beta
  bn.forward(pass, { x, residual, gamma, beta, mask, y, saved }, shape);
  // @ts-expect-error behind an activation the residual's gradient is its own
  bn.backward(pass, { x, dy, residual, gamma, mask, saved, dx, dgamma }, shape);
  // @ts-expect-error without the counts of a cumulative momentum
  bn.forward(pass, { x, residual, gamma, mask, y, saved, ...running }, shape);
  // @ts-expect-error inference was not asked for
  bn.infer(pass, { x, residual, gamma, mask, ...running, y }, shape);
}

/** A plain add: its gradient is dy, and no backward reads the residual. */
export async function plainAdd(): Promise<void> {
  const bn = await createBatchNorm(device, { channels: 4, residual: true, modes: ['train'] });
  bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, shape);
  // @ts-expect-error nothing is written there
  bn.backward(pass, { x, dy, gamma, saved, dx, dresidual: tensor, dgamma, dbeta }, shape);
  // @ts-expect-error nor is the residual read
  bn.backward(pass, { x, dy, residual: tensor, gamma, saved, dx, dgamma, dbeta }, shape);
}

export async function leftOpen(options: BatchNormOptions, flag: boolean, either: { channels: number; residual: true } | { channels: number }): Promise<void> {
  const wide = await createBatchNorm(device, options);
  wide.forward(pass, { x, y, saved, runningMean }, shape);
  wide.forward(pass, { x, residual: tensor, gamma, beta, mask: vector, validRows: vector, y, saved, ...running, batches: vector }, shape);
  wide.moments(pass, { x, moments: vector }, shape);
  // @ts-expect-error x is needed whatever the options
  wide.forward(pass, { y, saved }, shape);
  const open = await createBatchNorm(device, { channels: 4, residual: flag, gamma: flag, activation: flag ? 'relu' : 'none' });
  open.forward(pass, { x, beta, y, saved }, shape);
  open.forward(pass, { x, residual: tensor, gamma, beta, y, saved }, shape);
  open.backward(pass, { x, dy, residual: tensor, gamma, beta, saved, dx, dresidual: tensor, dgamma, dbeta }, shape);
  const union = await createBatchNorm(device, either);
  union.forward(pass, { x, gamma, beta, y, saved }, shape);
  union.forward(pass, { x, residual: tensor, gamma, beta, y, saved }, shape);
}

/** Fields that hold kernels. */
export class Holder {
  any: AnyBatchNormKernels | null = null;
  wide: BatchNormKernels | null = null;
  inferring: BatchNormKernels<{ modes: readonly ['infer'] }> | null = null;

  async fill(options: BatchNormOptions): Promise<void> {
    this.any = await createBatchNorm(device, { channels: 4, modes: ['phases'], mask: 'rows' });
    this.any = await createBatchNorm(device, { channels: 4, residual: true, activation: { name: 'leakyRelu', slope: 0.1 } });
    this.wide = await createBatchNorm(device, options);
    this.inferring = await createBatchNorm(device, { channels: 8, modes: ['infer'] });
    this.any.dispose();
    // @ts-expect-error which calls they have is not known
    this.any.forward(pass, { x, gamma, beta, y, saved }, shape);
  }
}
