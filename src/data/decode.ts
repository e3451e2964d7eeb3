import { malformed, type Source } from './errors.js';
import { FORMATS } from './foreign.js';

/** V8's longest string. */
const MAX_TEXT_BYTES = 2 ** 29 - 24;

export interface DecodedText {
  text: string;
  encoding: 'UTF-8' | 'UTF-16' | 'Windows-1252';
}

/**
 * Text of bytes: UTF-8; UTF-16 in either byte order, by its mark or by the zeros that it has in every second byte; else
 * Windows-1252, which Excel writes where it is not told otherwise.
 */
export function decodeText(source: Source, bytes: Uint8Array): DecodedText {
  if (bytes.length > MAX_TEXT_BYTES) {
    const found = `is ${bytes.length} bytes and neither .npy nor IDX`;
    throw malformed(source, found, `at most ${MAX_TEXT_BYTES} bytes of text (the longest string)`, 'Save it as .npy.', { problem: 'size' });
  }
  const wide = wideOf(bytes);
  if (wide) return { text: decodeWide(source, bytes, wide), encoding: 'UTF-16' };
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const zero = bytes.indexOf(0); // legal in UTF-8, but not in a table
  if (zero < 0) {
    try {
      return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'UTF-8' };
    } catch {
      // Windows-1252, or no text
    }
  }
  const wrong = zero >= 0 ? zero : hasMark ? firstInvalid(bytes) : firstUnlikely(bytes);
  if (wrong < 0) return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'Windows-1252' };
  const found = `is no text at byte ${wrong} (0x${bytes[wrong]!.toString(16).padStart(2, '0')})`;
  throw malformed(source, found, FORMATS, 'Save it as one of these.', { problem: 'format' });
}

type Wide = 'utf-16le' | 'utf-16be';

function wideOf(bytes: Uint8Array): Wide | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const length = Math.min(bytes.length, 400) & ~1;
  if (length < 4) return null;
  const zeros = [0, 0];
  for (let at = 0; at < length; at++) if (bytes[at] === 0) zeros[at & 1]!++;
  const most = 0.9 * (length / 2);
  if (zeros[1]! >= most && zeros[0] === 0) return 'utf-16le';
  return zeros[0]! >= most && zeros[1] === 0 ? 'utf-16be' : null;
}

function decodeWide(source: Source, bytes: Uint8Array, encoding: Wide): string {
  let text: string | null = null;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    // said below
  }
  if (text !== null && !text.includes('\0')) return text;
  const found = text === null ? 'is UTF-16 that is cut short or damaged' : 'is UTF-16 with a zero in it';
  throw malformed(source, found, 'whole text', 'Save or copy it again, best in UTF-8.');
}

/** Windows-1252 has no characters there, and text has no other controls than tab, line ends and form feed. */
const UNLIKELY = new Set([...Array.from({ length: 32 }, (_, byte) => byte).filter((byte) => ![9, 10, 12, 13, 26].includes(byte)), 0x7f, 0x81, 0x8d, 0x8f, 0x90,
  0x9d]);

/** Index of the first byte that speaks against Windows-1252, or −1: one it does not have, or the first high one of too many. */
function firstUnlikely(bytes: Uint8Array): number {
  let high = 0;
  let first = -1;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (UNLIKELY.has(byte)) return at;
    if (byte >= 0x80) {
      high++;
      if (first < 0) first = at;
    }
  }
  return high > Math.max(4, 0.3 * bytes.length) ? first : -1;
}

/** Index of the first character that is not UTF-8: bisects for the shortest prefix that no text begins with. */
function firstInvalid(bytes: Uint8Array): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    if (isUtf8(bytes.subarray(0, middle), { stream: true })) valid = middle;
    else invalid = middle;
  }
  let at = invalid - 1;
  while (!isUtf8(bytes.subarray(0, at))) at--; // back over the bytes that began this character, 3 at most
  return at;
}

function isUtf8(bytes: Uint8Array, options?: TextDecodeOptions): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, options);
    return true;
  } catch {
    return false;
  }
}
