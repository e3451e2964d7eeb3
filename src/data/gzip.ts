import { malformed, type Source } from './errors.js';
import { FORMATS } from './foreign.js';
import type { ReadProgress } from './options.js';

export const DEFAULT_MAX_BYTES = 2 ** 29;
const MIN_BYTES = 18; // RFC 1952: header 10, trailer 8, and some deflate between
const MOST_EXPANSION = 1032; // what a byte of deflate stands for at most

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

export interface UnzipOptions {
  maxBytes: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ReadProgress) => void) | undefined;
}

/**
 * Unzips a gzip file, and no more of it than `maxBytes`: a file that says it is larger is refused before, one that becomes
 * larger than it says as soon as it does.
 */
export async function gunzip(source: Source, bytes: Uint8Array, { maxBytes, signal, onProgress }: UnzipOptions): Promise<Uint8Array> {
  const refusal = (found: string) => malformed(source, found, 'one whole gzip file and nothing after it', 'Save or copy it again.');
  if (bytes.length < MIN_BYTES) throw refusal(`does not unzip: it ends at byte ${bytes.length}, gzip has at least ${MIN_BYTES}`);
  // The last 4 bytes of a gzip file are its length (RFC 1952), below 4 GiB.
  const said = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.length - 4, true);
  const tooLarge = (size: string) =>
    malformed(source, `unzips to ${size} bytes`, `at most ${maxBytes} ("maxBytes")`, 'Give a larger "maxBytes" if the file is meant to be so large.', {
      problem: 'size', option: 'maxBytes',
    });
  if (said > maxBytes && said <= bytes.length * MOST_EXPANSION) throw tooLarge(String(said));
  const limit = Math.min(maxBytes, bytes.length * MOST_EXPANSION);
  let unzipped = new Uint8Array(Math.min(limit, said));
  let length = 0;
  try {
    const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream('gzip'));
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (signal?.aborted || length + value.length > limit) {
        await reader.cancel();
        signal?.throwIfAborted();
        throw tooLarge(`more than ${limit}`);
      }
      if (length + value.length > unzipped.length) {
        const larger = new Uint8Array(Math.min(limit, 2 * (length + value.length)));
        larger.set(unzipped.subarray(0, length));
        unzipped = larger;
      }
      unzipped.set(value, length);
      length += value.length;
      onProgress?.({ stage: 'unzip', done: length, total: Math.max(length, said) });
    }
  } catch (cause) {
    if (signal?.aborted || (cause instanceof RangeError && 'details' in cause)) throw cause;
    // The engine's words are no help to a reader ("Failed to fetch" in Chromium) and go along as the cause.
    throw Object.assign(refusal(`does not unzip: its ${bytes.length} bytes are cut short, damaged or too many`), { cause });
  }
  // Node 20 passes over zeros after the end and joins concatenated files, where browsers throw: then the length is not what was said.
  if (length % 2 ** 32 !== said) throw refusal(`does not unzip: it gives ${length} bytes where its last 4 bytes say ${said}`);
  const whole = unzipped.subarray(0, length);
  if (isGzip(whole)) throw malformed(source, 'is gzip within gzip', FORMATS, 'Unzip it once.', { problem: 'format' });
  return whole;
}
