import { describe, MAX_ELEMENTS } from '../core/shape.js';
import { malformed, type Source } from './errors.js';
import { f32Problem, type ReadTable } from './table.js';

/** By its tag and not by `instanceof`, so that bytes of another realm (a frame, a test's context) pass. */
export function checkBytes(call: string, bytes: Uint8Array): void {
  if (Object.prototype.toString.call(bytes) !== '[object Uint8Array]') {
    throw new TypeError(`${call}: "bytes" is ${describe(bytes)}, needs a Uint8Array. Wrap a buffer: new Uint8Array(buffer).`);
  }
}

type Read = (view: DataView, at: number, little: boolean) => number;

/** Element types by NumPy's names: bytes each, and how one is read. */
export const ELEMENTS = {
  b1: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  f2: { bytes: 2, read: (view, at, little) => halfOf(view.getUint16(at, little)) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
} satisfies Record<string, { bytes: number; read: Read }>;

export type ElementType = keyof typeof ELEMENTS;

/** How the array in a binary file is laid out, as its header says. */
export interface BinaryLayout {
  /** Of the array; axes before `channelAxis` are folded into rows, the others into channels. */
  shape: number[];
  channelAxis: number;
  type: ElementType;
  littleEndian: boolean;
  /** The first axis is the one that lies together, not the last. */
  isFortran: boolean;
  /** Of the first element, in bytes. */
  offset: number;
}

/** Of an f16's exponents, 0 aside. */
const HALF_POWERS = Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 25));

/** The number that an f16 is. */
function halfOf(word: number): number {
  const exponent = (word >> 10) & 31;
  const significand = word & 1023;
  const size = exponent === 0 ? significand * 2 ** -24 : exponent < 31 ? (1024 + significand) * HALF_POWERS[exponent]! : significand === 0 ? Infinity : NaN;
  return word & 0x8000 ? -size : size;
}

/** The array that fills `bytes` from `offset` to the end on its way to a table, each element rounded to the nearest f32. */
export class ArrayReading {
  readonly rows: number;
  readonly channels: number;
  readonly #source: Source;
  readonly #layout: BinaryLayout;
  readonly #bytes: Uint8Array;
  readonly #data: Float32Array<ArrayBuffer>;
  #done = 0;
  /** Integers that f32 cannot hold. */
  #rounded = 0;

  constructor(source: Source, bytes: Uint8Array, layout: BinaryLayout) {
    const { shape, channelAxis, type, offset } = layout;
    const { bytes: size } = ELEMENTS[type];
    const axes = `[${shape.join(', ')}]`;
    const zero = shape.indexOf(0);
    if (zero >= 0) {
      throw malformed(source, `has 0 along axis ${zero} of its shape ${axes}`, 'at least 1 along every axis', 'Save an array with data in it.',
        { problem: 'empty' });
    }
    this.rows = product(shape.slice(0, channelAxis));
    this.channels = product(shape.slice(channelAxis));
    const elements = this.rows * this.channels;
    if (!(elements <= MAX_ELEMENTS)) {
      throw malformed(source, `has shape ${axes}`, `at most ${MAX_ELEMENTS} elements (indices are u32)`, 'Save it as several files.', { problem: 'size' });
    }
    const needed = offset + elements * size;
    if (bytes.length !== needed) {
      const found = bytes.length < needed ? `ends at byte ${bytes.length}` : `goes on after byte ${needed} to byte ${bytes.length}`;
      throw malformed(source, found, `${needed} bytes (${offset} of header + ${size} for each of ${axes})`, 'Save or copy it again.');
    }
    this.#source = source;
    this.#layout = layout;
    this.#bytes = bytes;
    this.#data = new Float32Array(elements);
  }

  get total(): number {
    return this.#data.length;
  }

  /** Reads elements up to `until` of `total`. Says whether there are more. */
  read(until: number): boolean {
    const { type, littleEndian, offset } = this.#layout;
    const size = ELEMENTS[type].bytes;
    const read: Read = ELEMENTS[type].read;
    const { buffer, byteOffset, byteLength } = this.#bytes;
    const view = new DataView(buffer, byteOffset, byteLength);
    const data = this.#data;
    const end = Math.min(until, data.length);
    const isInteger = size > 2 && !type.startsWith('f');
    for (let i = this.#done; i < end; i++) {
      const at = offset + i * size;
      const value = read(view, at, littleEndian);
      const single = Math.fround(value);
      if (single - single !== 0) throw this.#refuse(i, value);
      if (isInteger && (value > 16777216 || value < -16777216) && isRounded(view, at, type, littleEndian, value)) this.#rounded++;
      data[i] = single;
    }
    this.#done = end;
    return end < data.length;
  }

  table(): ReadTable {
    const { shape, isFortran } = this.#layout;
    const notes: string[] = [];
    const mattersOrder = isFortran && shape.filter((size) => size > 1).length > 1;
    if (mattersOrder) notes.push('It is in Fortran order and was put into rows.');
    if (this.#rounded > 0) notes.push(`${this.#rounded} whole number${this.#rounded === 1 ? ' is' : 's are'} beyond what f32 holds exactly, and rounded.`);
    return { rows: this.rows, channels: this.channels, data: mattersOrder ? inRows(this.#data, shape) : this.#data, notes };
  }

  #refuse(stored: number, value: number): Error {
    const { shape, isFortran } = this.#layout;
    const at = isFortran ? rowOrderOf(stored, shape) : stored;
    const row = Math.floor(at / this.channels);
    const place = `row ${row}, channel ${at % this.channels} (from 0)`;
    return malformed(this.#source, `${place} is ${value}`, f32Problem(value)!, 'Replace it, or leave its row out.', {
      problem: Number.isFinite(value) ? 'cell' : 'missing', column: (at % this.channels) + 1, cell: String(value),
    });
  }
}

/** Whether the integer that was read as `value` is another as f32; beyond 2⁵³ `value` itself may be another. */
function isRounded(view: DataView, at: number, type: ElementType, little: boolean, value: number): boolean {
  const single = Math.fround(value);
  if (single !== value || Number.isSafeInteger(value)) return single !== value;
  return BigInt(single) !== (type === 'u8' ? view.getBigUint64(at, little) : view.getBigInt64(at, little));
}

/** The elements of an array whose first axis lies together, the last axis together. */
function inRows(data: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const rows = new Float32Array(data.length);
  const strides = shape.map((_, axis) => product(shape.slice(0, axis)));
  const place = shape.map(() => 0);
  const last = shape.length - 1;
  for (let to = 0, from = 0; to < data.length; to++) {
    rows[to] = data[from]!;
    let axis = last;
    from += strides[axis]!;
    while (++place[axis]! === shape[axis]! && axis > 0) {
      from -= strides[axis]! * shape[axis]!;
      place[axis] = 0;
      from += strides[--axis]!;
    }
  }
  return rows;
}

/** Where an element stored in Fortran order stands in C order. */
function rowOrderOf(stored: number, shape: readonly number[]): number {
  let at = 0;
  const place: number[] = [];
  for (const size of shape) {
    place.push(stored % size);
    stored = Math.floor(stored / size);
  }
  shape.forEach((size, axis) => (at = at * size + place[axis]!));
  return at;
}

function product(axes: readonly number[]): number {
  return axes.reduce((size, axis) => size * axis, 1);
}
