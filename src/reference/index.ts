// The meaning of correct: pure functions on typed arrays, f64 arithmetic.
export { type Gradients, backward, backwardFrozen } from './backward.js';
export { forward } from './forward.js';
export { type BackwardInputs, type InputGradients, gradientInput, gradientSums } from './gradient.js';
export { type GradientCheck, gradientCheck } from './gradientCheck.js';
export { infer } from './infer.js';
export { type Moments, emptyMoments, merge, moments } from './moments.js';
export { normalize } from './normalize.js';
export { type Population, populationStatistics } from './population.js';
export { type Moved, updateRunning } from './running.js';
export { type StagedBackward, backwardStaged } from './staged.js';
export { statistics } from './statistics.js';
export type { EpilogueInputs, Floats, Statistics } from './types.js';
export type { ValidRows } from './walk.js';
export type { Layout, Shape } from '../core/shape.js';
