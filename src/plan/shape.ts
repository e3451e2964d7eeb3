/**
 * The view every part of the library has of x: a [rows, channels] matrix with the channels innermost,
 * element (row, c) at `row · channels + c`. A column is one channel.
 */
export interface Shape {
  /** Values pooled per channel. */
  rows: number;
  /** Columns; each keeps its own statistics. */
  channels: number;
}

/** Shader indices are u32. */
export const MAX_ELEMENTS = 0xffffffff;

/** Throws unless `value` is an integer of at least 1. */
export function checkCount(call: string, name: string, value: unknown): void {
  if (typeof value !== 'number') {
    throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs an integer of at least 1.`);
  }
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`${call}: "${name}" is ${value}, needs an integer of at least 1.`);
  }
}

/** Throws unless both axes are counts and every element has a u32 index. */
export function checkShape(call: string, { rows, channels }: Shape): void {
  checkCount(call, 'rows', rows);
  checkCount(call, 'channels', channels);
  if (rows * channels > MAX_ELEMENTS) {
    throw new RangeError(
      `${call}: "shape" has ${rows * channels} elements (rows ${rows} × channels ${channels}), needs at most ` +
        `${MAX_ELEMENTS} (indices are u32). Split the batch.`,
    );
  }
}

/** Names a value in an error message: its class or type, never its contents. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'object') return value.constructor?.name ?? 'an object';
  return `a ${typeof value}`;
}
