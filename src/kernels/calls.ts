import type { BufferView, TensorView } from '../core/buffers.js';
import type { CommonOptions, Mode, RowMask } from '../core/options.js';
import type { BatchShape } from '../core/shape.js';
import type { OPERATIONS } from './operations.js';

/** Options of `createBatchNorm`. */
export interface BatchNormOptions extends CommonOptions {
  /**
   * What will be called: `'train'` forward and backward, `'infer'` infer, `'frozen'` backwardFrozen, `'phases'` moments,
   * merge, normalize, gradientSums and gradientInput. Default the first three.
   */
  modes?: readonly Mode[];
  /**
   * What is compiled now, while JavaScript runs on. A call that none of these is compiles what it needs at once, which stops the
   * thread for as long as that takes. Default none; `prepare` does the same later.
   */
  shapes?: readonly PreparedShape[];
}

/** The calls of `BatchNormKernels`. */
export type CallName = keyof typeof OPERATIONS;

/** What decides, beside the options, which pipelines calls need: their shape, as they say it, and what they are given. */
export type PreparedShape = BatchShape & {
  /** Which calls will have it. Default all of the modes. */
  calls?: readonly CallName[];
  /** Whether `forward` and `merge` will be given running statistics. Default true. */
  running?: boolean;
  /** Whether y will stand over x, and dx over dy, where a call and the options allow it. Default false. */
  inPlace?: boolean;
};

/** Of a backward call. */
export interface GradientOptions {
  /** Adds to what dgamma and dbeta hold instead of replacing it; dx is this batch's own all the same. Default false. */
  accumulate?: boolean;
}

/** Which of several parts a call makes. */
export interface PartOptions {
  /** Index of the part that is written. Default 0. */
  part?: number;
}

/** How many parts a call takes together. */
export interface PartsOptions {
  /** Default 1. */
  parts?: number;
}

/** Both, either or neither: what is known of an option where the types are read. */
type Known = boolean;
type And<A extends Known, B extends Known> =
  [A] extends [false] ? false : [B] extends [false] ? false : [A] extends [true] ? ([B] extends [true] ? true : boolean) : boolean;
type Not<A extends Known> = [A] extends [true] ? false : [A] extends [false] ? true : boolean;
type Or<A extends Known, B extends Known> = Not<And<Not<A>, Not<B>>>;
/** Whether an option's value is that one. */
type Is<V, One> = [V] extends [One] ? true : One extends V ? boolean : false;
/** What an option is, by the options' type; its default where they leave it out. */
type Value<O, K extends keyof BatchNormOptions, Default> =
  O extends unknown ? (K extends keyof O ? (undefined extends O[K] ? Exclude<O[K], undefined> | Default : O[K]) : Default) : never;

type Gamma<O> = Is<Value<O, 'gamma', true>, true>;
type Beta<O> = Is<Value<O, 'beta', true>, true>;
type Residual<O> = Is<Value<O, 'residual', false>, true>;
type Activated<O> = Not<Is<Value<O, 'activation', 'none'>, 'none'>>;
type Masked<O, By extends RowMask> = Is<Value<O, 'mask', 'none'>, By>;
type Cumulative<O> = Is<Value<O, 'momentum', number>, 'cumulative'>;
type Needed<Of, O> = Of extends 'values' ? true : Activated<O>;

/** Whether an operation has an argument: `presentIn` of `operations.ts`, in types. */
interface Present<Of, O> {
  gamma: Gamma<O>;
  dgamma: Gamma<O>;
  beta: And<Beta<O>, Needed<Of, O>>;
  dbeta: Beta<O>;
  residual: And<Residual<O>, Needed<Of, O>>;
  dresidual: And<Residual<O>, Or<Activated<O>, Not<Masked<O, 'none'>>>>;
  mask: Masked<O, 'rows'>;
  validRows: Masked<O, 'count'>;
  batches: Cumulative<O>;
}

type Matrix = 'x' | 'dy' | 'residual' | 'y' | 'dx' | 'dresidual';
type ViewOf<Name> = Name extends Matrix ? TensorView : BufferView;
type When<Name, Of, O> = Name extends keyof Present<Of, O> ? Present<Of, O>[Name] : true;

/** The buffers of those names: needed, of either kind, or not there. */
type Given<Names extends string, Of, O> =
  & { [Name in Names as [When<Name, Of, O>] extends [true] ? Name : never]: ViewOf<Name> }
  & { [Name in Names as [When<Name, Of, O>] extends [false] ? Name : never]?: undefined }
  & { [Name in Names as [When<Name, Of, O>] extends [true] ? never : [When<Name, Of, O>] extends [false] ? never : Name]?: ViewOf<Name> };

/** Where statistics are kept from batch to batch: all of them given, or none. With `momentum: 'cumulative'` also `batches`, channels u32. */
export type RunningBuffers<O = BatchNormOptions> = BatchNormOptions extends O
  ? { runningMean?: BufferView; runningVar?: BufferView; batches?: BufferView }
  : Given<'runningMean' | 'runningVar' | 'batches', 'values', O> | { runningMean?: undefined; runningVar?: undefined; batches?: undefined };

type Row<Name extends CallName> = (typeof OPERATIONS)[Name];

/**
 * What a call reads and writes, by the options: exactly those buffers that they have. A tensor may come as several buffers in a row.
 *
 * `mask` is rows u32, 0 where a row does not count; `validRows` one u32, the rows from the first on that count.
 */
export type CallBuffers<Name extends CallName, O = BatchNormOptions> =
  & Given<Row<Name>['reads'][number] | Row<Name>['writes'][number], Row<Name>['of'], O>
  & (Row<Name> extends { running: 'updated' } ? RunningBuffers<O> : unknown);

export type ForwardBuffers<O = BatchNormOptions> = CallBuffers<'forward', O>;
export type BackwardBuffers<O = BatchNormOptions> = CallBuffers<'backward', O>;
export type FrozenBuffers<O = BatchNormOptions> = CallBuffers<'backwardFrozen', O>;
export type InferBuffers<O = BatchNormOptions> = CallBuffers<'infer', O>;
export type MomentsBuffers<O = BatchNormOptions> = CallBuffers<'moments', O>;
export type MergeBuffers<O = BatchNormOptions> = CallBuffers<'merge', O>;
export type NormalizeBuffers<O = BatchNormOptions> = CallBuffers<'normalize', O>;
export type GradientSumsBuffers<O = BatchNormOptions> = CallBuffers<'gradientSums', O>;
export type GradientInputBuffers<O = BatchNormOptions> = CallBuffers<'gradientInput', O>;

/** Which rows count, for kernels created with `mask`. */
export interface RowBuffers {
  /** With `mask: 'rows'`: rows u32, 0 where a row does not count, else where it does, in (batch, spatial) order. */
  mask?: BufferView;
  /** With `mask: 'count'`: one u32, the rows from the first on that count; all where it is more than there are. */
  validRows?: BufferView;
}

/** What kernels are and have, whatever their options. */
interface Common {
  readonly device: GPUDevice;
  readonly channels: number;
  /** Receives what WebGPU reports only after a call has returned: a buffer of another device, memory that ran out. */
  onError: ((error: Error) => void) | null;
  /**
   * Compiles what calls of these shapes will need, all of it side by side, while JavaScript runs on.
   *
   * For tensors in one buffer each: what those in several need besides is compiled at their first call.
   *
   * @param shapes - each as a call says it, with which calls, and what they are given: `{ rows: 128, calls: ['infer'], inPlace: true }`.
   * @throws {TypeError} {RangeError} a shape is not as a call needs it; then nothing is compiled.
   * @throws {Error} a kernel did not compile: calls of that shape throw the same; the device is lost, or this object disposed.
   * @example await bn.prepare({ rows: 128 }, { rows: 100, calls: ['infer'] });
   */
  prepare(...shapes: PreparedShape[]): Promise<void>;
  /**
   * Creates a `saved` buffer: 6·channels words, written by `forward`, read by `backward`, owned by the caller.
   * Its bytes, read back, are viewed by `savedViews`.
   */
  createSaved(): GPUBuffer;
  /** Creates a `moments` buffer of `parts` blocks of 4·channels words, owned by the caller; it may be copied to and from. */
  createMoments(parts?: number): GPUBuffer;
  /** Creates a `sums` buffer of `parts` blocks of 2·channels f32, owned by the caller; it may be copied to and from. */
  createSums(parts?: number): GPUBuffer;
  /** Frees the plans' scratch. Work recorded but not yet submitted becomes invalid; the device and the caller's buffers stay. */
  dispose(): void;
}

/** The calls of mode `'train'`. */
interface TrainCalls<O> {
  /**
   * Records the training-mode forward pass.
   *
   *     y = gamma · (x − mean) · invStd + beta        invStd = 1 / √(variance + eps)
   *
   * The batch mean and variance pool all rows of one channel; `variance` is biased (÷ rows). The residual is added and
   * the ReLU taken after that, in the same pass; y is rounded to its storage once.
   * Ioffe & Szegedy 2015, Algorithm 1 — https://arxiv.org/abs/1502.03167
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch where a workgroup can own
   * all rows of its channels and the device binds buffers enough, else three (more where a tensor is larger than a
   * binding); the pass is left open with this library's pipeline and bind group 0 set.
   *
   * @param pass - open compute pass.
   * @param buffers - owned by the caller, sizes in elements, exactly those the options have:
   *   reads `x` and `residual` rows·channels (in the storage of the options, others f32), `gamma` and `beta` channels, and
   *   `mask` rows u32 or `validRows` one u32: rows that do not count have y = 0 and may hold anything;
   *   writes `y` rows·channels, and `saved` 6·channels words (from `createSaved()`; keep it for `backward`);
   *   updates `runningMean` and `runningVar`, channels each, and `batches`, when all are given.
   *   A tensor may come as several buffers in a row, each but the last a multiple of 256 bytes.
   * @param shape - `{ rows }`; channels-first `{ batch, spatial }`; either `{ shape }`, the tensor's own.
   * @throws {RangeError} a buffer is smaller than its size above, misplaced, or larger than the device binds;
   *   the shape cannot be computed with; one row where an unbiased running variance is updated; a forced plan
   *   cannot take the shape.
   * @throws {TypeError} a buffer is missing, not wanted, lacks STORAGE usage, or is read and written at once.
   * @throws {Error} the device is lost, or this object disposed.
   * @example bn.forward(pass, { x, gamma, beta, y, saved }, { rows: 128 });
   */
  forward(pass: GPUComputePassEncoder, buffers: ForwardBuffers<O>, shape: BatchShape): void;
  /**
   * Records the closed-form backward pass of the last `forward` with the same `x` and `saved`.
   *
   *     dz    = f′(z) · dy behind an activation f of z = gamma · xHat + beta (+ residual); else dy
   *     dbeta = Σ dz        dgamma = Σ dz · xHat        dresidual = dz
   *     dx    = gamma · invStd · (dz − dbeta/rows − xHat · dgamma/rows)
   *
   * Ioffe & Szegedy 2015, section 3, simplified — https://arxiv.org/abs/1502.03167
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch or three, as `forward`.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - owned by the caller, sizes in elements, exactly those the options have:
   *   reads `x` and `dy` rows·channels, `gamma` channels, `saved` as `forward` left it, `mask` or `validRows` as there;
   *   behind an activation also `beta` and `residual` as there;
   *   writes `dx` rows·channels, `dgamma` and `dbeta` channels; with a residual also, behind an activation
   *   or where rows are masked, `dresidual` rows·channels, 0 in masked rows. Else that is dy.
   *   With `inPlace`, `dx` may be exactly `dy`.
   * @throws as `forward`.
   * @example bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, { rows: 128 });
   */
  backward(pass: GPUComputePassEncoder, buffers: BackwardBuffers<O>, shape: BatchShape, options?: GradientOptions): void;
}

/** The call of mode `'frozen'`. */
interface FrozenCalls<O> {
  /**
   * Records the backward pass of `infer`: the running statistics are constants, no gradient flows through them.
   *
   *     dbeta = Σ dz        dgamma = Σ dz · xHat        dx = gamma · invStd · dz        (dz as in `backward`)
   *
   * Nothing runs until the caller submits; the arguments are checked now. One dispatch or three, as `forward`; four where
   * the three would need nine buffers (mask, residual, activation, gamma and beta together); one where the options have neither
   * gamma nor beta.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - as `backward`, with `runningMean` and `runningVar`, channels f32 each, in the place of `saved`.
   * @throws as `forward`.
   * @example bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, { rows: 128 });
   */
  backwardFrozen(pass: GPUComputePassEncoder, buffers: FrozenBuffers<O>, shape: BatchShape, options?: GradientOptions): void;
}

/** The call of mode `'infer'`. */
interface InferCalls<O> {
  /**
   * Records inference: the running statistics take the batch's place.
   *
   *     y = gamma · (x − runningMean) / √(runningVar + eps) + beta
   *
   * Ioffe & Szegedy 2015, Algorithm 2, line 11 — https://arxiv.org/abs/1502.03167. A row's result does
   * not depend on the other rows of the batch, to the bit. One dispatch.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - owned by the caller, sizes in elements, exactly those the options have:
   *   reads `x` and `residual` rows·channels, `gamma`, `beta`, `runningMean`, `runningVar` channels, `mask` or `validRows`;
   *   writes `y` rows·channels. With `inPlace`, `y` may be exactly `x`.
   * @throws as `forward`.
   * @example bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, { rows: 1 });
   */
  infer(pass: GPUComputePassEncoder, buffers: InferBuffers<O>, shape: BatchShape): void;
}

/** The calls of mode `'phases'`. */
interface PhaseCalls<O> {
  /**
   * Records the first phase of a forward in parts: one part's moments.
   *
   *     count, mean = Σ x / count, m2 = Σ (x − mean)²
   *
   * Parts may be micro-batches, workers' shares of a batch, of unequal size or without a row that counts. Chan, Golub &
   * LeVeque 1983.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads `x` rows·channels, and `mask` or `validRows`; writes block `part` of `moments` (from
   *   `createMoments(parts)`): [parts, 4, channels] words: count (u32), mean, meanLow, m2 (f32).
   * @throws as `forward`.
   * @example bn.moments(pass, { x, moments }, { rows: 64 }, { part: 1 });
   */
  moments(pass: GPUComputePassEncoder, buffers: MomentsBuffers<O>, shape: BatchShape, options?: PartOptions): void;
  /**
   * Records the second phase: all parts' moments to the statistics of the whole.
   *
   *     delta = b.mean − a.mean        mean = a.mean + delta · b.count / count
   *     m2    = a.m2 + b.m2 + delta² · a.count · b.count / count
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads `parts` blocks of `moments`; writes `saved`, as `forward` does; updates `runningMean`,
   *   `runningVar` and `batches` when given.
   * @throws as `forward`.
   * @example bn.merge(pass, { moments, saved, runningMean, runningVar }, { parts: 2 });
   */
  merge(pass: GPUComputePassEncoder, buffers: MergeBuffers<O>, options?: PartsOptions): void;
  /**
   * Records the last phase of a forward: y from a part's x and the statistics of the whole.
   *
   * @param buffers - as `forward`, where `saved` is read and was written by `merge`. With `inPlace`, `y` may be exactly `x`.
   * @throws as `forward`.
   * @example bn.normalize(pass, { x, saved, gamma, beta, y }, { rows: 64 });
   */
  normalize(pass: GPUComputePassEncoder, buffers: NormalizeBuffers<O>, shape: BatchShape): void;
  /**
   * Records the first phase of a backward in parts: one part's shares of dbeta and dgamma.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads as `backward`, `saved` being that of the whole; writes block `part` of `sums` (from
   *   `createSums(parts)`): [parts, 2, channels] f32: Σ dz, Σ dz · xHat. The sum of all parts' blocks is dbeta and dgamma.
   * @throws as `forward`.
   * @example bn.gradientSums(pass, { x, dy, gamma, saved, sums }, { rows: 64 }, { part: 1 });
   */
  gradientSums(pass: GPUComputePassEncoder, buffers: GradientSumsBuffers<O>, shape: BatchShape, options?: PartOptions): void;
  /**
   * Records the last phase of a backward: dgamma and dbeta of the whole, and a part's dx.
   *
   * The rows that dx divides by are those `merge` counted into `saved`. Each call has the whole batch's dgamma and dbeta, so of
   * several parts' calls at most one may accumulate them.
   *
   * @param pass - open compute pass; left open.
   * @param buffers - reads as `backward`, and `parts` blocks of `sums`; writes `dx`, `dresidual`, `dgamma` and `dbeta` as
   *   there. With `inPlace`, `dx` may be exactly `dy`.
   * @throws as `forward`.
   * @example bn.gradientInput(pass, { x, dy, gamma, saved, sums, dx, dgamma, dbeta }, { rows: 64 }, { parts: 2 });
   */
  gradientInput(pass: GPUComputePassEncoder, buffers: GradientInputBuffers<O>, shape: BatchShape, options?: GradientOptions & PartsOptions): void;
}

type ModesOf<O> = Value<O, 'modes', readonly ['train', 'infer', 'frozen']> extends readonly (infer M)[] ? M : never;
type If<O, M extends Mode, Calls> = M extends ModesOf<O> ? Calls : unknown;

/**
 * Batch norm kernels on one device for one number of channels, with the calls and the buffers that the options have. Made by
 * `createBatchNorm`. With options of a wide type a call takes every buffer that some options have.
 */
export type BatchNormKernels<O = BatchNormOptions> =
  Common & If<O, 'train', TrainCalls<O>> & If<O, 'frozen', FrozenCalls<O>> & If<O, 'infer', InferCalls<O>> & If<O, 'phases', PhaseCalls<O>>;

/** Any kernels, whatever their options: what to type a field by that holds some of them. */
export type AnyBatchNormKernels =
  Common & Partial<TrainCalls<BatchNormOptions> & FrozenCalls<BatchNormOptions> & InferCalls<BatchNormOptions> & PhaseCalls<BatchNormOptions>>;
