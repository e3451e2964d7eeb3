export type { AdapterDescription, Backend, Tensor, TensorData, TensorStorage } from './backend/backend.js';
export { type OpenOptions, type Prefer, openBackend } from './backend/open.js';
export type {
  AnyBatchNormKernels, BackwardBuffers, BatchNormKernels, BatchNormOptions, CallBuffers, CallName, ForwardBuffers, FrozenBuffers, GradientInputBuffers,
  GradientOptions, GradientSumsBuffers, InferBuffers, MergeBuffers, MomentsBuffers, NormalizeBuffers, PartOptions, PartsOptions, PreparedShape, RowBuffers,
  RunningBuffers,
} from './kernels/calls.js';
export { createBatchNorm } from './kernels/create.js';
export { type Tuning, tune } from './kernels/tune.js';
export { BatchNorm } from './layer/batchNorm.js';
export type { BackwardOptions, CallOptions, Exchange, ForwardOptions, LayerOptions } from './layer/options.js';
export { type Folded, type FoldOptions, type InferenceState, type LinearLayer, type Precision, foldInto, toScaleShift } from './layer/fold.js';
export { type FollowingLayer, foldFrom } from './layer/foldFrom.js';
export type { NamedTensor, UnreadEntry } from './layer/entry.js';
export type { Library } from './layer/libraries.js';
export { type NamedBatchNorm, type NamedState, type NamesOptions, fromNames, listBatchNorms, toNames } from './layer/names.js';
export { presets } from './layer/presets.js';
export {
  type ReadSafetensorsOptions, type SafetensorsEntries, type WriteSafetensorsOptions, readSafetensors, readSafetensorsMetadata, writeSafetensors,
} from './layer/safetensors.js';
export type { BatchNormState, LoadableState } from './layer/state.js';
export type { BufferView, TensorView } from './core/buffers.js';
export { type HalfStorage, type Storage, packHalf, storageBytes, unpackHalf } from './core/storage.js';
export type { Activation, ActivationFunctions, ActivationName, CustomActivation, LeakyRelu } from './core/activations.js';
export type { AdapterClass, CommonOptions, DeviceLimits, Mode, Numbers, PlanKind, RowMask, RunningVariance } from './core/options.js';
export type { BatchShape, Layout } from './core/shape.js';
export { RUNNING_STAYED, RUNNING_VARIANCE_STAYED, type SavedViews, savedBytes, savedViews } from './core/saved.js';
