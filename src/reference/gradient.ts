import { resolveActivation } from '../core/activations.js';
import type { Shape } from '../core/shape.js';
import { scaleOf, shiftOf } from './normalize.js';
import { activationGradient, gradientMap, gradients, zeroMasked } from './strips.js';
import { type EpilogueInputs, type Floats, checkArrays, checkRows } from './types.js';
import { type ValidRows, type Walk, walkOf } from './walk.js';

/** What a backward pass reads of the forward pass it belongs to, beside the statistics. */
export type BackwardInputs = { x: Floats; dy: Floats; gamma?: Floats; beta?: Floats } & EpilogueInputs & ValidRows;

/** Gradients of the loss by x and by the residual. */
export interface InputGradients<T extends Floats = Float64Array, U extends Floats = Float64Array> {
  /** rows·channels */
  dx: T;
  /** rows·channels; present where an array was given for it, or a residual's gradient is not dy itself. */
  dresidual?: U;
}

/**
 * The sums of the backward pass over one part of a batch; those of all parts add up to the batch's.
 *
 *     dbeta = Σ dz        dgamma = Σ dz · xHat        xHat = (x − mean) · invStd
 *
 * dz is dy, and behind an activation f that of z = gamma · xHat + beta (+ residual): f′(z) · dy.
 *
 * @param inputs - reads `x`, `dy` and `residual` rows·channels; `mean` and `invStd` of the whole batch, `gamma` and
 *   `beta` channels. beta and residual matter behind an `activation` only. Rows that `mask` or `validRows` leaves out add nothing.
 * @throws {TypeError} {RangeError} an array is missing or has another length, or shape or mask cannot be computed with.
 */
export function gradientSums(
  inputs: BackwardInputs & { mean: Floats; invStd: Floats },
  shape: Shape,
): { dgamma: Float64Array; dbeta: Float64Array } {
  const { x, dy, gamma, beta, residual, activation, mean, invStd } = inputs;
  checkArrays('gradientSums', shape, {
    matrices: { x, dy }, optionalMatrices: { residual }, vectors: { mean, invStd }, optionalVectors: { gamma, beta }, activation,
  });
  const walk = walkOf('gradientSums', shape, inputs);
  return sumsOf(x, incoming(inputs, mean, scaleOf(gamma, invStd), walk), mean, invStd, walk);
}

/**
 * The gradient by x of one part of a batch, from the sums of all its parts.
 *
 *     dx = gamma · invStd · (dz − dbeta/count − xHat · dgamma/count)
 *
 * @param inputs - as `gradientSums`; `dgamma` and `dbeta` channels, and `count`, the rows that count: of all parts together.
 * @param out - where dx goes, rows·channels; may be dy or x itself. Default a new `Float64Array`.
 * @param dresidual - where the residual's gradient, dz, goes, rows·channels; may be dy itself. Default a new
 *   `Float64Array` where it is not dy anyway: behind an activation, or where rows are left out and get 0.
 * @throws {TypeError} {RangeError} an array is missing or has another length, shape or mask cannot be computed with,
 *   `count` is less than this part's, or `dresidual` is another argument.
 */
export function gradientInput<T extends Floats = Float64Array, U extends Floats = Float64Array>(
  inputs: BackwardInputs & { mean: Floats; invStd: Floats; dgamma: Floats; dbeta: Floats; count: number },
  shape: Shape,
  out?: T,
  dresidual?: U,
): InputGradients<T, U> {
  const { x, dy, gamma, beta, residual, activation, mean, invStd, dgamma, dbeta, count } = inputs;
  checkArrays('gradientInput', shape, {
    matrices: { x, dy }, optionalMatrices: { residual, out, dresidual },
    vectors: { mean, invStd, dgamma, dbeta }, optionalVectors: { gamma, beta }, activation,
  });
  checkResidualGradient('gradientInput', inputs, out, dresidual);
  const walk = walkOf('gradientInput', shape, inputs);
  checkRows('gradientInput', 'count', count);
  if (count < walk.count) {
    throw new RangeError(
      `gradientInput: "count" is ${count}, needs at least ${walk.count} (the rows of this part). Give that of all parts together.`,
    );
  }
  const scale = scaleOf(gamma, invStd);
  const to = outputsOf<T, U>(inputs, walk, out, dresidual);
  const dz = incoming(inputs, mean, scale, walk, to);
  inputGradient(to.dx, x, dz, mean, invStd, scale, dgamma, dbeta, count, walk);
  return to;
}

/** Throws where an array for the residual's gradient would be written over an input, or there is no residual. */
export function checkResidualGradient(
  call: string, { x, residual }: { x: Floats; residual?: Floats }, out: Floats | undefined, dresidual: Floats | undefined,
): void {
  if (!dresidual) return;
  if (!residual) throw new TypeError(`${call}: "dresidual" is given, needs "residual", whose gradient it is. Give both or neither.`);
  for (const [name, array] of Object.entries({ out, x, residual })) {
    if (array === dresidual) throw new TypeError(`${call}: "dresidual" is also "${name}", needs an array of its own, or dy.`);
  }
}

/** Where the gradients go: what was given, or new arrays. */
export function outputsOf<T extends Floats, U extends Floats>(
  { dy, residual, activation = 'none' }: BackwardInputs, walk: Walk, out: T | undefined, dresidual: U | undefined,
): InputGradients<T, U> {
  const blank = () => new Float64Array(dy.length) as Floats;
  const differs = residual && (activation !== 'none' || walk.masked.length > 0);
  return { dx: (out ?? blank()) as T, dresidual: dresidual ?? (differs ? (blank() as U) : undefined) };
}

/**
 * dz, the gradient by z = gamma · xHat + beta (+ residual): dy, or f′(z) · dy, put in an output that can hold it; and
 * dresidual from it. In rows left out dz is anything: neither the sums nor the maps look there.
 */
export function incoming(
  { x, dy, beta, residual, activation = 'none' }: BackwardInputs,
  mean: Floats,
  scale: Float64Array,
  walk: Walk,
  { dx, dresidual }: Partial<InputGradients<Floats, Floats>> = {},
): Floats {
  let dz = dy;
  if (activation !== 'none') {
    const narrow = dy instanceof Float32Array;
    const spare = [dresidual, dx].find((array) => array && array.buffer !== x.buffer && (narrow || array instanceof Float64Array));
    dz = spare ?? (narrow ? new Float32Array(dy.length) : new Float64Array(dy.length));
    activationGradient(x, mean, scale, shiftOf(beta, walk), residual, resolveActivation('', activation), dy, dz, walk);
  }
  if (dresidual) {
    if (dresidual !== dz) dresidual.set(dz);
    zeroMasked(dresidual, walk);
  }
  return dz;
}

/** dbeta = Σ dz        dgamma = Σ dz · xHat */
export function sumsOf(x: Floats, dz: Floats, mean: Floats, invStd: Floats, walk: Walk): { dgamma: Float64Array; dbeta: Float64Array } {
  const dgamma = new Float64Array(walk.channels);
  const dbeta = new Float64Array(walk.channels);
  gradients(x, dz, mean, dgamma, dbeta, walk);
  for (let c = 0; c < walk.channels; c++) dgamma[c] *= invStd[c];
  return { dgamma, dbeta };
}

/** dx = scale · (dz − dbeta/count − (x − mean) · invStd · dgamma/count), and 0 in rows left out; scale = gamma · invStd */
export function inputGradient(
  dx: Floats, x: Floats, dz: Floats, mean: Floats, invStd: Floats, scale: Float64Array, dgamma: Floats, dbeta: Floats, count: number, walk: Walk,
): void {
  const shift = new Float64Array(walk.channels);
  const slope = new Float64Array(walk.channels);
  for (let c = 0; c < walk.channels; c++) {
    shift[c] = dbeta[c] / count;
    slope[c] = (dgamma[c] / count) * invStd[c];
  }
  gradientMap(x, dz, mean, scale, shift, slope, dx, walk);
  zeroMasked(dx, walk);
}
