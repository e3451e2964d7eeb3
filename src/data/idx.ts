import { ArrayReading, checkBytes, type ElementType } from './elements.js';
import { malformed, type Source, type SourceOptions } from './errors.js';
import type { ReadTable } from './table.js';

const TYPES: Record<number, ElementType> = { 0x08: 'u1', 0x09: 'i1', 0x0b: 'i2', 0x0c: 'i4', 0x0d: 'f4', 0x0e: 'f8' };

/**
 * Reads an IDX file, the format of MNIST.
 *
 *     00 00 type rank, rank sizes (u32), elements; all big endian
 *     [n] → [n, 1]        [n, a, …, z] → [n, a · … · z]
 *
 * Elements are u8, i8, i16, i32, f32 or f64. What does not fit an f32 exactly is rounded to the nearest one; NaN,
 * infinity and a finite f64 that rounds to infinity are refused.
 * Format: LeCun, Cortes & Burges, "The MNIST database" — https://yann.lecun.com/exdb/mnist
 *
 * @param bytes - the whole file, unzipped; read only, and nothing of it is kept.
 * @throws {TypeError} `bytes` is no Uint8Array.
 * @throws {TableError} the file is malformed, truncated or goes on after its last element; an axis is 0.
 */
export function parseIdx(bytes: Uint8Array, options: SourceOptions = {}): ReadTable {
  const source = { call: options.call ?? 'parseIdx', subject: options.file ?? 'bytes' };
  checkBytes(source.call, bytes);
  const reading = openIdx(source, bytes);
  reading.read(Infinity);
  return reading.table();
}

/** The array of an IDX file, of which nothing but the header has been read. */
export function openIdx(source: Source, bytes: Uint8Array): ArrayReading {
  const [zero0, zero1, code, rank] = bytes;
  if (zero0 === undefined || zero1 === undefined || code === undefined || rank === undefined) {
    throw malformed(source, `ends at byte ${bytes.length}`, 'the 4 bytes 00 00 type rank', 'Save or copy it again.');
  }
  if (zero0 !== 0 || zero1 !== 0) {
    throw malformed(source, `begins with the bytes ${hex(zero0)} ${hex(zero1)}`, '00 00 (IDX)', 'Unzip it first if it is zipped.');
  }
  const type = TYPES[code];
  if (type === undefined) {
    const needed = '08, 09, 0b, 0c, 0d or 0e (u8, i8, i16, i32, f32, f64)';
    throw malformed(source, `has the element type ${hex(code)} (byte 2)`, needed, 'Save it as one of these.');
  }
  if (rank === 0) {
    throw malformed(source, 'has 0 axes (byte 3)', 'at least one', 'Save it with the number of rows as its first axis.');
  }
  const offset = 4 + 4 * rank;
  if (bytes.length < offset) {
    throw malformed(source, `ends at byte ${bytes.length}`, `${rank} sizes up to byte ${offset}`, 'Save or copy it again.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  return new ArrayReading(source, bytes, { shape, channelAxis: 1, type, littleEndian: false, isFortran: false, offset });
}

/** Whether the file begins as IDX does: text never has a zero byte. */
export function isIdx(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0 && bytes[2] !== undefined && TYPES[bytes[2]] !== undefined;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
