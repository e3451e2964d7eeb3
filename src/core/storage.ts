import { valueMeant } from './meant.js';
import { describe } from './shape.js';

/** How a tensor lies in memory: an f32 a word, or two halves a word. Arithmetic is f32 whichever it is. */
export type Storage = 'f32' | 'f16' | 'bf16';

export type HalfStorage = Exclude<Storage, 'f32'>;

/** Smallest number with a full significand; below it kernels may flush to zero. */
export const SMALLEST_NORMAL: Readonly<Record<Storage, number>> = { f32: 2 ** -126, f16: 2 ** -14, bf16: 2 ** -126 };

/** A value as f32 arithmetic counts it: what is below the smallest normal f32, which an adapter may flush or not, is 0. */
export const flushed = (value: number): number => (Math.abs(Math.fround(value)) < SMALLEST_NORMAL.f32 ? 0 : value);

/** IEEE 754 binary32 and binary16, and binary32's upper half: stored bits of the significand, exponents of normal numbers. */
const FORMATS = {
  f32: { significand: 23, least: -126, most: 127 },
  f16: { significand: 10, least: -14, most: 15 },
  bf16: { significand: 7, least: -126, most: 127 },
} as const;

const F32_INFINITY = 0x7f800000;

// One number seen as its bits; typed arrays are little-endian wherever WebGPU runs.
const double = /* @__PURE__ */ new Float64Array(1);
const doubleWords = /* @__PURE__ */ new Uint32Array(double.buffer);
const single = /* @__PURE__ */ new Float32Array(1);
const singleWord = /* @__PURE__ */ new Int32Array(single.buffer);

export function checkStorage(call: string, storage: unknown): asserts storage is Storage {
  if (storage !== 'f32' && storage !== 'f16' && storage !== 'bf16') {
    throw new RangeError(`${call}: "storage" is ${describe(storage)}, needs 'f32', 'f16' or 'bf16'.${valueMeant(storage, ['f32', 'f16', 'bf16'])}`);
  }
}

/** Bytes of a tensor: 4 an element, or 4 for every two begun. */
export function storageBytes(elements: number, storage: Storage): number {
  checkStorage('storageBytes', storage);
  return storage === 'f32' ? 4 * elements : 4 * Math.ceil(elements / 2);
}

/**
 * Rounds numbers to f16 or bf16, once, to the nearest and on a tie to the even one.
 *
 * From 65520 on an f16 is infinity, a bf16 from 2¹²⁸ − 2¹¹⁹ on. Signs of zero and subnormals are kept. NaN stays NaN, quiet, with
 * what fits of an f32's payload.
 * IEEE 754-2019 §4.3.1; bf16 is the upper half of an f32.
 *
 * @param values - read only; f64 and plain numbers are not rounded to f32 on the way.
 * @param into - receives one word a value at its start; the rest of it stays. Default new, one word a value, in a buffer of
 *   `storageBytes` that can be uploaded whole: two values a 32-bit word, low half first, the odd half 0.
 * @returns `into`.
 * @throws {TypeError} an argument is of the wrong kind, or a plain array holds no number.
 * @throws {RangeError} `into` is shorter than `values`, or `storage` unknown.
 */
export function packHalf(values: Float32Array | Float64Array | readonly number[], storage: HalfStorage, into?: Uint16Array): Uint16Array {
  const call = 'packHalf';
  checkHalf(call, storage);
  checkValues(call, values);
  const { length } = values;
  const words = into ?? new Uint16Array(new ArrayBuffer(storageBytes(length, storage)), 0, length);
  if (!(words instanceof Uint16Array)) throw new TypeError(`${call}: "into" is ${describe(into)}, needs a Uint16Array.`);
  checkInto(call, words.length, length, 'one a value');
  const bits = values instanceof Float32Array ? new Int32Array(values.buffer, values.byteOffset, length) : null;
  // A loop for each: a rounding chosen by variable would be a call for every value.
  if (bits && storage === 'f16') for (let i = 0; i < length; i++) words[i] = roundToF16(bits[i]);
  else if (bits) for (let i = 0; i < length; i++) words[i] = roundToBf16(bits[i]);
  else if (storage === 'f16') for (let i = 0; i < length; i++) words[i] = roundToF16(wordOf(values[i]));
  else for (let i = 0; i < length; i++) words[i] = roundToBf16(wordOf(values[i]));
  return words;
}

/**
 * Widens f16 or bf16 to f32, which holds each exactly.
 *
 * @param words - one value each, read only; of a tensor with an odd number of elements give `words.subarray(0, elements)`.
 * @param into - receives the values at its start; the rest of it stays. Default new.
 * @returns `into`.
 * @throws {TypeError} an argument is of the wrong kind.
 * @throws {RangeError} `into` is shorter than `words`, or `storage` unknown.
 */
export function unpackHalf(words: Uint16Array, storage: HalfStorage, into?: Float32Array): Float32Array {
  const call = 'unpackHalf';
  checkHalf(call, storage);
  if (!(words instanceof Uint16Array)) throw new TypeError(`${call}: "words" is ${describe(words)}, needs a Uint16Array.`);
  const { length } = words;
  const values = into ?? new Float32Array(length);
  if (!(values instanceof Float32Array)) throw new TypeError(`${call}: "into" is ${describe(into)}, needs a Float32Array.`);
  checkInto(call, values.length, length, 'one a word');
  const bits = new Int32Array(values.buffer, values.byteOffset, length); // a NaN's payload survives as bits only
  if (storage === 'f16') {
    for (let i = 0; i < length; i++) bits[i] = widenF16(words[i]);
  } else {
    for (let i = 0; i < length; i++) bits[i] = words[i] << 16;
  }
  return values;
}

/** The number nearest to `value` that the storage holds, rounded once as `packHalf` does. */
export function roundTo(value: number, storage: Storage): number {
  checkStorage('roundTo', storage);
  if (storage === 'f32') return Math.fround(value);
  const word = wordOf(value);
  singleWord[0] = storage === 'f16' ? widenF16(roundToF16(word)) : roundToBf16(word) << 16;
  return single[0];
}

/**
 * The distance between the storage's neighbours where `value` lies; at a power of two, to the neighbour farther from zero.
 * From the largest finite number on it is the last distance there is; NaN and infinity have none: NaN.
 */
export function ulpOf(value: number, storage: Storage): number {
  checkStorage('ulpOf', storage);
  if (!Number.isFinite(value)) return NaN;
  const { significand, least, most } = FORMATS[storage];
  double[0] = value;
  const exponent = ((doubleWords[1] >>> 20) & 0x7ff) - 1023; // of a subnormal f64 -1023, which is below every `least`
  return 2 ** (Math.min(Math.max(exponent, least), most) - significand);
}

/**
 * An f64 as the bits of an f32 that rounds on to fewer bits as the f64 itself would: toward zero, and odd where that
 * was not exact, so that no tie arises which was none. Boldo & Melquiond 2008, "Emulation of a FMA and correctly rounded sums".
 */
function wordOf(value: number): number {
  single[0] = value;
  const word = singleWord[0];
  const near = single[0];
  if (near === value || value !== value) return word;
  return (Math.abs(near) > Math.abs(value) ? word - 1 : word) | 1;
}

/** The bits of an f32 → those of the nearest f16. */
function roundToF16(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fffffff;
  if (size > F32_INFINITY) return sign | 0x7e00 | ((size >>> 13) & 0x3ff);
  if (size >= 0x477ff000) return sign | 0x7c00; // 65520
  if (size >= 0x38800000) {
    const rebased = size - ((127 - 15) << 23); // a carry out of the significand is the next exponent
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  if (size < 0x33000000) return sign; // below 2⁻²⁵, half the smallest
  const significand = (size & 0x7fffff) | 0x800000;
  const shift = 126 - (size >>> 23); // to units of 2⁻²⁴; 14 to 24
  return sign | ((significand + (1 << (shift - 1)) - 1 + ((significand >>> shift) & 1)) >>> shift);
}

/** The bits of an f32 → those of the nearest bf16. */
function roundToBf16(word: number): number {
  if ((word & 0x7fffffff) > F32_INFINITY) return (word >>> 16) | 0x40;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** The bits of an f16 → those of the f32 of the same value. */
function widenF16(word: number): number {
  const sign = (word & 0x8000) << 16;
  const size = word & 0x7fff;
  if (size >= 0x7c00) return sign | F32_INFINITY | ((size & 0x3ff) << 13);
  if (size >= 0x400) return sign | ((size << 13) + ((127 - 15) << 23));
  if (size === 0) return sign;
  const shift = Math.clz32(size) - 21; // moves the leading 1 to bit 10, where it is implied
  return sign | ((113 - shift) << 23) | (((size << shift) & 0x3ff) << 13);
}

function checkHalf(call: string, storage: unknown): void {
  if (storage !== 'f16' && storage !== 'bf16') {
    throw new RangeError(`${call}: "storage" is ${describe(storage)}, needs 'f16' or 'bf16'.`);
  }
}

function checkValues(call: string, values: unknown): void {
  if (values instanceof Float32Array || values instanceof Float64Array) return;
  if (!Array.isArray(values)) {
    throw new TypeError(`${call}: "values" is ${describe(values)}, needs a Float32Array, a Float64Array or an array of numbers.`);
  }
  const bad = values.findIndex((value) => typeof value !== 'number');
  if (bad >= 0) throw new TypeError(`${call}: "values" has ${describe(values[bad])} at ${bad}, needs numbers.`);
}

function checkInto(call: string, given: number, needed: number, from: string): void {
  if (given < needed) {
    throw new RangeError(`${call}: "into" has ${given} elements, needs at least ${needed} (${from}). Create it with that length.`);
  }
}
