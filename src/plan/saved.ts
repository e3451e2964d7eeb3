import { checkCount, describe } from './shape.js';

/**
 * What a training forward keeps for its backward: one buffer of planes, each `channels` f32, in this order.
 * The mean is `mean + meanLow`: one f32 cannot hold it to the precision that a large mean needs.
 */
export const SAVED_PLANES = ['mean', 'meanLow', 'variance', 'invStd'] as const;

/** Typed views of a `saved` buffer's bytes, `channels` elements each. */
export type SavedViews = Record<(typeof SAVED_PLANES)[number], Float32Array>;

/** Bytes of a `saved` buffer: four f32 per channel. */
export function savedBytes(channels: number): number {
  return SAVED_PLANES.length * channels * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * Views the bytes of a `saved` buffer, without copying.
 *
 * @param bytes - what was read back from the buffer, `savedBytes(channels)` long or longer.
 * @returns `mean`, `meanLow` (add it to `mean`), `variance` (biased) and `invStd`.
 * @throws {TypeError} {RangeError} `bytes` is no buffer or too short, or `channels` no count.
 */
export function savedViews(bytes: ArrayBuffer | ArrayBufferView, channels: number): SavedViews {
  const call = 'savedViews';
  checkCount(call, 'channels', channels);
  const view = ArrayBuffer.isView(bytes);
  if (!view && !(bytes instanceof ArrayBuffer)) {
    throw new TypeError(`${call}: "bytes" is ${describe(bytes)}, needs an ArrayBuffer or a typed array.`);
  }
  const needed = savedBytes(channels);
  if (bytes.byteLength < needed) {
    throw new RangeError(
      `${call}: "bytes" is ${bytes.byteLength} bytes, needs ${needed} (4 planes × channels ${channels}, f32). ` +
        `Read the whole buffer made by createSaved().`,
    );
  }
  const [buffer, from] = view ? [bytes.buffer as ArrayBuffer, bytes.byteOffset] : [bytes, 0];
  const plane = (index: number) => new Float32Array(buffer, from + index * channels * 4, channels);
  return { mean: plane(0), meanLow: plane(1), variance: plane(2), invStd: plane(3) };
}
