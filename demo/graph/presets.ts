import { random } from '../../src/data/index.js';
import type { Inputs } from './trace.js';

export const PRESETS = {
  random: 'random',
  constant: 'a constant column',
  large: 'a large mean, 10⁴',
  outlier: 'one outlier',
} as const;

export type Preset = keyof typeof PRESETS;

/** Numbers of two decimals, so that a link stays short; the same from the same seed. */
export function drawn(preset: Preset, seed: number, rows: number, channels: number): Inputs {
  const { normal, uniform } = random(seed);
  const rounded = (value: number) => Math.round(100 * value) / 100;
  const normals = (length: number) => Float64Array.from({ length }, () => rounded(normal()));
  const x = normals(rows * channels);
  const dy = normals(rows * channels);
  const gamma = Float64Array.from({ length: channels }, () => rounded(0.5 + uniform()));
  const beta = Float64Array.from({ length: channels }, () => rounded(uniform() - 0.5));
  if (preset === 'constant') for (let row = 0; row < rows; row++) x[row * channels] = 1.5;
  if (preset === 'large') x.forEach((value, i) => (x[i] = rounded(value + 1e4)));
  if (preset === 'outlier') x[0] = 100;
  return { rows, channels, x, dy, gamma, beta, eps: 1e-5 };
}

/** Another size: what was there stays, what is new is drawn. */
export function resized(inputs: Inputs, seed: number, rows: number, channels: number): Inputs {
  const fresh = drawn('random', seed, rows, channels);
  const { gamma, beta, eps } = inputs;
  const matrix = (kept: Float64Array, filled: Float64Array) => filled.map((value, i) => {
    const row = Math.floor(i / channels);
    const column = i % channels;
    return row < inputs.rows && column < inputs.channels ? kept[row * inputs.channels + column] : value;
  });
  const vector = (kept: Float64Array, filled: Float64Array) => filled.map((value, c) => kept[c] ?? value);
  return {
    rows, channels, x: matrix(inputs.x, fresh.x), dy: matrix(inputs.dy, fresh.dy), gamma: vector(gamma, fresh.gamma), beta: vector(beta, fresh.beta), eps,
  };
}
