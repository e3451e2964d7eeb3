import { checkCount, describe } from './shape.js';

/**
 * What a training forward keeps for its backward: one buffer of planes, each `channels` words, in this order.
 * The mean is `mean + meanLow`: one f32 cannot hold it to the precision that a large mean needs. `count` and `flags`
 * are u32, the others f32. Of a batch that holds a NaN or an infinity, mean + meanLow is NaN; a variance that f32 cannot hold is
 * NaN too.
 */
export const SAVED_PLANES = ['mean', 'meanLow', 'variance', 'invStd', 'count', 'flags'] as const;

/** A bit of `flags`: one row has no unbiased variance, so the running variance stayed as it was. */
export const RUNNING_VARIANCE_STAYED = 1;
/** A bit of `flags`: no row counted, so neither running statistic moved. */
export const RUNNING_STAYED = 2;

/** Where cumulative averaging stops counting: the largest u32. */
export const MAX_BATCHES = 0xffffffff;

/** Typed views of a `saved` buffer's bytes, `channels` elements each. */
export interface SavedViews {
  mean: Float32Array;
  /** What `mean` lost to rounding: add it. */
  meanLow: Float32Array;
  /** Biased. */
  variance: Float32Array;
  invStd: Float32Array;
  /** Rows that the statistics were taken over; the same for every channel. */
  count: Uint32Array;
  /** `RUNNING_VARIANCE_STAYED`, `RUNNING_STAYED`; the same for every channel. */
  flags: Uint32Array;
}

/** Bytes of a `saved` buffer: six words per channel. */
export function savedBytes(channels: number): number {
  return SAVED_PLANES.length * channels * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * Views the bytes of a `saved` buffer, without copying.
 *
 * @param bytes - what was read back from the buffer, `savedBytes(channels)` long or longer.
 * @returns views into `bytes`.
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
      `${call}: "bytes" is ${bytes.byteLength} bytes, needs ${needed} (6 planes × channels ${channels}, 4 bytes each). ` +
        `Read the whole buffer made by createSaved().`,
    );
  }
  const [buffer, from] = view ? [bytes.buffer as ArrayBuffer, bytes.byteOffset] : [bytes, 0];
  const plane = (index: number) => new Float32Array(buffer, from + index * channels * 4, channels);
  const words = (index: number) => new Uint32Array(buffer, from + index * channels * 4, channels);
  return { mean: plane(0), meanLow: plane(1), variance: plane(2), invStd: plane(3), count: words(4), flags: words(5) };
}
