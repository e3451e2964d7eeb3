import { checkStorage, storageBytes } from '../core/storage.js';
import { MAX_ELEMENTS, checkCount, describe } from '../core/shape.js';
import type { TensorData, TensorStorage } from './backend.js';

/** Values checked, and not yet rounded. */
export type Values = Exclude<TensorData, readonly number[]>;

/** Elements of a shape. Throws unless each axis is an integer of at least 1 and every element has a u32 index. */
export function sizeOf(call: string, shape: readonly number[]): number {
  if (!Array.isArray(shape)) throw new TypeError(`${call}: "shape" is ${describe(shape)}, needs an array such as [rows, channels].`);
  if (shape.length === 0) throw new RangeError(`${call}: "shape" is [], needs at least one axis.`);
  shape.forEach((axis, i) => checkCount(call, `shape[${i}]`, axis));
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (size > MAX_ELEMENTS) {
    throw new RangeError(`${call}: "shape" has ${size} elements ([${shape.join(', ')}]), needs at most ${MAX_ELEMENTS} (indices are u32). Split the batch.`);
  }
  return size;
}

export function checkTensorStorage(call: string, storage: unknown): asserts storage is TensorStorage {
  if (storage !== 'u32') checkStorage(call, storage);
}

/** Bytes of a tensor's buffer. */
export function tensorBytes(elements: number, storage: TensorStorage): number {
  return storage === 'u32' ? 4 * elements : storageBytes(elements, storage);
}

/** Throws unless every value is an integer that a u32 holds and that comes back as it was: values are read as f32. */
export function checkIntegers(call: string, values: Values): void {
  const bad = (values as Float64Array).findIndex((value) => !Number.isInteger(value) || value < 0 || value > 2 ** 24);
  if (bad >= 0) throw new RangeError(`${call}: "data" has ${values[bad]} at ${bad}, needs integers from 0 to 16777216 (the storage is u32).`);
}

/** The values to upload, checked against the shape's size. */
export function checkData(call: string, data: unknown, size: number, shape: readonly number[]): Values {
  if (!isTyped(data) && !Array.isArray(data)) {
    throw new TypeError(`${call}: "data" is ${describe(data)}, needs a typed array or an array of numbers.`);
  }
  if (data.length !== size) {
    throw new RangeError(`${call}: "data" has ${data.length} elements, needs ${size} (shape [${shape.join(', ')}]). Give as many.`);
  }
  if (isTyped(data)) return data;
  const bad = data.findIndex((value) => typeof value !== 'number');
  if (bad >= 0) throw new TypeError(`${call}: "data" has ${describe(data[bad])} at ${bad}, needs numbers.`);
  return Float64Array.from(data);
}

/** Any view of numbers: not a DataView, nor of big integers. */
function isTyped(data: unknown): data is Values {
  return ArrayBuffer.isView(data) && !(data instanceof DataView || data instanceof BigInt64Array || data instanceof BigUint64Array);
}

export function disposedError(call: string): Error {
  return new Error(`${call}: the tensor was disposed, needs a live one. Dispose it after its last use.`);
}
