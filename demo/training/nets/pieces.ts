// What stands around the batch norm: jax-js functions, each traced once and compiled per shape. A jitted function's arguments are
// consumed; inside, `.ref` is needed where a value is used more than once.
import { jit, lax, nn, numpy as np, vjp } from '@jax-js/jax';
import type { Tensor } from './tensors.js';

/** y = x · weightᵀ: weight is [outputs, inputs], as PyTorch has it. */
export const applyLinear = jit((weight: Tensor, x: Tensor) => np.matmul(x, weight.transpose()));

/** y = x · weightᵀ + bias */
export const applyAffine = jit((weight: Tensor, bias: Tensor, x: Tensor) => np.matmul(x, weight.transpose()).add(bias));

// A linear layer's gradients are written out: by `vjp` jax-js 0.1.25 takes twice the dispatches, each followed by a copy.

/** dweight = dyᵀ · x */
export const weightGradient = jit((x: Tensor, dy: Tensor) => np.matmul(dy.transpose(), x));

/** dx = dy · weight */
export const inputGradient = jit((weight: Tensor, dy: Tensor) => np.matmul(dy, weight));

/** dbias = Σ dy */
export const biasGradient = jit((dy: Tensor) => dy.sum(0));

export const relu = jit((x: Tensor) => nn.relu(x));

/** dx of relu(x) */
export const reluGradient = jit((x: Tensor, dy: Tensor) => {
  const [y, pull] = vjp((x: Tensor) => nn.relu(x), [x]);
  y.dispose();
  const [dx] = pull(dy);
  pull.dispose();
  return dx;
});

/** Cross-entropy of softmax, mean over the rows; `targets` has a 1 in each row. */
function crossEntropy(scores: Tensor, targets: Tensor): Tensor {
  const most = lax.stopGradient(scores.ref.max(1, { keepdims: true }));
  const below = scores.sub(most);
  return np.log(np.exp(below.ref).sum(1)).sub(below.mul(targets).sum(1)).mean();
}

/** Steps whose losses wait on the device to be read. */
export const LOSSES = 256;

/** [losses, dscores]; the loss is put into `losses` at the place `time` mod LOSSES. */
export const lossGradient = jit((losses: Tensor, time: Tensor, scores: Tensor, targets: Tensor) => {
  const [loss, pull] = vjp((scores: Tensor) => crossEntropy(scores, targets.ref), [scores]);
  const [dscores] = pull(np.onesLike(loss.ref));
  pull.dispose();
  targets.dispose();
  return [np.where(np.arange(LOSSES).equal(time.mod(LOSSES)), loss, losses), dscores];
});

/** The rows of a matrix that an index names. */
export const gather = jit((matrix: Tensor, rows: Tensor) => matrix.slice(rows));
