import { describe, MAX_ELEMENTS } from '../plan/shape.js';

/**
 * Rows of data read from a file, in the channels-last order of x: element `row·channels + channel`.
 *
 * Every value is finite: a reader refuses NaN and infinity, since one of them takes its whole channel along.
 */
export interface Table {
  /** At least 1. */
  rows: number;
  /** At least 1. */
  channels: number;
  /** [rows, channels], channels innermost. */
  data: Float32Array<ArrayBuffer>;
  /** Names of the channels, when the file has a header line. */
  columns?: string[];
  /** One per row, when a label column was asked for: numbers where all of them are, else all text. */
  labels?: number[] | string[];
}

/** Words for the errors of a reader. */
export interface SourceOptions {
  /** Name of the file; without it errors name the argument. */
  file?: string | undefined;
  /** The call that errors name; for a function that wraps the reader. */
  call?: string | undefined;
}

/** What an error is about. */
export interface Source {
  call: string;
  /** The file, or the argument it came in. */
  subject: string;
}

/** The error for a file that is not what its format says: one sentence, then the remedy. */
export function malformed({ call, subject }: Source, found: string, needed: string, remedy: string): RangeError {
  return new RangeError(`${call}: ${JSON.stringify(subject)} ${found}, needs ${needed}. ${remedy}`);
}

/** By its tag and not by `instanceof`, so that bytes of another realm (a frame, a test's context) pass. */
export function checkBytes(call: string, bytes: Uint8Array): void {
  if (Object.prototype.toString.call(bytes) !== '[object Uint8Array]') {
    throw new TypeError(`${call}: "bytes" is ${describe(bytes)}, needs a Uint8Array. Wrap a buffer: new Uint8Array(buffer).`);
  }
}

/** What a number must be and is not, or null where it rounds to a finite f32. */
export function f32Problem(value: number): string | null {
  if (!Number.isFinite(value)) return 'a finite number';
  return Number.isFinite(Math.fround(value)) ? null : 'at most 3.4028235e38 in magnitude (f32)';
}

/** Element types by NumPy's names: bytes each, and how one is read. */
export const ELEMENTS = {
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
} satisfies Record<string, { bytes: number; read: (view: DataView, at: number, little: boolean) => number }>;

export type ElementType = keyof typeof ELEMENTS;

/** How the array in a binary file is laid out, as its header says. */
export interface BinaryLayout {
  /** Of the array; axes before `channelAxis` are folded into rows, the others into channels. */
  shape: number[];
  channelAxis: number;
  type: ElementType;
  littleEndian: boolean;
  /** Of the first element, in bytes. */
  offset: number;
}

/** Reads the array that fills `bytes` from `offset` to the end, each element rounded to the nearest f32. */
export function decodeTable(source: Source, bytes: Uint8Array, layout: BinaryLayout): Table {
  const { shape, channelAxis, type, littleEndian, offset } = layout;
  const { bytes: size, read } = ELEMENTS[type];
  const axes = `[${shape.join(', ')}]`;
  const zero = shape.indexOf(0);
  if (zero >= 0) {
    throw malformed(source, `has 0 along axis ${zero} of its shape ${axes}`, 'at least 1 along every axis', 'Save an array with data in it.');
  }
  const rows = product(shape.slice(0, channelAxis));
  const channels = product(shape.slice(channelAxis));
  const elements = rows * channels;
  if (elements > MAX_ELEMENTS) {
    throw malformed(source, `has shape ${axes}`, `at most ${MAX_ELEMENTS} elements (indices are u32)`, 'Save it as several files.');
  }
  const needed = offset + elements * size;
  if (bytes.length !== needed) {
    const found = bytes.length < needed ? `ends at byte ${bytes.length}` : `goes on after byte ${needed} to byte ${bytes.length}`;
    throw malformed(source, found, `${needed} bytes (${offset} of header + ${size} for each of ${axes})`, 'Save or copy it again.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float32Array(elements);
  for (let i = 0; i < elements; i++) {
    const value = read(view, offset + i * size, littleEndian);
    const problem = f32Problem(value);
    if (problem) {
      const place = `row ${Math.floor(i / channels)}, channel ${i % channels} (from 0)`;
      throw malformed(source, `${place} is ${value}`, problem, 'Replace it, or leave its row out.');
    }
    data[i] = value;
  }
  return { rows, channels, data };
}

function product(axes: number[]): number {
  return axes.reduce((size, axis) => size * axis, 1);
}
