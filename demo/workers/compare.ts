import type { Trained } from './train.js';

/**
 * How far two trainings may be apart after 1000 steps. Both round x, y and every weight to f32, at other places only where
 * a sum has been cut into parts; a step turns that into some 2⁻²⁴ of a weight near 1, and the descent forgets most
 * of it. Twelve seeds and shares on the CPU came to 6·10⁻⁷ in 100 steps and 3.1·10⁻⁶ in 1000.
 */
export const BOUND = 1e-5;

export const COMPARED: Record<keyof Trained, string> = {
  gamma: 'gamma', beta: 'beta', runningMean: 'running mean', runningVar: 'running variance', weights: 'linear weights', loss: 'loss of any step',
};

export type Differences = Record<keyof Trained, number>;

/** The largest difference of each value; NaN where one is NaN or the lengths differ. */
export function differences(a: Trained, b: Trained): Differences {
  const names = Object.keys(COMPARED) as (keyof Trained)[];
  return Object.fromEntries(names.map((name) => [name, largestDifference(a[name], b[name])])) as Differences;
}

function largestDifference(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  if (a.length !== b.length) return NaN;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i])); // keeps a NaN
  return largest;
}
