import { MAX_PARTS } from '../core/options.js';
import { MAX_ELEMENTS, describe } from '../core/shape.js';

/** Throws unless `parts` is a list of every part, this layer's own among them, each of its length. */
export function checkParts(call: string, parts: unknown, own: Uint32Array): asserts parts is readonly Uint32Array[] {
  if (!Array.isArray(parts) || parts.length === 0) {
    throw new TypeError(`${call}: "exchange" gave ${Array.isArray(parts) ? '[]' : describe(parts)}, needs an array of every part.`);
  }
  if (parts.length > MAX_PARTS) throw new RangeError(`${call}: "exchange" gave ${parts.length} parts, needs at most ${MAX_PARTS}. Cut the batch into fewer.`);
  let found = false;
  for (let i = 0; i < parts.length; i++) {
    const part: unknown = parts[i];
    if (!(part instanceof Uint32Array) || part.length !== own.length) {
      const given = part instanceof Uint32Array ? `${part.length} words` : describe(part);
      throw new RangeError(
        `${call}: "exchange" gave ${given} as part ${i}, needs a Uint32Array of ${own.length}. Carry the parts as they are.`,
      );
    }
    found ||= part.every((word, at) => word === own[at]);
  }
  if (!found) {
    throw new RangeError(
      `${call}: "exchange" gave ${parts.length} parts without this layer's own, needs every part. Put the own one in its place, as it was given.`,
    );
  }
}

/** Throws unless each part is moments that rows can have: count (u32), mean, meanLow and m2 (f32), a plane each. */
export function checkMoments(call: string, parts: readonly Uint32Array[], channels: number): void {
  let rows = 0;
  parts.forEach((part, i) => {
    const count = part[0];
    const other = part.findIndex((words, c) => c < channels && words !== count);
    if (other >= 0) {
      throw new RangeError(
        `${call}: "exchange" gave part ${i} with ${count} rows in channel 0 and ${part[other]} in channel ${other}, needs one count. ` +
          `Carry the parts as they are.`,
      );
    }
    const m2 = new Float32Array(part.buffer, part.byteOffset + 12 * channels, channels);
    const negative = m2.findIndex((value) => value < 0); // NaN is of a broken batch, and stays
    if (negative >= 0) {
      throw new RangeError(
        `${call}: "exchange" gave part ${i} with m2 ${m2[negative]} in channel ${negative}, needs at least 0 (a sum of squares). Carry the parts as they are.`,
      );
    }
    rows += count;
  });
  if (rows > MAX_ELEMENTS) {
    throw new RangeError(
      `${call}: "exchange" gave parts of ${rows} rows together, needs at most ${MAX_ELEMENTS} (a count is u32). Carry the parts as they are.`,
    );
  }
}
