import { type HalfStorage, unpackHalf } from '../core/storage.js';
import { checkNames } from '../core/options.js';
import { describe } from '../core/shape.js';
import { type NamedTensor, type UnreadEntry, elementsOf, isFloat16Array, isFloatType, isUnread, isVector, typeOf } from './entry.js';

/** A file's entries by name. */
export type SafetensorsEntries = Record<string, Float32Array | Float64Array | number | bigint | UnreadEntry>;

export interface ReadSafetensorsOptions {
  /** The entries to read, of any shape, in this order. Default: every entry is there, those of more than one axis described only. */
  names?: readonly string[];
}

export interface WriteSafetensorsOptions {
  /** The file's `__metadata__`: texts by name. Some readers ask for `{ format: 'pt' }`. */
  metadata?: Readonly<Record<string, string>>;
}

/** What a header says, checked. */
interface Header {
  metadata: Record<string, string>;
  entries: Map<string, Span>;
}

/** An entry and where it lies, in bytes of the file. */
interface Span extends UnreadEntry {
  begin: number;
  end: number;
}

interface Source {
  bytes: number;
  /** A part of the file; it may be a view. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** As the format's own library has it. */
const MOST_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
const METADATA = '__metadata__';

/** Bits of an element, in the format's order: entries are written with the last of these first, so that each is aligned. */
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8, F4: 4, F6_E2M3: 6, F6_E3M2: 6, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8,
  I16: 16, U16: 16, F16: 16, BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64,
};

const INTEGERS: Readonly<Record<string, (view: DataView) => number | bigint>> = {
  U8: (view) => view.getUint8(0), I8: (view) => view.getInt8(0), I16: (view) => view.getInt16(0, true), U16: (view) => view.getUint16(0, true),
  I32: (view) => view.getInt32(0, true), U32: (view) => view.getUint32(0, true),
  I64: (view) => plain(view.getBigInt64(0, true)), U64: (view) => plain(view.getBigUint64(0, true)),
};

/** What other files of weights begin with. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['PK\x03\x04', 'a zip (a .pt, .keras or .npz)'], ['\x89HDF', 'HDF5 (an .h5)'], ['\x80', `Python's pickle`], ['\x93NUMPY', 'an .npy'], ['GGUF', 'a GGUF'],
  ['version https://git-lfs', 'what git-lfs leaves in place of the file'], ['<', 'a page of HTML or XML'], ['{', 'JSON'],
];

/**
 * Reads what batch norms are made of from a safetensors file: the entries of one axis, and single numbers.
 *
 *     layer.load(fromNames(await readSafetensors(file), 'pytorch', { prefix: 'features.1.' }))
 *
 * | dtype | comes as |
 * | --- | --- |
 * | F64, F32 | Float64Array, Float32Array |
 * | F16, BF16 | Float32Array, exactly |
 * | an integer of one element, as PyTorch's count | number, or bigint past 2⁵³ |
 * | another dtype, or more than one axis of a size other than 1 | `{ dtype, shape }`, not read: `fromNames` refuses it by its name |
 *
 * The header is checked whole, as the format's own library does: every byte of the data belongs to one entry. Of a Blob or File only the
 * header and the entries that are given are read, so memory does not grow with the rest. `names` reads others, a convolution's weight
 * for folding for instance, whole and flat, as they lie; their shapes are those of a reading without.
 * Format: https://github.com/huggingface/safetensors
 *
 * @param file - the bytes, or a Blob or File of them; read only.
 * @returns all entries, in the header's order; with `names` those, and an error for each that cannot be read.
 * @throws {TypeError} {RangeError} the file is no safetensors file or a broken one; a name is not in it, or of a dtype that is not read.
 * @example for (const found of listBatchNorms(await readSafetensors(file), 'pytorch')) console.log(found.prefix, found.channels);
 */
export async function readSafetensors(file: Uint8Array | ArrayBuffer | Blob, options: ReadSafetensorsOptions = {}): Promise<SafetensorsEntries> {
  const call = 'readSafetensors';
  checkNames(call, options, ['names']);
  const { names } = options;
  if (names !== undefined && (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))) {
    throw new TypeError(`${call}: "names" is ${describe(names)}, needs an array of names.`);
  }
  const source = sourceOf(call, file);
  const { entries } = await readHeader(call, source);
  const read: [string, SafetensorsEntries[string]][] = [];
  for (const name of names ?? entries.keys()) {
    const span = entries.get(name);
    if (!span) throw new RangeError(`${call}: "${name}" is not in the file, needs one of its ${entries.size} entries. Correct "names".`);
    const { dtype, shape, begin, end } = span;
    const isNumber = Object.hasOwn(INTEGERS, dtype) && elementsOf(shape) === 1;
    if (isNumber || (isFloatType(dtype) && (names || isVector(shape)))) read.push([name, valueOf(span, await source.read(begin, end))]);
    else if (names) throw new TypeError(`${call}: "${name}" is ${dtype}, needs F64, F32, F16 or BF16. Save it as one of these.`);
    else read.push([name, { dtype, shape }]);
  }
  return Object.fromEntries(read);
}

/**
 * The texts that a safetensors file carries beside its entries; {} where it has none. Only the header is read.
 *
 * @throws {TypeError} {RangeError} as `readSafetensors`.
 */
export async function readSafetensorsMetadata(file: Uint8Array | ArrayBuffer | Blob): Promise<Record<string, string>> {
  const call = 'readSafetensorsMetadata';
  return (await readHeader(call, sourceOf(call, file))).metadata;
}

/**
 * A safetensors file of named entries, as Python's `safetensors` writes it: by dtype and name, the header padded to 8 bytes.
 *
 *     const bytes = writeSafetensors(toNames(await layer.state(), 'pytorch', 'features.1.'));
 *
 * | given | dtype, shape |
 * | --- | --- |
 * | Float32Array, Float64Array | F32, F64, [length] |
 * | an array of numbers | F32, rounded, [length] |
 * | a number or bigint, an integer | I64, [], as PyTorch's count |
 * | `{ data, type, shape }` with halves as Uint16Array, or with one of the arrays | F16, BF16, or the array's; its shape, or [length] |
 *
 * @returns the file's bytes: `new Blob([bytes])` downloads them.
 * @throws {TypeError} {RangeError} an entry is of another kind, its shape has not its length, or a number is no integer of 64 bits; a text of
 *   the metadata is none.
 */
export function writeSafetensors(entries: Readonly<Record<string, unknown>>, options: WriteSafetensorsOptions = {}): Uint8Array<ArrayBuffer> {
  const call = 'writeSafetensors';
  checkNames(call, options, ['metadata']);
  const { metadata } = options;
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries) || entries instanceof Map) {
    throw new TypeError(`${call}: "entries" is ${describe(entries)}, needs an object of entries by name.`);
  }
  if (metadata !== undefined) checkMetadata(call, 'metadata', metadata);
  const order = Object.keys(BITS);
  const parts = Object.entries(entries).map(([name, value]) => ({ name, ...partOf(call, name, value) }));
  parts.sort((a, b) => order.indexOf(b.dtype) - order.indexOf(a.dtype) || (a.name < b.name ? -1 : 1));
  let end = 0;
  const described = parts.map(({ name, dtype, shape, bytes }) => [name, { dtype, shape, data_offsets: [end, (end += bytes.length)] }] as const);
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries([...(metadata ? [[METADATA, metadata] as const] : []), ...described])));
  const header = Math.ceil(text.length / 8) * 8;
  if (header > MOST_HEADER_BYTES) {
    throw new RangeError(
      `${call}: "entries" need a header of ${header} bytes, needs at most ${MOST_HEADER_BYTES}. Write several files.`,
    );
  }
  const file = new Uint8Array(LENGTH_BYTES + header + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(header), true);
  file.fill(0x20, LENGTH_BYTES + text.length, LENGTH_BYTES + header);
  file.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + header;
  for (const { bytes } of parts) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function sourceOf(call: string, file: unknown): Source {
  if (typeof Blob === 'function' && file instanceof Blob) {
    return { bytes: file.size, read: async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()) };
  }
  if (!(file instanceof Uint8Array) && !(file instanceof ArrayBuffer)) {
    throw new TypeError(`${call}: "file" is ${describe(file)}, needs a Uint8Array, an ArrayBuffer, a Blob or a File.`);
  }
  const bytes = file instanceof Uint8Array ? new Uint8Array(file.buffer, file.byteOffset, file.byteLength) : new Uint8Array(file);
  return { bytes: bytes.length, read: async (begin, end) => bytes.subarray(begin, end) };
}

async function readHeader(call: string, source: Source): Promise<Header> {
  const refuse = (what: string, needs: string, remedy: string) => new RangeError(`${call}: "file" ${what}, needs ${needs}. ${remedy}`);
  const again = 'It was cut short or is broken: get it again.';
  const start = await source.read(0, Math.min(32, source.bytes));
  const other = otherForm(start);
  if (other) throw refuse(`is ${other}`, 'the bytes of a safetensors file', 'Convert it, or give the right file.');
  if (source.bytes < LENGTH_BYTES) throw refuse(`has ${source.bytes} bytes`, `at least ${LENGTH_BYTES} (the header's length)`, again);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MOST_HEADER_BYTES)) {
    throw refuse(`begins with ${length}, its header's length`, `at most ${MOST_HEADER_BYTES}`, 'It is no safetensors file, or a broken one.');
  }
  const dataAt = LENGTH_BYTES + Number(length);
  if (dataAt > source.bytes) throw refuse(`has ${source.bytes} bytes`, `${dataAt} for its header alone`, again);
  const bytes = await source.read(LENGTH_BYTES, dataAt);
  if (bytes[0] !== 0x7b) {
    const first = bytes.length ? `byte 0x${hex(bytes[0])}` : 'nothing';
    throw refuse(`has a header that begins with ${first}`, `'{' (it is JSON)`, 'It is no safetensors file, or a broken one.');
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw refuse(`has a header that cannot be read (${(error as Error).message})`, 'JSON in UTF-8', 'It is broken: get it again.');
  }
  return checkHeader(call, header as Record<string, unknown>, dataAt, source.bytes - dataAt);
}

/** The name of a neighbouring format; of this one the first eight bytes are a small number. */
function otherForm(start: Uint8Array): string | undefined {
  const text = String.fromCharCode(...start);
  // A length may begin with any byte: it is one where the header follows.
  if (text[LENGTH_BYTES] === '{' && text.slice(4, LENGTH_BYTES) === '\0\0\0\0') return undefined;
  return OTHERS.find(([mark]) => text.startsWith(mark) && (mark.length > 1 || start.length < LENGTH_BYTES || text.slice(4, LENGTH_BYTES) !== '\0\0\0\0'))?.[1];
}

function checkHeader(call: string, header: Record<string, unknown>, dataAt: number, dataBytes: number): Header {
  const entries = new Map<string, Span>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) {
      checkMetadata(call, METADATA, value);
      metadata = value;
    } else entries.set(name, spanOf(call, name, value, dataAt, dataBytes));
  }
  // No hole and no overlap: so a name that is there twice, of which JSON keeps the last, shows as well.
  let [end, last] = [dataAt, ''];
  for (const [name, span] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (span.begin < end) {
      throw new RangeError(
        `${call}: "${name}" begins at byte ${span.begin - dataAt} of the data, needs ${end - dataAt} ("${last}" ends there: they overlap). The file is ` +
          `broken: get it again.`,
      );
    }
    if (span.begin > end) {
      throw new RangeError(
        `${call}: "${name}" begins at byte ${span.begin - dataAt} of the data, needs ${end - dataAt} (the bytes before it belong to no entry). The file is ` +
          `broken: get it again.`,
      );
    }
    [end, last] = [span.end, name];
  }
  if (end !== dataAt + dataBytes) {
    throw new RangeError(`${call}: "file" has ${dataBytes} bytes of data, needs ${end - dataAt} (where its last entry ends). It is broken: get it again.`);
  }
  return { metadata, entries };
}

function spanOf(call: string, name: string, value: unknown, dataAt: number, dataBytes: number): Span {
  const { dtype, shape, data_offsets: offsets } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof dtype !== 'string') {
    throw new TypeError(
      `${call}: "${name}" has dtype ${describe(dtype)}, needs a text such as "F32". The header is broken: get the file again.`,
    );
  }
  if (!Object.hasOwn(BITS, dtype)) {
    throw new RangeError(`${call}: "${name}" has dtype ${describe(dtype)}, needs one of ${Object.keys(BITS).join(', ')}. Save it as one of these.`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw new TypeError(`${call}: "${name}" has shape ${show(shape)}, needs an array of integers of at least 0. The header is broken: get the file again.`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1]) {
    throw new TypeError(
      `${call}: "${name}" has data_offsets ${show(offsets)}, needs its first byte and the one past its last. The header is broken: get the file again.`,
    );
  }
  const [begin, end] = offsets as [number, number];
  if (end > dataBytes) {
    throw new RangeError(
      `${call}: "${name}" ends at byte ${end} of the data, needs at most ${dataBytes} (the file ends there). It was cut short or is broken: get it again.`,
    );
  }
  const bytes = (elementsOf(shape) * BITS[dtype]) / 8;
  if (end - begin !== bytes) {
    throw new RangeError(
      `${call}: "${name}" has ${end - begin} bytes, needs ${bytes} (${dtype}, shape [${shape.join(', ')}]). The header is broken: get the file again.`,
    );
  }
  return { dtype, shape, begin: dataAt + begin, end: dataAt + end };
}

function checkMetadata(call: string, name: string, value: unknown): asserts value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(
      `${call}: "${name}" is ${describe(value)}, needs an object of texts.`,
    );
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new TypeError(`${call}: "${key}" of "${name}" is ${describe(text)}, needs a text.`);
  }
}

/** An entry's values, in memory of their own. */
function valueOf({ dtype }: Span, bytes: Uint8Array): Float32Array | Float64Array | number | bigint {
  if (Object.hasOwn(INTEGERS, dtype)) return INTEGERS[dtype](new DataView(bytes.buffer, bytes.byteOffset));
  // What a Blob gave is its own already; a view is copied, and so aligned.
  const buffer = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  if (dtype === 'F64') return new Float64Array(buffer);
  if (dtype === 'F32') return new Float32Array(buffer);
  return unpackHalf(new Uint16Array(buffer), dtype.toLowerCase() as HalfStorage);
}

function partOf(call: string, name: string, value: unknown): { dtype: string; shape: readonly number[]; bytes: Uint8Array } {
  const kinds = `a Float32Array, a Float64Array, numbers, an integer or { data, type }`;
  if (name === METADATA) throw new RangeError(`${call}: "${METADATA}" is the name of an entry, needs another. Give the texts as the option "metadata".`);
  if (typeof value === 'number' || typeof value === 'bigint') return { dtype: 'I64', shape: [], bytes: bytesOf(BigInt64Array.of(integer(call, name, value))) };
  if (isUnread(value)) throw new TypeError(`${call}: "${name}" was not read, needs its values. Read it by "names", or leave it out.`);
  const tensor = (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Array.isArray(value) ? value : { data: value }) as NamedTensor;
  const { data } = tensor as { data: unknown };
  const type = typeOf(call, name, tensor);
  let part: { dtype: string; bytes: Uint8Array; length: number };
  if (data instanceof Uint16Array) {
    if (type !== 'f16' && type !== 'bf16') {
      throw new TypeError(
        `${call}: "${name}" is Uint16Array, needs its type too (f16 or bf16: the words alone do not tell). Give { data, type: 'f16' } or { data, type: ` +
          `'bf16' }.`,
      );
    }
    part = { dtype: type.toUpperCase(), bytes: bytesOf(data), length: data.length };
  } else if (data instanceof Float64Array) part = { dtype: 'F64', bytes: bytesOf(data), length: data.length };
  else if (data instanceof Float32Array) part = { dtype: 'F32', bytes: bytesOf(data), length: data.length };
  else if (isFloat16Array(data)) part = { dtype: 'F16', bytes: bytesOf(data as unknown as Uint16Array), length: data.length };
  else if (Array.isArray(data)) {
    part = { dtype: 'F32', bytes: bytesOf(Float32Array.from(data, (number, i) => numberOf(call, name, number, i))), length: data.length };
  } else throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs ${kinds}.`);
  const { shape = [part.length] } = tensor;
  if (type !== undefined && type.toUpperCase() !== part.dtype) {
    throw new TypeError(
      `${call}: "${name}" has type ${describe(type)}, needs '${part.dtype.toLowerCase()}' (its data is ${describe(data)}). Correct it, or leave it out.`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isSize) || elementsOf(shape) !== part.length) {
    throw new RangeError(`${call}: "${name}" has shape ${show(shape)}, needs one of ${part.length} elements (its data's). Correct it.`);
  }
  return { dtype: part.dtype, shape, bytes: part.bytes };
}

function integer(call: string, name: string, value: number | bigint): bigint {
  if (typeof value === 'number' ? Number.isSafeInteger(value) : BigInt.asIntN(64, value) === value) return BigInt(value);
  throw new RangeError(`${call}: "${name}" is ${value}, needs an integer of 64 bits. Give anything else as an array.`);
}

function numberOf(call: string, name: string, value: unknown, i: number): number {
  if (typeof value !== 'number') throw new TypeError(`${call}: "${name}" has ${describe(value)} at ${i}, needs numbers.`);
  return value;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function plain(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function show(value: unknown): string {
  return Array.isArray(value) ? `[${value.slice(0, 8).map(describe).join(', ')}${value.length > 8 ? ', …' : ''}]` : describe(value);
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
