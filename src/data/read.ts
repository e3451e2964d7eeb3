import { describe } from '../core/shape.js';
import { arrayColumns, arrayTable } from './binary.js';
import { refuseToGuess, TextReading } from './csv.js';
import { decodeText } from './decode.js';
import { checkBytes } from './elements.js';
import type { Source } from './errors.js';
import { foreignBytes } from './foreign.js';
import { DEFAULT_MAX_BYTES, gunzip, isGzip } from './gzip.js';
import { isIdx, openIdx } from './idx.js';
import { isNpy, openNpy } from './npy.js';
import type { ReadProgress, TextOptions } from './options.js';
import type { ReadTable } from './table.js';

export interface ReadOptions extends TextOptions {
  /** Name of the file, for errors; without it they name the argument. */
  file?: string | undefined;
  /** Of what a gzip file may unzip to. Default 512 MiB. */
  maxBytes?: number | undefined;
  /** Ends the reading: it throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** How far it is, some twenty times a second. */
  onProgress?: ((progress: ReadProgress) => void) | undefined;
}

/**
 * Reads a file of any kind that this library knows: a table as text, NumPy `.npy`, IDX, each also gzipped.
 *
 * The content decides, not the name: `\x93NUMPY`, 00 00 and an IDX type, 1f 8b for gzip; text is UTF-8, UTF-16 or
 * Windows-1252. See `parseCsv`, `parseNpy` and `parseIdx` for what each gives. Files of other kinds (zip, images, HTML,
 * JSON, Parquet, …) are refused by their name. All of the file is read or nothing.
 *
 * The thread is left now and then, for events and `signal`. Time is linear in the file; memory is the file's text, its
 * values, and, unzipped, at most `maxBytes`.
 *
 * @param bytes - the whole file; read only, and nothing of it is kept.
 * @throws {TypeError} an argument is of the wrong kind.
 * @throws {TableError} the file is malformed, or can be meant in two ways: with its name, the place and what was expected there.
 * @example const table = await readTable(new Uint8Array(await file.arrayBuffer()), { file: file.name, label: 'species' });
 */
export async function readTable(bytes: Uint8Array, options: ReadOptions = {}): Promise<ReadTable> {
  const { source, content } = await openBytes('readTable', bytes, options);
  const array = openArray(source, content);
  if (array) {
    const columns = arrayColumns(source, array.form, array.reading.channels, options);
    await readAll(array.reading, array.reading.total, ELEMENTS_AT_ONCE, options);
    return arrayTable(source, array.reading, columns);
  }
  const { text, encoding } = decodeText(source, content);
  const reading = new TextReading(source, text, options, refuseToGuess);
  await readAll(reading, reading.text.length, CHARACTERS_AT_ONCE, options);
  const table = reading.table();
  if (encoding !== 'UTF-8') table.notes.unshift(encodingNote(encoding));
  return table;
}

export function encodingNote(encoding: string): string {
  return `The text is read as ${encoding}.`;
}

/** Checks what both calls are given, and unzips. */
export async function openBytes(call: string, bytes: Uint8Array, options: ReadOptions): Promise<{ source: Source; content: Uint8Array }> {
  checkBytes(call, bytes);
  if (typeof options !== 'object' || options === null) throw new TypeError(`${call}: "options" is ${describe(options)}, needs an object.`);
  const { file, maxBytes = DEFAULT_MAX_BYTES, signal, onProgress } = options;
  if (file !== undefined && typeof file !== 'string') throw new TypeError(`${call}: "file" is ${describe(file)}, needs the file's name.`);
  if (typeof maxBytes !== 'number' || !(maxBytes >= 0)) throw new TypeError(`${call}: "maxBytes" is ${describe(maxBytes)}, needs a number of bytes.`);
  signal?.throwIfAborted();
  const source = { call, subject: file ?? 'bytes' };
  const content = isGzip(bytes) ? await gunzip(source, bytes, { maxBytes, signal, onProgress }) : bytes;
  return { source, content };
}

/** The array of numbers that a file is, or null where it is text. */
export function openArray(source: Source, bytes: Uint8Array) {
  if (isNpy(bytes)) return { form: '.npy' as const, reading: openNpy(source, bytes) };
  const foreign = foreignBytes(source, bytes);
  if (foreign) throw foreign;
  return isIdx(bytes) ? { form: 'IDX' as const, reading: openIdx(source, bytes) } : null;
}

export const CHARACTERS_AT_ONCE = 2 ** 18;
export const ELEMENTS_AT_ONCE = 2 ** 20;
/** Milliseconds of the thread at a time. */
const TURN = 40;

/** Reads to the end, and leaves the thread between. */
export async function readAll(reading: { read(until: number): boolean }, total: number, step: number, { signal, onProgress }: ReadOptions): Promise<void> {
  let turn = performance.now();
  for (let until = step; reading.read(until); until += step) {
    if (performance.now() - turn < TURN) continue;
    onProgress?.({ stage: 'read', done: Math.min(until, total), total });
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    turn = performance.now();
  }
  onProgress?.({ stage: 'read', done: total, total });
}
