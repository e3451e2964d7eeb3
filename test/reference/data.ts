import { random } from '../../src/data/random.js';
import type { Shape } from '../../src/reference/index.js';

export const f64 = (...values: number[]) => Float64Array.from(values);

export function normals(length: number, seed: number): Float64Array {
  const source = random(seed);
  return Float64Array.from({ length }, () => source.normal());
}

/** Where a row's value of a channel stands. */
export function indexOf({ channels, layout, spatial = 1 }: Shape, row: number, c: number): number {
  const run = layout === 'channelsFirst' ? spatial : 1;
  return (Math.floor(row / run) * channels + c) * run + (row % run);
}

/** One channel's values, of all rows or of those named. */
export function column(values: ArrayLike<number>, shape: Shape, c: number, rows: Iterable<number> = Array(shape.rows).keys()): number[] {
  return Array.from(rows, (row) => values[indexOf(shape, row, c)]);
}

/** The rows a mask lets count. */
export const rowsOf = (mask: ArrayLike<number>) => Array.from(mask, (entry, row) => (entry ? row : -1)).filter((row) => row >= 0);

/** Those rows alone, as [rows, channels]. */
export function keep(values: ArrayLike<number>, shape: Shape, rows: readonly number[]): Float64Array {
  return Float64Array.from(rows.flatMap((row) => Array.from({ length: shape.channels }, (_, c) => values[indexOf(shape, row, c)])));
}

/** Largest difference; NaN where there is one. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`apart: ${a.length} and ${b.length} elements.`);
  let most = 0;
  for (let i = 0; i < a.length; i++) if (!(Math.abs(a[i] - b[i]) <= most)) most = Math.abs(a[i] - b[i]);
  return most;
}

export const LAYOUTS: readonly (Shape & { name: string })[] = [
  { name: 'channels-last', rows: 12, channels: 3 },
  { name: 'channels-first', rows: 12, channels: 3, layout: 'channelsFirst', spatial: 4 },
];
