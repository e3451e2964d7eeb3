import type { ResolvedActivation } from '../core/activations.js';
import type { Floats } from './types.js';
import type { Walk } from './walk.js';

// The loops over rows·channels values. Each visits the rows that count; only `zeroMasked` the others. Vectors, one
// value per channel, are read once a strip. Sums and the plain maps go four values at a time, so that no addition
// waits for the one before it.

/** Each channel's first value that counts; 0 where none does. */
export function firstValues(x: Floats, walk: Walk): Float64Array {
  const first = new Float64Array(walk.channels);
  if (walk.count > 0) for (let c = 0, i = walk.valid[0]; c < walk.channels; c++, i += walk.stride) first[c] = x[i];
  return first;
}

/** Σ (x − center) */
export function sums(x: Floats, center: Floats, walk: Walk): Float64Array {
  const { channels, step, stride, valid } = walk;
  const sum = new Float64Array(channels);
  for (let k = 0; k < valid.length; k += 2) {
    for (let c = 0, i = valid[k]; c < channels; c++, i += stride) sum[c] += stripSum(x, i, step, valid[k + 1], center[c]);
  }
  return sum;
}

function stripSum(x: Floats, i: number, step: number, rows: number, center: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const end = i + step * rows;
  for (const last = end - 3 * step; i < last; ) {
    const j = i + step;
    const k = j + step;
    const l = k + step;
    s0 += x[i] - center;
    s1 += x[j] - center;
    s2 += x[k] - center;
    s3 += x[l] - center;
    i = l + step;
  }
  for (; i < end; i += step) s0 += x[i] - center;
  return s0 + s1 + (s2 + s3);
}

/** Σ (x − center)² */
export function squares(x: Floats, center: Floats, walk: Walk): Float64Array {
  const { channels, step, stride, valid } = walk;
  const sum = new Float64Array(channels);
  for (let k = 0; k < valid.length; k += 2) {
    for (let c = 0, i = valid[k]; c < channels; c++, i += stride) sum[c] += stripSquares(x, i, step, valid[k + 1], center[c]);
  }
  return sum;
}

function stripSquares(x: Floats, i: number, step: number, rows: number, center: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const end = i + step * rows;
  for (const last = end - 3 * step; i < last; ) {
    const j = i + step;
    const k = j + step;
    const l = k + step;
    const d0 = x[i] - center;
    const d1 = x[j] - center;
    const d2 = x[k] - center;
    const d3 = x[l] - center;
    s0 += d0 * d0;
    s1 += d1 * d1;
    s2 += d2 * d2;
    s3 += d3 * d3;
    i = l + step;
  }
  for (; i < end; i += step) s0 += (x[i] - center) * (x[i] - center);
  return s0 + s1 + (s2 + s3);
}

/** dbeta += Σ dz        dgamma += Σ dz · (x − center) */
export function gradients(x: Floats, dz: Floats, center: Floats, dgamma: Float64Array, dbeta: Float64Array, walk: Walk): void {
  const { channels, step, stride, valid } = walk;
  for (let k = 0; k < valid.length; k += 2) {
    for (let c = 0, i = valid[k]; c < channels; c++, i += stride) stripGradients(x, dz, i, step, valid[k + 1], center[c], dgamma, dbeta, c);
  }
}

function stripGradients(
  x: Floats, dz: Floats, i: number, step: number, rows: number, center: number, dgamma: Float64Array, dbeta: Float64Array, c: number,
): void {
  let b0 = 0;
  let b1 = 0;
  let g0 = 0;
  let g1 = 0;
  const end = i + step * rows;
  for (const last = end - 3 * step; i < last; ) {
    const j = i + step;
    const k = j + step;
    const l = k + step;
    const d0 = dz[i];
    const d1 = dz[j];
    const d2 = dz[k];
    const d3 = dz[l];
    b0 += d0 + d1;
    b1 += d2 + d3;
    g0 += d0 * (x[i] - center) + d1 * (x[j] - center);
    g1 += d2 * (x[k] - center) + d3 * (x[l] - center);
    i = l + step;
  }
  for (; i < end; i += step) {
    b0 += dz[i];
    g0 += dz[i] * (x[i] - center);
  }
  dbeta[c] += b0 + b1;
  dgamma[c] += g0 + g1;
}

/** y = (x − center) · scale + shift */
export function affine(x: Floats, center: Floats, scale: Float64Array, shift: Float64Array, y: Floats, walk: Walk): void {
  const { channels, step, stride, valid } = walk;
  for (let k = 0; k < valid.length; k += 2) {
    for (let c = 0, i = valid[k]; c < channels; c++, i += stride) stripAffine(x, i, step, valid[k + 1], center[c], scale[c], shift[c], y);
  }
}

function stripAffine(x: Floats, i: number, step: number, rows: number, center: number, scale: number, shift: number, y: Floats): void {
  const end = i + step * rows;
  for (const last = end - 3 * step; i < last; ) {
    const j = i + step;
    const k = j + step;
    const l = k + step;
    y[i] = (x[i] - center) * scale + shift;
    y[j] = (x[j] - center) * scale + shift;
    y[k] = (x[k] - center) * scale + shift;
    y[l] = (x[l] - center) * scale + shift;
    i = l + step;
  }
  for (; i < end; i += step) y[i] = (x[i] - center) * scale + shift;
}

// ReLU picks by index, not by branch: a processor guesses signs without a pattern wrong every other time, and a value
// took 13 ns, not 3 (Node 20, [256, 64] of random signs).

/** y = f(z), z = (x − center) · scale + shift, + residual where there is one. */
export function activated(
  x: Floats, center: Floats, scale: Float64Array, shift: Float64Array, residual: Floats | undefined, activation: ResolvedActivation, y: Floats, walk: Walk,
): void {
  const { channels, step, stride, valid } = walk;
  const { name, value } = activation;
  const [relu, none] = [name === 'relu', name === 'none'];
  const choice = new Float64Array(2); // z, 0
  for (let k = 0; k < valid.length; k += 2) {
    for (let c = 0, start = valid[k]; c < channels; c++, start += stride) {
      const m = center[c];
      const a = scale[c];
      const b = shift[c];
      for (let i = start, end = start + step * valid[k + 1]; i < end; i += step) {
        const affine = (x[i] - m) * a + b;
        const z = residual === undefined ? affine : affine + residual[i];
        if (relu) {
          choice[0] = z;
          y[i] = choice[Number(z <= 0)];
        } else {
          y[i] = none ? z : value(z);
        }
      }
    }
  }
}

/** dz = f′(z) · dy, z as `activated` has it. */
export function activationGradient(
  x: Floats, center: Floats, scale: Float64Array, shift: Float64Array, residual: Floats | undefined, activation: ResolvedActivation, dy: Floats, dz: Floats,
  walk: Walk,
): void {
  const { channels, step, stride, valid } = walk;
  const { name, gradient } = activation;
  const relu = name === 'relu';
  const choice = Float64Array.of(0, 0, NaN); // 0, dy, NaN
  for (let k = 0; k < valid.length; k += 2) {
    for (let c = 0, start = valid[k]; c < channels; c++, start += stride) {
      const m = center[c];
      const a = scale[c];
      const b = shift[c];
      for (let i = start, end = start + step * valid[k + 1]; i < end; i += step) {
        const affine = (x[i] - m) * a + b;
        const z = residual === undefined ? affine : affine + residual[i];
        if (relu) {
          choice[1] = dy[i];
          dz[i] = choice[Number(z > 0) + 2 * Number(z !== z)];
        } else {
          dz[i] = gradient(z, dy[i]);
        }
      }
    }
  }
}

/** dx = scale · (dz − shift − (x − center) · slope) */
export function gradientMap(
  x: Floats, dz: Floats, center: Floats, scale: Float64Array, shift: Float64Array, slope: Float64Array, dx: Floats, walk: Walk,
): void {
  const { channels, step, stride, valid } = walk;
  for (let k = 0; k < valid.length; k += 2) {
    for (let c = 0, i = valid[k]; c < channels; c++, i += stride) {
      stripGradientMap(x, dz, i, step, valid[k + 1], center[c], scale[c], shift[c], slope[c], dx);
    }
  }
}

function stripGradientMap(
  x: Floats, dz: Floats, i: number, step: number, rows: number, center: number, scale: number, shift: number, slope: number, dx: Floats,
): void {
  const end = i + step * rows;
  for (const last = end - 3 * step; i < last; ) {
    const j = i + step;
    const k = j + step;
    const l = k + step;
    dx[i] = scale * (dz[i] - shift - (x[i] - center) * slope);
    dx[j] = scale * (dz[j] - shift - (x[j] - center) * slope);
    dx[k] = scale * (dz[k] - shift - (x[k] - center) * slope);
    dx[l] = scale * (dz[l] - shift - (x[l] - center) * slope);
    i = l + step;
  }
  for (; i < end; i += step) dx[i] = scale * (dz[i] - shift - (x[i] - center) * slope);
}

/** 0 in every row that does not count. */
export function zeroMasked(y: Floats, walk: Walk): void {
  const { channels, step, stride, masked } = walk;
  for (let k = 0; k < masked.length; k += 2) {
    for (let c = 0, start = masked[k]; c < channels; c++, start += stride) {
      for (let i = start, end = start + step * masked[k + 1]; i < end; i += step) y[i] = 0;
    }
  }
}
