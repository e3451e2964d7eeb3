import type { Numbers } from '../core/options.js';

/**
 * The numbers other libraries use, with momentum as the weight of the new batch. Spread one into the options.
 *
 * - `pytorch`: torch.nn.BatchNorm1d — eps 1e-5, momentum 0.1, unbiased running variance.
 * - `keras`: keras.layers.BatchNormalization — epsilon 1e-3, their momentum 0.99 weighs the old value.
 * - `onnx`: BatchNormalization, opset 15 — epsilon 1e-5, their momentum 0.9 weighs the old value.
 * - `cs231n`: the course's assignment 2 — eps 1e-5, their momentum 0.9 weighs the old value.
 */
export const presets = {
  pytorch: { eps: 1e-5, momentum: 0.1, runningVariance: 'unbiased' },
  keras: { eps: 1e-3, momentum: 0.01, runningVariance: 'biased' },
  onnx: { eps: 1e-5, momentum: 0.1, runningVariance: 'biased' },
  cs231n: { eps: 1e-5, momentum: 0.1, runningVariance: 'biased' },
} as const satisfies Record<string, Numbers>;
