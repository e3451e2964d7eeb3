import { checkCount, describe } from '../core/shape.js';
import {
  type FoldOptions, type Folded, type InferenceState, LAYER_NAMES, type LinearLayer, type Precision, axesOf, checkLayer, checkValues, coefficients, precisionOf,
    store,
} from './fold.js';

/** The layer behind a batch norm. */
export interface FollowingLayer extends LinearLayer {
  /**
   * The axis of `shape` that numbers the input channels of a group. Default, with two axes: the other one; in a convolution the one
   * behind the output axis 0, before the output axis −1, or the slower of two output axes, as in the table of `foldFrom`.
   */
  inputAxis?: number;
  /** Of a convolution. Default 1. */
  groups?: number;
  /**
   * Of a convolution: what stands around its input, in pixels or by Keras's name. Default 0 where the kernel is of size 1; a larger one
   * has to say it. Padding with the tensor's own values (reflect, replicate, circular) is none here.
   */
  padding?: number | readonly number[] | 'valid' | 'same';
  /** Of a dense layer behind a flatten: which memory order was flattened. */
  flatten?: 'channelsFirst' | 'channelsLast';
}

/** The output channel and the batch norm's channel of an element of the weight. */
interface Wiring {
  outputs: number;
  outputOf(i: number): number;
  channelOf(i: number): number;
}

/**
 * Folds inference batch norm into the linear layer or unpadded convolution that directly follows it.
 *
 *     W · batchNorm(x) + b = W′ · x + b′        W′ = W · scale        b′ = b + Σ W · shift, over inputs and kernel
 *
 * `scale` and `shift` are those of the weight's input channel. Nothing may lie between the two, no activation either.
 *
 * A convolution padded with zeros cannot be folded: its padding stands for y = 0, not for x = 0, so at the border the shift would come in
 * where it is not. Only where every shift is 0 does it not matter. Nor can a transposed convolution of a kernel larger than 1, whose
 * outputs see different parts of the kernel.
 *
 * | layer | shape | outputAxis | inputAxis | beside |
 * | --- | --- | --- | --- | --- |
 * | PyTorch Linear | [out, in] | 0 | | behind a flatten: `flatten: 'channelsFirst'` |
 * | Keras Dense | [in, out] | −1 | | behind a flatten: `flatten: 'channelsLast'` |
 * | PyTorch Conv, ONNX Conv | [out, in/groups, …] | 0 | 1 | `groups`, `padding` |
 * | Keras Conv1D, 2D, 3D | […, in/groups, out] | −1 | −2 | `groups`, `padding` |
 * | Keras DepthwiseConv, output channel in · multiplier | […, in, multiplier] | [−2, −1] | −2 | `padding` |
 *
 * @returns `weight`, of the layer's shape, and `bias`, an element per output channel, whether or not there was one.
 * @throws {TypeError} {RangeError} the layer's input channels are not the batch norm's; its padding is not 0, or not said; else as
 *   `toScaleShift`, for the layer too.
 * @example foldFrom({ ...(await bn.state()), eps: 1e-5 }, { weight, shape: [64, 32, 3, 3], outputAxis: 0, padding: 0 });
 */
export function foldFrom<P extends Precision = 'f32'>(
  batchNorm: InferenceState,
  layer: FollowingLayer,
  options: FoldOptions<P> = {},
): { weight: Folded<P>; bias: Folded<P> } {
  const call = 'foldFrom';
  const precision = precisionOf(call, options);
  const { channels, mean, scale, beta } = coefficients(call, batchNorm);
  const shift = beta.map((value, c) => value - mean[c] * scale[c]);
  checkLayer(call, layer, [...LAYER_NAMES, 'inputAxis', 'groups', 'padding', 'flatten']);
  const { outputs, outputOf, channelOf } = layer.shape.length === 2 ? dense(call, layer, channels) : convolution(call, layer, channels);
  if (layer.shape.length > 2) checkPadding(call, layer, shift);
  const { weight, bias } = checkValues(call, layer, outputs);
  const folded = new Float64Array(weight.length);
  const foldedBias = Float64Array.from({ length: outputs }, (_, o) => (bias ? bias[o] : 0));
  for (let i = 0; i < weight.length; i++) {
    const c = channelOf(i);
    folded[i] = weight[i] * scale[c];
    foldedBias[outputOf(i)] += weight[i] * shift[c];
  }
  return { weight: store(call, 'weight', folded, precision), bias: store(call, 'bias', foldedBias, precision) };
}

/** A matrix: each row or column of it is an input, of its own channel or of one that a flatten spread over many. */
function dense(call: string, layer: FollowingLayer, channels: number): Wiring {
  const { shape, flatten, groups = 1, padding = 0 } = layer;
  const [outputAxis, ...more] = axesOf(call, layer);
  if (more.length > 0) {
    throw new RangeError(
      `${call}: "outputAxis" is [${(layer.outputAxis as readonly number[]).join(', ')}], needs one axis (the other has the input). Give 0 or 1.`,
    );
  }
  const inputAxis = layer.inputAxis === undefined ? 1 - outputAxis : axesOf(call, { ...layer, outputAxis: layer.inputAxis }, 'inputAxis')[0];
  if (inputAxis === outputAxis) throw new RangeError(`${call}: "inputAxis" is ${layer.inputAxis}, needs the other axis than "outputAxis". Leave it out.`);
  for (const [name, value, none] of [['groups', groups, 1], ['padding', padding === 'valid' ? 0 : padding, 0]] as const) {
    if (value === none) continue;
    throw new RangeError(
      `${call}: "${name}" is ${describe(value)}, needs ${none} (shape [${shape.join(', ')}] is a matrix). Leave it out, or give a convolution's whole shape.`,
    );
  }
  if (flatten !== undefined && flatten !== 'channelsFirst' && flatten !== 'channelsLast') {
    throw new RangeError(`${call}: "flatten" is ${describe(flatten)}, needs 'channelsFirst' or 'channelsLast'.`);
  }
  const inputs = shape[inputAxis];
  const spatial = inputs / channels;
  if (!Number.isInteger(spatial) || (spatial > 1 && !flatten)) {
    const why = `the batch norm's channels are the layer's input${flatten ? ', times what was flattened' : ''}`;
    const remedy = Number.isInteger(spatial)
      ? `Behind a flatten of ${spatial} values a channel say which: flatten: 'channelsFirst' (PyTorch) or 'channelsLast' (Keras); else correct`
      : 'Correct';
    throw new RangeError(
      `${call}: "shape" is [${shape.join(', ')}], needs ${flatten ? 'a multiple of ' : ''}${channels} at axis ${inputAxis} (${why}). ` +
        `${remedy} "outputAxis", or give the batch norm before this layer.`,
    );
  }
  const place = placeOf(shape);
  const channelOf = flatten === 'channelsFirst' ? (i: number) => Math.floor(place(i, inputAxis) / spatial) : (i: number) => place(i, inputAxis) % channels;
  return { outputs: shape[outputAxis], outputOf: (i) => place(i, outputAxis), channelOf };
}

function convolution(call: string, layer: FollowingLayer, channels: number): Wiring {
  const { shape, groups = 1, flatten } = layer;
  const said = `"shape" is [${shape.join(', ')}]`;
  if (flatten !== undefined) throw new RangeError(`${call}: "flatten" is ${describe(flatten)}, needs a matrix (${said}). Leave it out.`);
  if (shape.length === 1) throw new RangeError(`${call}: ${said}, needs two axes at least (an input and an output). Give the shape of the weight.`);
  checkCount(call, 'groups', groups);
  const axes = axesOf(call, layer);
  const inputAxis = inputAxisOf(call, layer, axes);
  const outputs = axes.reduce((product, axis) => product * shape[axis], 1);
  const shared = axes.includes(inputAxis); // depthwise: an output channel's input is part of its number
  if (shared && groups !== 1) {
    throw new RangeError(
      `${call}: "groups" is ${groups}, needs 1 where the input axis is one of the output's (each input is its own group). Leave it out.`,
    );
  }
  if (outputs % groups !== 0) {
    throw new RangeError(
      `${call}: "groups" is ${groups}, needs a divisor of the ${outputs} output channels. Give that of the layer.`,
    );
  }
  const inGroup = shape[inputAxis];
  if (inGroup * groups !== channels) {
    throw new RangeError(
      `${call}: ${said}, needs ${channels}${groups > 1 ? ` / ${groups} groups` : ''} at axis ${inputAxis} (the batch norm's channels are the layer's input). ` +
        `Correct "outputAxis", "inputAxis" or "groups", or give the batch norm before this layer.`,
    );
  }
  const place = placeOf(shape);
  const outputOf = (i: number) => axes.reduce((output, axis) => output * shape[axis] + place(i, axis), 0);
  const perGroup = outputs / groups;
  return { outputs, outputOf, channelOf: (i) => (groups === 1 ? 0 : Math.floor(outputOf(i) / perGroup) * inGroup) + place(i, inputAxis) };
}

function inputAxisOf(call: string, layer: FollowingLayer, axes: readonly number[]): number {
  const rank = layer.shape.length;
  if (layer.inputAxis !== undefined) {
    const [inputAxis] = axesOf(call, { ...layer, outputAxis: layer.inputAxis }, 'inputAxis');
    if (axes.length === 1 && axes[0] === inputAxis) {
      throw new RangeError(
        `${call}: "inputAxis" is ${layer.inputAxis}, needs another axis than "outputAxis". Correct it.`,
      );
    }
    return inputAxis;
  }
  if (axes.length > 1) return axes[0];
  if (axes[0] === 0) return 1;
  if (axes[0] === rank - 1) return rank - 2;
  throw new RangeError(
    `${call}: "inputAxis" is undefined, needs the axis of the input channels (the output's is ${axes[0]} of [${layer.shape.join(', ')}]). Give it; ` +
      `a transposed convolution's outputs see different parts of its kernel: leave it as it is unless the kernel is of size 1.`,
  );
}

/** Zeros around x are no zeros of batch norm's x: they would be shifted. */
function checkPadding(call: string, layer: FollowingLayer, shift: Float64Array): void {
  const { shape, padding } = layer;
  const axes = new Set([...axesOf(call, layer), inputAxisOf(call, layer, axesOf(call, layer))]);
  const kernel = shape.filter((_, axis) => !axes.has(axis));
  const isOne = kernel.every((size) => size === 1);
  if (padding === undefined) {
    if (isOne) return;
    throw new TypeError(
      `${call}: "padding" is undefined, needs 0 (the kernel is ${kernel.join(' × ')}, and padding would not see the shift). ` +
        `Give the convolution's; if it is not 0 leave the layer as it is.`,
    );
  }
  const said = Array.isArray(padding) ? `[${padding.join(', ')}]` : describe(padding);
  const sizes: readonly unknown[] = typeof padding === 'string' ? [] : Array.isArray(padding) ? padding : [padding];
  if ((typeof padding === 'string' && padding !== 'valid' && padding !== 'same') || !sizes.every((size) => Number.isInteger(size) && (size as number) >= 0)) {
    throw new TypeError(
      `${call}: "padding" is ${said}, needs 0, integers, 'valid' or 'same'.`,
    );
  }
  const isPadded = typeof padding === 'string' ? padding === 'same' && !isOne : sizes.some((size) => size !== 0);
  const c = shift.findIndex((value) => value !== 0);
  if (isPadded && c >= 0) {
    throw new RangeError(
      `${call}: "padding" is ${said}, needs 0 (padded zeros come after the batch norm and do not see ` +
        `its shift, ${shift[c]} in channel ${c}, which a folded bias would add there too). Leave the layer as it is, and run the batch norm before it.`,
    );
  }
}

/** The place along an axis of an element of the weight. */
function placeOf(shape: readonly number[]): (i: number, axis: number) => number {
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  return (i, axis) => Math.floor(i / steps[axis]) % shape[axis];
}
