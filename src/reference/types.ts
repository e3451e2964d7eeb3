import { checkShape, describe, type Shape } from '../plan/shape.js';

/** What the reference reads and writes; arithmetic is f64 whichever it is. */
export type Floats = Float32Array | Float64Array;

/** Statistics of one batch, channels elements each. */
export interface Statistics {
  mean: Float64Array;
  /** Biased (÷ rows). */
  variance: Float64Array;
  /** 1 / √(variance + eps), and 0 where both are 0. */
  invStd: Float64Array;
}

/** Throws unless the shape can be computed with and each array has the length it needs. */
export function checkArrays(call: string, shape: Shape, arrays: { matrices?: Record<string, Floats | undefined>; vectors?: Record<string, Floats | undefined> }): void {
  checkShape(call, shape);
  const { rows, channels } = shape;
  for (const [name, array] of Object.entries(arrays.matrices ?? {})) {
    checkLength(call, name, array, rows * channels, `rows ${rows} × channels ${channels}`);
  }
  for (const [name, array] of Object.entries(arrays.vectors ?? {})) {
    checkLength(call, name, array, channels, `channels ${channels}`);
  }
}

function checkLength(call: string, name: string, array: Floats | undefined, length: number, from: string): void {
  if (array === undefined) return;
  if (!(array instanceof Float32Array) && !(array instanceof Float64Array)) {
    throw new TypeError(`${call}: "${name}" is ${describe(array)}, needs a Float32Array or Float64Array.`);
  }
  if (array.length !== length) {
    throw new RangeError(`${call}: "${name}" has ${array.length} elements, needs ${length} (${from}). Give an array of that length.`);
  }
}

/** 1 / √(variance + eps), and 0 where both are 0, so that a constant column gives y = beta and dx = 0. */
export function invStdOf(variance: number, eps: number): number {
  return variance + eps > 0 ? 1 / Math.sqrt(variance + eps) : 0;
}
