import { type HalfStorage, unpackHalf } from '../core/storage.js';
import { describe } from '../core/shape.js';

/** Numbers with their type, as onnxruntime-web's tensors and other libraries have them; its words alone do not tell an f16 from a bf16. */
export interface NamedTensor {
  data: Float32Array | Float64Array | Uint16Array | readonly number[];
  /** `'f64'`, `'f32'`, `'f16'` or `'bf16'`, or the long names (`'float16'`), in any case. Needed where `data` is Uint16Array. */
  type?: string;
  /** Read where `type` is not given. */
  dtype?: string;
  shape?: readonly number[];
}

/** An entry of a file that is described only: its values were not read. */
export interface UnreadEntry {
  /** `'F32'`, as safetensors writes it. */
  dtype: string;
  shape: readonly number[];
}

export type Numbers = Float32Array | Float64Array | readonly number[];

/** The types an f32 is read from, exactly or rounded once. */
const TYPES: Readonly<Record<string, 'f64' | 'f32' | HalfStorage>> = {
  f64: 'f64', float64: 'f64', f32: 'f32', float32: 'f32', f16: 'f16', float16: 'f16', bf16: 'bf16', bfloat16: 'bf16',
};

/** The numbers of an entry, whatever they come as; not copied where they are numbers already. */
export function numbersOf(call: string, key: string, value: unknown, count: string): Numbers {
  const needs = `needs a Float32Array, a Float64Array or an array of ${count}`;
  if (value instanceof Float32Array || value instanceof Float64Array || Array.isArray(value)) return value as Numbers;
  if (isFloat16Array(value)) return Float32Array.from(value);
  if (value instanceof Uint16Array) {
    throw new TypeError(
      `${call}: "${key}" is Uint16Array, needs its type too (f16 or bf16: the words alone do not tell). Give { data, type: 'f16' } or { data, type: 'bf16' ` +
        `}.`,
    );
  }
  if (isUnread(value)) throw unread(call, key, value);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || !('data' in value)) {
    throw new TypeError(
      `${call}: "${key}" is ${describe(value)}, ${needs}.`,
    );
  }
  const { data } = value;
  if (typeof data === 'function') throw new TypeError(`${call}: "${key}" is ${describe(value)}, ${needs}. Give the values that its data() resolves to.`);
  const type = typeOf(call, key, value as NamedTensor);
  if (data instanceof Uint16Array) {
    if (type !== 'f16' && type !== 'bf16') {
      throw new TypeError(`${call}: "${key}" is Uint16Array of type ${describe(type)}, needs 'f16' or 'bf16' (two bytes a value). Correct its type.`);
    }
    return unpackHalf(data, type);
  }
  if (data instanceof Float32Array || data instanceof Float64Array || Array.isArray(data)) return data as Numbers;
  if (isFloat16Array(data)) return Float32Array.from(data);
  throw new TypeError(`${call}: "${key}" has data of ${describe(data)}, ${needs}, or a Uint16Array of type 'f16' or 'bf16'.`);
}

/** How many numbers an entry has: undefined where it is no vector of them. */
export function lengthOf(value: unknown): number | undefined {
  if (Array.isArray(value) || value instanceof Float32Array || value instanceof Float64Array || isFloat16Array(value)) return value.length;
  if (isUnread(value)) return isVector(value.shape) ? elementsOf(value.shape) : undefined;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || !('data' in value)) return undefined;
  const { data } = value;
  return Array.isArray(data) || (ArrayBuffer.isView(data) && 'length' in data) ? (data as ArrayLike<unknown>).length : undefined;
}

/** Whether a shape has one axis at most that is not of size 1: [64], [1, 64, 1, 1], [1], []. */
export function isVector(shape: readonly number[]): boolean {
  return shape.filter((size) => size !== 1).length <= 1;
}

export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function isUnread(value: unknown): value is UnreadEntry {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && !('data' in value) && Array.isArray(value.shape);
}

export function isFloatType(type: string): boolean {
  return Object.hasOwn(TYPES, type.toLowerCase());
}

/** An entry's type, undefined where it has none. */
export function typeOf(call: string, key: string, tensor: NamedTensor): 'f64' | 'f32' | HalfStorage | undefined {
  const type: unknown = tensor.type ?? tensor.dtype;
  if (type === undefined) return undefined;
  if (typeof type !== 'string' || !isFloatType(type)) throw wrongType(call, key, describe(type));
  return TYPES[type.toLowerCase()];
}

/** Float16Array is younger than the engines this runs on. */
export function isFloat16Array(value: unknown): value is ArrayLike<number> {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Float16Array]';
}

function unread(call: string, key: string, { dtype, shape }: UnreadEntry): Error {
  if (!isFloatType(dtype)) return wrongType(call, key, dtype);
  const why = isVector(shape) ? 'its values were not read' : 'batch norm has one number per channel';
  return new RangeError(
    `${call}: "${key}" has shape [${shape.join(', ')}], needs the numbers of one axis (${why}). Give the prefix of a batch norm, or read the entry by its ` +
      `name.`,
  );
}

function wrongType(call: string, key: string, type: string): TypeError {
  return new TypeError(`${call}: "${key}" is of type ${type}, needs F64, F32, F16 or BF16. Save it as one of these.`);
}
