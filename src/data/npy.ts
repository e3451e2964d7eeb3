import { ArrayReading, checkBytes, ELEMENTS, type ElementType } from './elements.js';
import { malformed, type Source, type SourceOptions } from './errors.js';
import { parsePython, type PythonValue } from './pythonLiteral.js';
import type { ReadTable } from './table.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Reads a NumPy `.npy` file, format 1.0 to 3.0, in C or Fortran order.
 *
 *     [n] → [n, 1]        [a, …, z, channels] → [a · … · z, channels]
 *
 * Elements are b1, f2, f4, f8, or integers of 1 to 8 bytes (i1 … i8, u1 … u8), little or big endian; false and true are 0 and
 * 1. What does not fit an f32 exactly is rounded to the nearest one, and for integers that is told in `notes`; NaN, infinity
 * and a finite f8 that rounds to infinity are refused. Time is linear in the file.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @param bytes - the whole file; read only, and nothing of it is kept.
 * @throws {TypeError} `bytes` is no Uint8Array.
 * @throws {TableError} the file is malformed, truncated or goes on after its last element; its elements are no numbers; an axis is 0.
 */
export function parseNpy(bytes: Uint8Array, options: SourceOptions = {}): ReadTable {
  const source = { call: options.call ?? 'parseNpy', subject: options.file ?? 'bytes' };
  checkBytes(source.call, bytes);
  const reading = openNpy(source, bytes);
  reading.read(Infinity);
  return reading.table();
}

/** The array of an .npy file, of which nothing but the header has been read. */
export function openNpy(source: Source, bytes: Uint8Array): ArrayReading {
  const { header, offset } = readHeader(source, bytes);
  const fields = parsePython(header)?.value;
  const of = (name: string) => (fields instanceof Map ? fields.get(name) : undefined);
  const [descr, isFortran, shape] = [of('descr'), of('fortran_order'), of('shape')];
  const axes = Array.isArray(shape) ? shape : [shape];
  const isShape = axes.every((size): size is number => typeof size === 'number' && size >= 0);
  if (descr === undefined || typeof isFortran !== 'boolean' || !isShape) {
    const found = `has the header ${JSON.stringify(header.slice(0, 200).trim().slice(0, 120))}`;
    throw malformed(source, found, `'descr', 'fortran_order' and 'shape' in it`, 'Save it again with np.save.');
  }
  const { type, littleEndian } = readType(source, descr);
  if (axes.length === 0) {
    throw malformed(source, 'holds one number (shape [])', 'at least one axis', 'Save array.reshape(-1, channels).', { problem: 'empty' });
  }
  return new ArrayReading(source, bytes, { shape: axes, channelAxis: Math.max(1, axes.length - 1), type, littleEndian, isFortran, offset });
}

/** Whether the file says of itself that it is NumPy's. */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** Magic, version (2 bytes), header length (u16 in 1.0, u32 after), header: a Python dict in ASCII or UTF-8. */
function readHeader(source: Source, bytes: Uint8Array): { header: string; offset: number } {
  if (!isNpy(bytes)) {
    throw malformed(source, `does not begin with \\x93NUMPY`, 'a NumPy .npy file', 'Save it with np.save.');
  }
  const [major = 0, minor = 0] = bytes.subarray(6);
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) {
    throw malformed(source, `ends at byte ${bytes.length}`, `a header from byte ${start} on`, 'Save or copy it again.');
  }
  if (major < 1 || major > 3 || minor !== 0) {
    throw malformed(source, `is of .npy version ${major}.${minor} (bytes 6 and 7)`, '1.0, 2.0 or 3.0', 'Save it again with np.save.');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < offset) {
    throw malformed(source, `ends at byte ${bytes.length}`, `a header up to byte ${offset}`, 'Save or copy it again.');
  }
  return { header: new TextDecoder().decode(bytes.subarray(start, offset)), offset };
}

/** What is in arrays that are none of numbers. */
const OTHERS: readonly [RegExp, string][] = [
  [/^[<>|=]?O/, 'Python objects (a pickle)'], [/^[<>|=]?[SUa]/, 'text'], [/^[<>|=]?c/, 'complex numbers'], [/^[<>|=]?[Mm]/, 'dates or times'],
  [/^[<>|=]?V/, 'raw bytes or bf16, for which NumPy has no name'], [/^[<>|=]?f(?:12|16)$/, 'long doubles'],
];

/** `<f4` → f4, little endian. */
function readType(source: Source, descr: PythonValue): { type: ElementType; littleEndian: boolean } {
  if (Array.isArray(descr)) {
    const names = descr.map((field) => (Array.isArray(field) ? String(field[0]) : '?'));
    const found = `has elements of a structured dtype, with the fields ` +
      `${names.slice(0, 8).map((name) => JSON.stringify(name.slice(0, 40))).join(', ')}${names.length > 8 ? ', …' : ''}`;
    throw malformed(source, found, 'plain numbers', 'Save numpy.lib.recfunctions.structured_to_unstructured(array).', { problem: 'format' });
  }
  const text = typeof descr === 'string' ? descr : String(descr);
  const [, order, name] = /^([<>|=]?)(\w+|\?)$/.exec(text.slice(0, 60)) ?? [];
  const type = name === '?' ? 'b1' : name;
  const known = typeof descr === 'string' && type !== undefined && Object.hasOwn(ELEMENTS, type);
  const isByte = type?.endsWith('1');
  if (!known || (!isByte && order !== '<' && order !== '>')) {
    const needed = `one of ${Object.keys(ELEMENTS).join(', ')} with its byte order`;
    const what = OTHERS.find(([begins]) => begins.test(text))?.[1];
    throw malformed(source, `has elements of dtype '${text.slice(0, 60)}'${what ? `, ${what}` : ''}`, needed, `Save array.astype('<f4').`,
      { problem: 'format' });
  }
  return { type: type as ElementType, littleEndian: order !== '>' };
}
