import { checkStorage, storageBytes } from '../plan/half.js';
import { MAX_ELEMENTS, checkCount, describe } from '../plan/shape.js';
import type { TensorStorage } from './backend.js';

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

/** Throws unless every value is an integer that a u32 holds. */
export function checkIntegers(call: string, values: Float32Array): void {
  const bad = values.findIndex((value) => !Number.isInteger(value) || value < 0 || value > 2 ** 24);
  if (bad >= 0) throw new RangeError(`${call}: "data" has ${values[bad]} at ${bad}, needs integers from 0 to 16777216 (the storage is u32).`);
}

/** The values to upload, checked against the shape's size. */
export function checkData(call: string, data: unknown, size: number, shape: readonly number[]): Float32Array {
  if (!(data instanceof Float32Array) && !Array.isArray(data)) {
    throw new TypeError(`${call}: "data" is ${describe(data)}, needs a Float32Array or an array of numbers.`);
  }
  if (data.length !== size) {
    throw new RangeError(`${call}: "data" has ${data.length} elements, needs ${size} (shape [${shape.join(', ')}]). Give as many.`);
  }
  if (data instanceof Float32Array) return data;
  const bad = data.findIndex((value) => typeof value !== 'number');
  if (bad >= 0) throw new TypeError(`${call}: "data" has ${describe(data[bad])} at ${bad}, needs numbers.`);
  return Float32Array.from(data);
}

export function disposedError(call: string): Error {
  return new Error(`${call}: the tensor was disposed, needs a live one. Dispose it after its last use.`);
}
