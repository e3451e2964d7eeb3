import { describe } from '../plan/shape.js';
import { parseCsv } from './csv.js';
import { isIdx, parseIdx } from './idx.js';
import { isNpy, parseNpy } from './npy.js';
import { checkBytes, malformed, type Source, type Table } from './table.js';

export interface ReadOptions {
  /** Column of a CSV file taken out into `labels`: its name in the header line, or its index from 0. */
  label?: string | number | undefined;
}

const FORMATS = 'CSV text in UTF-8, NumPy .npy or IDX, plain or gzipped';
const MAX_TEXT_BYTES = 2 ** 29 - 24; // V8's longest string
const MIN_GZIP_BYTES = 18; // RFC 1952: header 10, trailer 8, and some deflate between

/**
 * Reads a file of any kind that this library knows: CSV, NumPy `.npy`, IDX, each also gzipped.
 *
 * The content decides, not the name: `\x93NUMPY`, 00 00 and an IDX type, 1f 8b for gzip, else it must be text. See
 * `parseCsv`, `parseNpy` and `parseIdx` for what each gives. All of the file is read or nothing.
 *
 * @param name - of the file, for errors.
 * @param bytes - the whole file; read only, and nothing of it is kept.
 * @throws {TypeError} an argument is of the wrong kind.
 * @throws {RangeError} the file is malformed, with its name, the place and what was expected there; `label` is no column.
 * @example const table = await readTable(file.name, new Uint8Array(await file.arrayBuffer()));
 */
export async function readTable(name: string, bytes: Uint8Array, options: ReadOptions = {}): Promise<Table> {
  const call = 'readTable';
  if (typeof name !== 'string') throw new TypeError(`${call}: "name" is ${describe(name)}, needs the file's name.`);
  checkBytes(call, bytes);
  const source = { call, subject: name };
  if (!isGzip(bytes)) return parse(source, bytes, options);
  const unzipped = await gunzip(source, bytes);
  if (isGzip(unzipped)) throw malformed(source, 'is gzip within gzip', FORMATS, 'Unzip it once.');
  return parse(source, unzipped, options);
}

function parse(source: Source, bytes: Uint8Array, { label }: ReadOptions): Table {
  const { call, subject: file } = source;
  const binary = isNpy(bytes) ? parseNpy : isIdx(bytes) ? parseIdx : undefined;
  if (!binary) return parseCsv(decodeText(source, bytes), { call, file, label });
  if (label !== undefined) {
    const found = `is ${describe(label)} but ${JSON.stringify(file)} is ${binary === parseNpy ? '.npy' : 'IDX'}`;
    throw new RangeError(`${call}: "label" ${found}, needs a CSV file (the others have no label column). Leave it out.`);
  }
  return binary(bytes, { call, file });
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

async function gunzip(source: Source, bytes: Uint8Array): Promise<Uint8Array> {
  const refusal = (found: string) =>
    malformed(source, found, 'one whole gzip file and nothing after it', 'Save or copy it again.');
  if (bytes.length < MIN_GZIP_BYTES) {
    throw refusal(`does not unzip: it ends at byte ${bytes.length}, gzip has at least ${MIN_GZIP_BYTES}`);
  }
  let unzipped: Uint8Array;
  try {
    const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream('gzip'));
    unzipped = new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    // The engine's words are no help to a reader ("Failed to fetch" in Chromium) and go along as the cause.
    throw Object.assign(refusal(`does not unzip: its ${bytes.length} bytes are cut short, damaged or too many`), { cause });
  }
  // Node 20 passes over zeros after the end and joins concatenated files, where browsers throw: the last 4 bytes of a
  // gzip file are its length (RFC 1952), and of these they are not.
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.length - 4, true);
  if (unzipped.length % 2 ** 32 !== length) {
    throw refusal(`does not unzip: it gives ${unzipped.length} bytes where its last 4 bytes say ${length}`);
  }
  return unzipped;
}

function decodeText(source: Source, bytes: Uint8Array): string {
  if (bytes.length > MAX_TEXT_BYTES) {
    const found = `is ${bytes.length} bytes and neither .npy nor IDX`;
    throw malformed(source, found, `at most ${MAX_TEXT_BYTES} bytes of text (the longest string)`, 'Save it as .npy.');
  }
  const zero = bytes.indexOf(0); // legal in UTF-8, but not in a table: UTF-16 and most binary files have one
  if (zero < 0) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      // said below, with the place
    }
  }
  const at = zero < 0 ? firstInvalid(bytes) : zero;
  const found = `is no text at byte ${at} (0x${bytes[at]?.toString(16).padStart(2, '0')})`;
  throw malformed(source, found, FORMATS, 'Save it as one of these.');
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
