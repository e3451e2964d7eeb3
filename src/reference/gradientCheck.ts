import { checkNames } from '../core/options.js';
import { describe } from '../core/shape.js';
import { type Floats, checkLength } from './types.js';

/** How far an analytic gradient is from the numeric one, at the worst element looked at. */
export interface GradientCheck {
  /** Largest |analytic − numeric| / max(1, |analytic|, |numeric|). */
  error: number;
  index: number;
  analytic: number;
  numeric: number;
}

/**
 * Compares a gradient with central differences.
 *
 *     numeric = (loss(at + h) − loss(at − h)) / 2h        h = step · max(1, |at|)
 *
 * @param loss - a scalar function of `at`; it may keep nothing of the array, which is changed between calls.
 * @param at - where; copied, never changed.
 * @param gradient - the analytic gradient of `loss` at `at`, same length.
 * @param options - `step`, default 1e-5: below it rounding dominates, above it curvature; `indices`, which
 *   elements to look at, default all.
 * @throws {TypeError} {RangeError} `loss` is no function or gives no number, the arrays are none or differ in length, there is nothing to
 *   look at, an index is out of range, or `step` is no number above 0.
 */
export function gradientCheck(
  loss: (at: Float64Array) => number,
  at: Floats,
  gradient: Floats,
  options: { step?: number; indices?: readonly number[] } = {},
): GradientCheck {
  const call = 'gradientCheck';
  if (typeof loss !== 'function') throw new TypeError(`${call}: "loss" is ${describe(loss)}, needs a function of the array. Give (at) => a number.`);
  checkNames(call, options, ['step', 'indices']);
  const { step = 1e-5, indices } = options;
  checkLength(call, 'at', at, at?.length, '');
  checkLength(call, 'gradient', gradient, at.length, 'those of "at"');
  if (typeof step !== 'number') throw new TypeError(`${call}: "step" is ${describe(step)}, needs a finite number above 0.`);
  if (!(step > 0 && step < Infinity)) throw new RangeError(`${call}: "step" is ${step}, needs a finite number above 0.`);
  if (indices !== undefined && !Array.isArray(indices)) {
    throw new TypeError(`${call}: "indices" is ${describe(indices)}, needs an array of integers. Leave it out to look at all.`);
  }
  if (at.length === 0 || indices?.length === 0) {
    throw new RangeError(`${call}: "${at.length === 0 ? 'at' : 'indices'}" is empty, needs at least one element. An empty check would pass.`);
  }
  const point = Float64Array.from(at);
  const worst: GradientCheck = { error: -1, index: -1, analytic: NaN, numeric: NaN };
  for (const index of indices ?? point.keys()) {
    if (!Number.isInteger(index) || index < 0 || index >= point.length) {
      throw new RangeError(`${call}: "indices" holds ${index}, needs integers from 0 to ${point.length - 1}.`);
    }
    const value = point[index];
    const h = step * Math.max(1, Math.abs(value));
    point[index] = value + h;
    const above = loss(point);
    point[index] = value - h;
    const below = loss(point);
    if (typeof above !== 'number' || typeof below !== 'number') throw new TypeError(`${call}: "loss" gave ${describe(above)}, needs a number.`);
    point[index] = value;
    const numeric = (above - below) / (2 * h);
    const analytic = gradient[index];
    const error = Math.abs(analytic - numeric) / Math.max(1, Math.abs(analytic), Math.abs(numeric));
    if (!(error <= worst.error)) Object.assign(worst, { error, index, analytic, numeric }); // NaN is the worst
    if (Number.isNaN(error)) break;
  }
  return worst;
}
