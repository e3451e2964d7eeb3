import { checkEps, checkNames } from '../core/options.js';
import { checkCount, describe } from '../core/shape.js';
import { type Floats, invStdOf } from '../reference/types.js';

/**
 * What inference normalizes with, channels elements each; gamma and beta 1 and 0 where left out. The running statistics are optional
 * in the type only, so that `{ ...(await layer.state()), eps }` is one.
 */
export interface InferenceState {
  gamma?: Floats | readonly number[];
  beta?: Floats | readonly number[];
  runningMean?: Floats | readonly number[];
  runningVar?: Floats | readonly number[];
  eps: number;
  /** Not read; here so that a layer's state fits. */
  batches?: number;
}

/** The layer beside a batch norm: linear or convolution. */
export interface LinearLayer {
  /** The elements of `shape`, last axis innermost. */
  weight: Floats | readonly number[];
  shape: readonly number[];
  /** An element per output channel. Default 0. */
  bias?: Floats | readonly number[];
  /**
   * The axis of `shape` that numbers the output channels, from the end where negative; or several that number them together, the
   * slowest first. Never guessed: on a square matrix a wrong guess would go unseen.
   */
  outputAxis: number | readonly number[];
}

/** How results are stored: each is computed in f64 and rounded once. */
export type Precision = 'f32' | 'f64';

export interface FoldOptions<P extends Precision> {
  /** Default `'f32'`. */
  precision?: P;
}

export type Folded<P extends Precision> = P extends 'f64' ? Float64Array : Float32Array;

const STATE_NAMES = ['gamma', 'beta', 'runningMean', 'runningVar', 'eps', 'batches'];
export const LAYER_NAMES = ['weight', 'shape', 'bias', 'outputAxis'];

/**
 * Inference batch norm as one multiplication and one addition.
 *
 *     y = scale · x + shift        scale = gamma / √(runningVar + eps)        shift = beta − runningMean · scale
 *
 * Where |runningMean| is large beside the deviation, scale · x and shift cancel: in f32 that costs about
 * 2⁻²⁴ · |gamma| · |runningMean| / deviation of y, which `infer`, subtracting first, does not lose. With `eps` 0 a channel of
 * variance 0 has scale 0 and shift beta; whatever the eps, so has one of variance ∞.
 *
 * @returns `scale` and `shift`, channels elements each.
 * @throws {TypeError} {RangeError} an entry is missing, unknown, of another length, not finite, or a variance that is NaN or below −eps; or a
 *   result overflows f32.
 */
export function toScaleShift<P extends Precision = 'f32'>(
  batchNorm: InferenceState,
  options: FoldOptions<P> = {},
): { scale: Folded<P>; shift: Folded<P> } {
  const call = 'toScaleShift';
  const precision = precisionOf(call, options);
  const { mean, scale, beta } = coefficients(call, batchNorm);
  const shift = beta.map((value, c) => value - mean[c] * scale[c]);
  return { scale: store(call, 'scale', scale, precision), shift: store(call, 'shift', shift, precision) };
}

/**
 * Folds inference batch norm into the linear layer or convolution it directly follows.
 *
 *     batchNorm(W · x + b) = W′ · x + b′        W′ = scale · W        b′ = (b − runningMean) · scale + beta
 *
 * Exact for any stride, dilation, padding and groups: each output channel is scaled and shifted as a whole, wherever it stands.
 * Nothing may lie between the two, no activation either.
 *
 * | layer | shape | outputAxis |
 * | --- | --- | --- |
 * | PyTorch Linear; Conv, any groups; ONNX Conv | [out, in]; [out, in/groups, …] | 0 |
 * | Keras Dense; Conv1D, 2D, 3D (HWIO), any groups | [in, out]; […, in/groups, out] | −1 |
 * | Keras DepthwiseConv, output channel in · multiplier | […, in, multiplier] | [−2, −1] |
 * | Keras Conv2DTranspose | [h, w, out, in] | −2 |
 * | PyTorch ConvTranspose | [in, out/groups, …] | 1; with `groups`, where they are more than 1 |
 *
 * @param layer - with `groups`, which only PyTorch's ConvTranspose needs: its groups lie along the first axis.
 * @returns `weight`, of the layer's shape, and `bias`, an element per output channel, whether or not there was one.
 * @throws {TypeError} {RangeError} the layer's output channels are not the batch norm's; else as `toScaleShift`, for the layer too.
 * @example const { weight, bias } = foldInto({ weight, shape: [64, 32, 3, 3], outputAxis: 0 }, { ...(await bn.state()), eps: 1e-5 });
 */
export function foldInto<P extends Precision = 'f32'>(
  layer: LinearLayer & { groups?: number },
  batchNorm: InferenceState,
  options: FoldOptions<P> = {},
): { weight: Folded<P>; bias: Folded<P> } {
  const call = 'foldInto';
  const precision = precisionOf(call, options);
  const { channels, mean, scale, beta } = coefficients(call, batchNorm);
  checkLayer(call, layer, [...LAYER_NAMES, 'groups']);
  const { shape, axes } = grouped(call, layer);
  checkOutput(call, layer, shape, axes, channels);
  const { weight, bias } = checkValues(call, layer, channels);

  const steps = shape.map(() => 0); // channels to the next element along each axis
  let step = 1;
  for (const axis of [...axes].reverse()) {
    steps[axis] = step;
    step *= shape[axis];
  }
  const folded = new Float64Array(weight.length);
  let i = 0;
  const walk = (axis: number, first: number): void => {
    for (let place = 0, channel = first; place < shape[axis]; place++, channel += steps[axis]) {
      if (axis < shape.length - 1) walk(axis + 1, channel);
      else {
        folded[i] = weight[i] * scale[channel];
        i++;
      }
    }
  };
  walk(0, 0);
  const foldedBias = beta.map((value, c) => ((bias ? bias[c] : 0) - mean[c]) * scale[c] + value);
  return { weight: store(call, 'weight', folded, precision), bias: store(call, 'bias', foldedBias, precision) };
}

/** What every fold multiplies and adds, in f64. */
export function coefficients(call: string, batchNorm: InferenceState) {
  checkNames(call, batchNorm, STATE_NAMES);
  const { gamma, beta, runningMean, runningVar, eps } = batchNorm;
  checkEps(call, eps);
  for (const [name, array] of Object.entries({ runningMean, runningVar })) {
    if (array === undefined) {
      throw new TypeError(
        `${call}: "${name}" is undefined, needs one element per channel (inference goes by it). Take it from a layer with trackRunning: true.`,
      );
    }
  }
  checkArray(call, 'runningMean', runningMean);
  // The entry to blame is the one that differs from the others, be it the first.
  const others = [runningVar, gamma, beta].flatMap((array) => array?.length ?? []);
  const channels = others.length > 1 && others.every((length) => length === others[0]) ? others[0] : runningMean.length;
  if (channels === 0) throw new RangeError(`${call}: "runningMean" has 0 elements, needs one per channel. Give the state of the layer.`);
  for (const [name, array] of Object.entries({ runningMean, runningVar, gamma, beta })) {
    if (array === undefined) continue;
    checkLength(call, name, array, channels, `those of ${channels === runningMean.length ? 'runningMean' : 'runningVar'}, one per channel`);
    if (name === 'runningVar') checkVariance(call, name, array, eps);
    else checkFinite(call, name, array);
  }
  const scale = Float64Array.from(runningVar!, (variance, c) => (gamma ? gamma[c] : 1) * invStdOf(variance, eps));
  return { channels, mean: Float64Array.from(runningMean), scale, beta: beta ? Float64Array.from(beta) : new Float64Array(channels) };
}

export function checkLayer(call: string, layer: LinearLayer, names: readonly string[]): void {
  checkNames(call, layer, names);
  const { shape } = layer;
  if (!Array.isArray(shape)) throw new TypeError(`${call}: "shape" is ${describe(shape)}, needs an array such as [out, in].`);
  if (shape.length === 0) throw new RangeError(`${call}: "shape" is [], needs at least one axis. Give the shape of the weight.`);
  for (let axis = 0; axis < shape.length; axis++) checkCount(call, `shape[${axis}]`, shape[axis]);
}

/** The layer's output axes, counted from the start. */
export function axesOf(call: string, { shape, outputAxis }: LinearLayer, name = 'outputAxis'): number[] {
  const given: readonly unknown[] = Array.isArray(outputAxis) ? outputAxis : [outputAxis];
  const rank = shape.length;
  const needs = `needs an axis of shape [${shape.join(', ')}] (${-rank} to ${rank - 1})`;
  if (given.length === 0) throw new RangeError(`${call}: "${name}" is [], ${needs}.`);
  const axes = given.map((axis) => {
    if (typeof axis !== 'number') throw new TypeError(`${call}: "${name}" is ${describe(axis)}, ${needs}.`);
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) throw new RangeError(`${call}: "${name}" is ${axis}, ${needs}.`);
    return axis < 0 ? axis + rank : axis;
  });
  if (new Set(axes).size < axes.length) {
    throw new RangeError(`${call}: "${name}" is [${given.join(', ')}], needs different axes. Name each once.`);
  }
  return axes;
}

/** PyTorch's ConvTranspose [in, out/groups, …] as [groups, in/groups, out/groups, …]: its channels are axes 0 and 2. */
function grouped(call: string, layer: LinearLayer & { groups?: number }): { shape: readonly number[]; axes: number[] } {
  const { shape, groups = 1 } = layer;
  const axes = axesOf(call, layer);
  checkCount(call, 'groups', groups);
  if (groups === 1) return { shape, axes };
  if (axes.length !== 1 || axes[0] !== 1) {
    throw new RangeError(
      `${call}: "groups" is ${groups}, needs 1 unless "outputAxis" is 1 (a transposed convolution [in, out/groups, …]; ` +
        `elsewhere the output axis has all groups). Leave it out.`,
    );
  }
  if (shape[0] % groups !== 0) {
    throw new RangeError(`${call}: "groups" is ${groups}, needs a divisor of the ${shape[0]} input channels (shape[0]). Give that of the layer.`);
  }
  return { shape: [groups, shape[0] / groups, ...shape.slice(1)], axes: [0, 2] };
}

function checkOutput(call: string, layer: LinearLayer & { groups?: number }, shape: readonly number[], axes: readonly number[], channels: number): void {
  const outputs = axes.reduce((product, axis) => product * shape[axis], 1);
  if (outputs === channels) return;
  const { groups = 1, outputAxis } = layer;
  const said = Array.isArray(outputAxis) ? `[${outputAxis.join(', ')}]` : String(outputAxis);
  throw new RangeError(
    `${call}: "shape" [${layer.shape.join(', ')}] has ${outputs} output channels (outputAxis ${said}${groups > 1 ? `, groups ${groups}` : ''}), ` +
      `needs the batch norm's ${channels}. Correct "outputAxis"${axes[0] === 1 || groups > 1 ? ' or "groups"' : ''}, or give the batch norm after this layer.`,
  );
}

export function checkValues(call: string, { weight, shape, bias }: LinearLayer, outputs: number) {
  checkLength(call, 'weight', weight, shape.reduce((product, size) => product * size, 1), `shape [${shape.join(', ')}]`);
  checkFinite(call, 'weight', weight);
  if (bias !== undefined) {
    checkLength(call, 'bias', bias, outputs, 'one per output channel');
    checkFinite(call, 'bias', bias);
  }
  return { weight, bias };
}

function checkArray(call: string, name: string, array: unknown): asserts array is Floats | readonly number[] {
  if (!(array instanceof Float32Array) && !(array instanceof Float64Array) && !Array.isArray(array)) {
    throw new TypeError(`${call}: "${name}" is ${describe(array)}, needs a Float32Array, a Float64Array or an array of numbers.`);
  }
}

function checkLength(call: string, name: string, array: unknown, length: number, from: string): void {
  checkArray(call, name, array);
  if (array.length !== length) {
    throw new RangeError(`${call}: "${name}" has ${array.length} elements, needs ${length} (${from}). Give an array of that length.`);
  }
}

function checkFinite(call: string, name: string, array: Floats | readonly number[]): void {
  for (let i = 0; i < array.length; i++) {
    const value: unknown = array[i];
    if (!Number.isFinite(value)) throw new RangeError(`${call}: "${name}" has ${describe(value)} at ${i}, needs finite numbers. Correct it before folding.`);
  }
}

/** Inference gives NaN of a variance that is NaN or below −eps, which no folded weight should hide. */
function checkVariance(call: string, name: string, array: Floats | readonly number[], eps: number): void {
  for (let i = 0; i < array.length; i++) {
    const value: unknown = array[i];
    if (typeof value === 'number' && !Number.isNaN(invStdOf(value, eps))) continue;
    throw new RangeError(`${call}: "${name}" has ${describe(value)} at ${i}, needs numbers of at least −eps ${-eps}. Correct it before folding.`);
  }
}

export function precisionOf<P extends Precision>(call: string, options: FoldOptions<P>): Precision {
  checkNames(call, options, ['precision']);
  const precision: unknown = options.precision ?? 'f32';
  if (precision !== 'f32' && precision !== 'f64') throw new RangeError(`${call}: "precision" is ${describe(precision)}, needs 'f32' or 'f64'.`);
  return precision;
}

/** Rounds a result to what was asked for; a tiny variance with eps 0 may not fit. */
export function store<P extends Precision>(call: string, name: string, exact: Float64Array, precision: Precision): Folded<P> {
  const stored = precision === 'f64' ? exact : new Float32Array(exact);
  for (let i = 0; i < stored.length; i++) {
    if (Number.isFinite(stored[i])) continue;
    throw new RangeError(
      `${call}: "${name}" would be ${exact[i]} at ${i}, needs a finite ${precision} (gamma / √(runningVar + eps) is too large). ` +
        `${precision === 'f32' && Number.isFinite(exact[i]) ? `Ask for precision: 'f64', or raise eps` : 'Raise eps'}.`,
    );
  }
  return stored as Folded<P>;
}
