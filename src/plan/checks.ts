import { STORAGE } from './gpuFlags.js';
import { describe } from './shape.js';

/** A whole buffer, or a part of one: `offset` and `size` in bytes. */
export type BufferView = GPUBuffer | { buffer: GPUBuffer; offset?: number; size?: number };

/** One buffer argument of a call, ready to be bound. */
export interface Argument {
  name: string;
  buffer: GPUBuffer;
  offset: number;
  /** Bytes the kernels use, from the shape. */
  bytes: number;
  reads: boolean;
  writes: boolean;
}

/** What an argument has to be. */
export interface Requirement {
  name: string;
  bytes: number;
  reads: boolean;
  writes: boolean;
  /** Where `bytes` comes from, worded only when there is an error to say it in. */
  rows: number;
  from(rows: number): string;
}

/** The device limits that buffers are checked against; a `GPUSupportedLimits` is one. */
export interface BufferLimits {
  readonly maxStorageBufferBindingSize: number;
  readonly minStorageBufferOffsetAlignment: number;
}

/** Checks one view and writes it to `into`, which keeps a steady call free of allocations. */
export function checkView(call: string, view: unknown, needs: Requirement, limits: BufferLimits, into: Argument): void {
  const { name, bytes } = needs;
  const given = view as { buffer?: GPUBuffer; offset?: number; size?: number } | null | undefined;
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`${call}: "${name}" is ${describe(view)}, needs a GPUBuffer or { buffer, offset, size }.`);
  }
  const whole = isBuffer(given);
  const buffer = whole ? given : given.buffer;
  if (!isBuffer(buffer)) {
    throw new TypeError(`${call}: "${name}" is ${describe(view)}, needs a GPUBuffer or { buffer, offset, size }.`);
  }
  const offset = whole ? 0 : (given.offset ?? 0);
  if (!Number.isInteger(offset) || offset < 0 || offset > buffer.size) {
    throw new RangeError(`${call}: "${name}" has offset ${offset}, needs an integer from 0 to its buffer's ${buffer.size} bytes.`);
  }
  const size = whole ? buffer.size : (given.size ?? buffer.size - offset);
  if (!Number.isInteger(size) || size < 0 || offset + size > buffer.size) {
    throw new RangeError(
      `${call}: "${name}" has size ${size} at offset ${offset}, needs at most ${buffer.size - offset} (its buffer is ${buffer.size} bytes).`,
    );
  }
  if (offset % limits.minStorageBufferOffsetAlignment !== 0) {
    throw new RangeError(
      `${call}: "${name}" has offset ${offset}, needs a multiple of ${limits.minStorageBufferOffsetAlignment} ` +
        `(the device's minStorageBufferOffsetAlignment). Move it there.`,
    );
  }
  if (bytes > limits.maxStorageBufferBindingSize) {
    throw new RangeError(
      `${call}: "${name}" needs ${bytes} bytes (${needs.from(needs.rows)}), the device binds at most ${limits.maxStorageBufferBindingSize} ` +
        `(maxStorageBufferBindingSize). Request the device with a higher limit, or split the batch.`,
    );
  }
  if (size < bytes) {
    throw new RangeError(`${call}: "${name}" is ${size} bytes, needs ${bytes} (${needs.from(needs.rows)}). Create it with that size.`);
  }
  if ((buffer.usage & STORAGE) === 0) {
    throw new TypeError(`${call}: "${name}" has usage 0x${buffer.usage.toString(16)}, needs GPUBufferUsage.STORAGE (0x80). Create it with that usage.`);
  }
  into.name = name;
  into.buffer = buffer;
  into.offset = offset;
  into.bytes = bytes;
  into.reads = needs.reads;
  into.writes = needs.writes;
}

/**
 * Refuses what WebGPU forbids or leaves open: one buffer read and written in a dispatch, even on disjoint
 * ranges, and two writes to the same bytes.
 */
export function checkSharing(call: string, list: readonly Argument[]): void {
  for (let i = 0; i < list.length; i++) {
    for (let j = i + 1; j < list.length; j++) {
      const a = list[i];
      const b = list[j];
      if (a.buffer !== b.buffer || !(a.writes || b.writes)) continue;
      if ((a.writes && b.reads) || (a.reads && b.writes)) {
        const [output, input] = b.writes ? [b, a] : [a, b];
        throw new TypeError(
          `${call}: "${output.name}" is in the same buffer as "${input.name}", needs another (WebGPU forbids reading and ` +
            `writing one buffer in a dispatch, even on disjoint ranges). Use two buffers.`,
        );
      }
      if (a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes) {
        throw new RangeError(
          `${call}: "${b.name}" is bytes ${b.offset} to ${b.offset + b.bytes}, needs to be apart from "${a.name}" at bytes ` +
            `${a.offset} to ${a.offset + a.bytes} of the same buffer (both are written). Use two buffers or disjoint ranges.`,
        );
      }
    }
  }
}

function isBuffer(value: unknown): value is GPUBuffer {
  const buffer = value as Partial<GPUBuffer> | null | undefined;
  return typeof buffer?.size === 'number' && typeof buffer.usage === 'number';
}
