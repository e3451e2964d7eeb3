import { flushed } from '../core/storage.js';
import { type Activation, resolveActivation } from '../core/activations.js';
import { checkEps } from '../core/options.js';
import { type Shape, checkCount, checkLayout, checkShape, describe } from '../core/shape.js';

/** What the reference reads and writes; arithmetic is f64 whichever it is. */
export type Floats = Float32Array | Float64Array;

/** Statistics of one batch, channels elements each. */
export interface Statistics {
  /** Rows they are of: all, or those a mask lets count. */
  count: number;
  mean: Float64Array;
  /** Biased (÷ count); 0 where count is 0. */
  variance: Float64Array;
  /** 1 / √(variance + eps), 0 where both are 0, and NaN where the variance is not finite. */
  invStd: Float64Array;
}

/** What may follow gamma · xHat + beta: y = f(gamma · xHat + beta + residual), each part on its own. */
export interface EpilogueInputs {
  /** rows·channels, in x's layout. */
  residual?: Floats;
  /** f. Default `'none'`. */
  activation?: Activation;
}

/** What one function needs: rows·channels elements each, channels elements each, and what may be left out. */
export interface ArrayNeeds {
  matrices?: Record<string, Floats>;
  vectors?: Record<string, Floats>;
  optionalMatrices?: Record<string, Floats | undefined>;
  optionalVectors?: Record<string, Floats | undefined>;
  eps?: number;
  activation?: Activation;
}

/** Throws unless shape, eps and activation can be computed with and each array has the length it needs. */
export function checkArrays(call: string, shape: Shape, needs: ArrayNeeds): void {
  if (typeof shape !== 'object' || shape === null || Array.isArray(shape)) {
    throw new TypeError(`${call}: "shape" is ${Array.isArray(shape) ? 'an array' : describe(shape)}, needs { rows, channels }.`);
  }
  checkShape(call, shape);
  const { rows, layout = 'channelsLast', spatial = 1 } = shape;
  checkLayout(call, layout);
  checkCount(call, 'spatial', spatial);
  if (rows % spatial !== 0) {
    throw new RangeError(`${call}: "spatial" is ${spatial}, needs a divisor of rows ${rows} (rows = batch · spatial).`);
  }
  if ('eps' in needs) checkEps(call, needs.eps);
  if (needs.activation !== undefined) resolveActivation(call, needs.activation);
  checkEach(call, needs.matrices, shape, true, true);
  checkEach(call, needs.optionalMatrices, shape, true, false);
  checkEach(call, needs.vectors, shape, false, true);
  checkEach(call, needs.optionalVectors, shape, false, false);
}

function checkEach(call: string, arrays: ArrayNeeds['optionalMatrices'], { rows, channels }: Shape, matrix: boolean, required: boolean): void {
  const length = matrix ? rows * channels : channels;
  for (const name in arrays) {
    const array = arrays[name];
    if (array === undefined && !required) continue;
    if (isFloats(array) && array.length === length) continue; // spares the right ones the making of the words below
    checkLength(call, name, array, length, matrix ? `rows ${rows} × channels ${channels}` : `channels ${channels}`);
  }
}

export function checkLength(call: string, name: string, array: Floats | undefined, length: number, from: string): void {
  if (!isFloats(array)) {
    throw new TypeError(`${call}: "${name}" is ${describe(array)}, needs a Float32Array or Float64Array.`);
  }
  if (array.length !== length) {
    throw new RangeError(`${call}: "${name}" has ${array.length} elements, needs ${length} (${from}). Give an array of that length.`);
  }
}

function isFloats(array: unknown): array is Floats {
  return array instanceof Float32Array || array instanceof Float64Array;
}

/** Throws unless `value` is a number of rows, which may be none. */
export function checkRows(call: string, name: string, value: unknown): void {
  const needed = 'needs an integer of at least 0.';
  if (typeof value !== 'number') throw new TypeError(`${call}: "${name}" is ${describe(value)}, ${needed}`);
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${call}: "${name}" is ${value}, ${needed}`);
}

/** variance + eps, where what f32 may flush counts as 0, as it does in the kernels. */
export function offsetVariance(variance: number, eps: number): number {
  return flushed(flushed(variance) + flushed(eps));
}

/**
 * 1 / √(variance + eps), and 0 where both are 0, so that a constant column gives y = beta and dx = 0. Of +∞ it is 0; of a
 * NaN, or what is below −eps, NaN.
 */
export function invStdOf(variance: number, eps: number): number {
  const v = offsetVariance(variance, eps);
  return v === 0 ? 0 : 1 / Math.sqrt(v);
}

/** The value where it is finite, else NaN: a variance of ∞ would be taken for an invStd of 0, and give beta. */
export function nanUnlessFinite(value: number): number {
  return Number.isFinite(value) ? value : NaN;
}

/** The value where f32 has a finite one for it, else NaN. */
export function nanUnlessFiniteF32(value: number): number {
  return Number.isFinite(Math.fround(value)) ? value : NaN;
}

/** `invStdOf` for every channel. */
export function invStdsOf(variance: Floats, eps: number): Float64Array {
  const invStd = new Float64Array(variance.length);
  for (let c = 0; c < invStd.length; c++) invStd[c] = invStdOf(variance[c], eps);
  return invStd;
}
