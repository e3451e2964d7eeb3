import { backward, backwardStaged, forward } from '../../src/reference/index.js';
import { type Name, usesOf } from './nodes.js';

/** What the visitor edits: [rows, channels], channels innermost; gamma and beta one a channel. */
export interface Inputs {
  rows: number;
  channels: number;
  x: Float64Array;
  dy: Float64Array;
  gamma: Float64Array;
  beta: Float64Array;
  eps: number;
}

/** A gradient that comes back through one use of a value. */
export interface Part {
  through: Name;
  gradient: Float64Array;
}

export const GRADIENTS = ['dx', 'dgamma', 'dbeta'] as const;
export type GradientName = (typeof GRADIENTS)[number];

/** Every value and every gradient of the graph. */
export interface Trace {
  inputs: Inputs;
  values: Record<Name, Float64Array>;
  gradients: Record<Name, Float64Array>;
  /** What comes back to each node, one part for each use of it, in the order in which they come; y has none. */
  parts: Record<Name, Part[]>;
  /** What the nine steps back end in. */
  staged: Record<GradientName, Float64Array>;
  /** The same by the closed form. */
  closed: Record<GradientName, Float64Array>;
}

/** dx, dgamma and dbeta by the closed form. */
export function closedForm(inputs: Inputs): Record<GradientName, Float64Array> {
  const { rows, channels, eps } = inputs;
  const shape = { rows, channels };
  const { mean, invStd } = forward(inputs, shape, eps);
  return backward({ ...inputs, mean, invStd }, shape);
}

/** The numbers of the page are the reference's; only what comes back through each use of a value is taken apart here. */
export function traceOf(inputs: Inputs): Trace {
  const { rows, channels, x, gamma, beta, eps } = inputs;
  const staged = backwardStaged(inputs, { rows, channels }, eps);
  const { dscaled, dxHat, dinvStd, dstd, dvariance, dsquared, dcentered, dmean, dx } = staged.gradients;
  const gradients: Trace['gradients'] = {
    x: dx, mean: dmean, centered: dcentered, squared: dsquared, variance: dvariance, std: dstd, invStd: dinvStd, xHat: dxHat,
    gamma: staged.dgamma, scaled: dscaled, beta: staged.dbeta, y: inputs.dy,
  };
  const { centered, invStd } = staged.values;
  const matrix = (value: (i: number, c: number) => number) => x.map((_, i) => value(i, i % channels));
  const taken: Partial<Record<Name, Partial<Record<Name, Float64Array>>>> = {
    centered: { xHat: matrix((i, c) => dxHat[i] * invStd[c]), squared: matrix((i) => 2 * centered[i] * dsquared[i]) },
    x: { centered: dcentered, mean: matrix((_, c) => dmean[c] / rows) },
  };
  const partsOf = (name: Name): Part[] =>
    usesOf(name).reverse().map((use) => ({ through: use.name, gradient: taken[name]?.[use.name] ?? gradients[name] }));
  return {
    inputs,
    values: { ...staged.values, x, gamma, beta },
    gradients,
    parts: Object.fromEntries(Object.keys(gradients).map((name) => [name, partsOf(name as Name)])) as Trace['parts'],
    staged,
    closed: closedForm(inputs),
  };
}
