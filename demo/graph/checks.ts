import { type GradientCheck, forward, gradientCheck } from '../../src/reference/index.js';
import type { GradientName, Inputs, Trace } from './trace.js';

export function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  return Array.from(got).reduce((largest, value, i) => Math.max(largest, Math.abs(value - want[i])), 0);
}

/** How far the nudge of a value of x goes, in deviations of its column: nearer rounding dominates, farther curvature. */
const NUDGE = 1e-4;
/** A nudge below this part of x is itself rounded by more than 1e-4. */
const LEAST_NUDGE = 2 ** -40;

export interface NumericCheck extends GradientCheck {
  /** Which element, counted from 0. */
  row: number;
  column: number;
}

export interface NumericChecks {
  worst: Partial<Record<GradientName, NumericCheck>>;
  /** Columns whose dx is not looked at: their deviation is so small that a nudge of x within it is lost to rounding. */
  flat: number[];
}

/**
 * dx, dgamma and dbeta against central differences of loss = Σ dy · y. y is linear in gamma and beta. By x the nudge
 * follows the column's deviation √(variance + eps): one nudge for all would step over a constant column.
 */
export function numericChecks(trace: Trace): NumericChecks {
  const { inputs, values, staged: { dx, dgamma, dbeta } } = trace;
  const { rows, channels, dy, eps } = inputs;
  const loss = (changed: Partial<Inputs>) => forward({ ...inputs, ...changed }, { rows, channels }, eps).y.reduce((sum, y, i) => sum + dy[i] * y, 0);
  const place = (check: GradientCheck): NumericCheck => ({ ...check, row: Math.floor(check.index / channels), column: check.index % channels });
  const worst: NumericChecks['worst'] = {
    dgamma: place(gradientCheck((gamma) => loss({ gamma }), inputs.gamma, dgamma)),
    dbeta: place(gradientCheck((beta) => loss({ beta }), inputs.beta, dbeta)),
  };
  const flat: number[] = [];
  for (let column = 0; column < channels; column++) {
    const nudge = NUDGE * values.std[column];
    const indices = Array.from({ length: rows }, (_, row) => row * channels + column);
    if (indices.some((index) => nudge <= LEAST_NUDGE * Math.abs(inputs.x[index]))) {
      flat.push(column);
      continue;
    }
    for (const index of indices) {
      const step = nudge / Math.max(1, Math.abs(inputs.x[index])); // gradientCheck multiplies by the latter
      const check = place(gradientCheck((x) => loss({ x }), inputs.x, dx, { step, indices: [index] }));
      if (!worst.dx || !(check.error <= worst.dx.error)) worst.dx = check;
    }
  }
  return { worst, flat };
}
