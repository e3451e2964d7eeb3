export type { AdapterDescription, Backend } from './backend/backend.js';
export { type OpenOptions, openBackend } from './backend/open.js';
export type { Tensor } from './backend/tensor.js';
export {
  type BackwardBuffers, type BatchNormKernels, type BatchNormOptions, type ForwardBuffers,
  type FrozenBuffers, type InferBuffers, createBatchNorm,
} from './kernels/batchnorm.js';
export { type Tuning, tune } from './kernels/tune.js';
export { BatchNorm, type CallOptions, type LayerOptions } from './layer/batchNorm.js';
export { presets } from './layer/presets.js';
export type { BatchNormState, LoadableState } from './layer/state.js';
export type { BufferView } from './plan/checks.js';
export type { Mode, Numbers, RunningVariance } from './plan/options.js';
export type { AdapterClass, PlanKind } from './plan/plan.js';
export type { BatchShape, Layout } from './plan/shape.js';
export { type SavedViews, savedBytes, savedViews } from './plan/saved.js';
