import { STORAGE } from './gpuFlags.js';
import { describe } from './shape.js';

/** Bytes to which windows and the buffers of one tensor are cut: the largest minStorageBufferOffsetAlignment a device may have. */
export const WINDOW_ALIGNMENT = 256;

/** A whole buffer, or a part of one: `offset` and `size` in bytes. */
export type BufferView = GPUBuffer | { buffer: GPUBuffer; offset?: number; size?: number };

/** A tensor in one buffer, or in several that follow each other, each but the last a multiple of 256 bytes. */
export type TensorView = BufferView | readonly BufferView[];

/** One buffer argument of a call, ready to be bound. */
export interface Argument {
  name: string;
  buffer: GPUBuffer;
  offset: number;
  /** Bytes the kernels use, from the shape. */
  bytes: number;
  reads: boolean;
  writes: boolean;
  /** Bytes of the tensor in the buffers before this one; 0 where the argument is one buffer. */
  from: number;
}

/** What an argument has to be. */
export interface Requirement {
  name: string;
  bytes: number;
  reads: boolean;
  writes: boolean;
  /** Whether it may be larger than one binding. */
  windowed: boolean;
  /** Where `bytes` comes from, worded only when there is an error to say it in. */
  rows: number;
  parts: number;
  from(rows: number, parts: number): string;
}

/** Which part of a tensor a buffer is. */
export interface Piece {
  from: number;
  last: boolean;
}

const WHOLE: Piece = { from: 0, last: true };

/** The device limits that buffers are checked against; a `GPUSupportedLimits` is one. */
export interface BufferLimits {
  readonly maxStorageBufferBindingSize: number;
  readonly minStorageBufferOffsetAlignment: number;
}

/**
 * Checks one view and writes it to `into`, which keeps a steady call free of allocations.
 *
 * @param piece - of a tensor in several buffers: bytes that stand before it, and whether others follow.
 */
export function checkView(call: string, view: unknown, needs: Requirement, limits: BufferLimits, into: Argument, piece: Piece = WHOLE): void {
  const { name } = needs;
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
  const bytes = piece.last ? needs.bytes - piece.from : Math.min(size, needs.bytes - piece.from);
  if (!piece.last && (size === 0 || size % WINDOW_ALIGNMENT !== 0)) {
    throw new RangeError(`${call}: "${name}" is ${size} bytes, needs a multiple of ${WINDOW_ALIGNMENT} (another buffer follows it). Cut the tensor there.`);
  }
  if (!needs.windowed && bytes > limits.maxStorageBufferBindingSize) {
    throw new RangeError(
      `${call}: "${name}" needs ${bytes} bytes (${needs.from(needs.rows, needs.parts)}), the device binds at most ${limits.maxStorageBufferBindingSize} ` +
        `(maxStorageBufferBindingSize). Request the device with a higher limit, or split the batch.`,
    );
  }
  if (size < bytes) {
    throw new RangeError(`${call}: "${name}" is ${size} bytes, needs ${bytes} (${needs.from(needs.rows, needs.parts)}). Create it with that size.`);
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
  into.from = piece.from;
}

/** Whether one stands exactly over the other, in a call in place. */
function isOver(a: Argument, b: Argument, over: readonly [string, string] | null): boolean {
  if (!over) return false;
  const names = (a.name === over[0] && b.name === over[1]) || (a.name === over[1] && b.name === over[0]);
  return names && a.offset === b.offset && a.bytes === b.bytes && a.from === b.from;
}

/**
 * Refuses what WebGPU forbids or leaves open: one buffer read and written in a dispatch, even on disjoint
 * ranges, and two writes to the same bytes.
 *
 * @param over - names of what is read and written in one place, in a call in place.
 */
export function checkSharing(call: string, list: readonly Argument[], over: readonly [string, string] | null = null): void {
  for (let i = 0; i < list.length; i++) {
    for (let j = i + 1; j < list.length; j++) {
      const a = list[i];
      const b = list[j];
      if (a.buffer !== b.buffer || !(a.writes || b.writes)) continue;
      if (isOver(a, b, over)) continue;
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

/** Whether it has what a GPUBuffer has; the device has the last word when it is bound. */
function isBuffer(value: unknown): value is GPUBuffer {
  const buffer = value as Partial<GPUBuffer> | null | undefined;
  return typeof buffer?.size === 'number' && typeof buffer.usage === 'number' && typeof buffer.unmap === 'function';
}
