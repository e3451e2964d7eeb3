import { checkEps } from '../plan/options.js';
import { type Shape, checkCount, checkLayout, checkShape, describe } from '../plan/shape.js';

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

/** What one function needs: rows·channels elements each, channels elements each, and what may be left out. */
export interface ArrayNeeds {
  matrices?: Record<string, Floats>;
  vectors?: Record<string, Floats>;
  optionalMatrices?: Record<string, Floats | undefined>;
  optionalVectors?: Record<string, Floats | undefined>;
  eps?: number;
}

/** Throws unless shape and eps can be computed with and each array has the length it needs. */
export function checkArrays(call: string, shape: Shape, needs: ArrayNeeds): void {
  if (typeof shape !== 'object' || shape === null) {
    throw new TypeError(`${call}: "shape" is ${describe(shape)}, needs { rows, channels }.`);
  }
  checkShape(call, shape);
  const { rows, channels, layout = 'channelsLast', spatial = 1 } = shape;
  checkLayout(call, layout);
  checkCount(call, 'spatial', spatial);
  if (rows % spatial !== 0) {
    throw new RangeError(`${call}: "spatial" is ${spatial}, needs a divisor of rows ${rows} (rows = batch · spatial).`);
  }
  if ('eps' in needs) checkEps(call, needs.eps);
  const all = [
    [needs.matrices, rows * channels, true], [needs.optionalMatrices, rows * channels, false],
    [needs.vectors, channels, true], [needs.optionalVectors, channels, false],
  ] as const;
  for (const [arrays, length, required] of all) {
    const from = length === channels && (arrays === needs.vectors || arrays === needs.optionalVectors) ? `channels ${channels}` : `rows ${rows} × channels ${channels}`;
    for (const [name, array] of Object.entries(arrays ?? {})) {
      if (required || array !== undefined) checkLength(call, name, array, length, from);
    }
  }
}

export function checkLength(call: string, name: string, array: Floats | undefined, length: number, from: string): void {
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
