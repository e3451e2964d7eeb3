import { checkBytes, decodeTable, ELEMENTS, malformed, type ElementType, type Source, type SourceOptions, type Table } from './table.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Reads a NumPy `.npy` file, format 1.0 to 3.0, C order.
 *
 *     [n] → [n, 1]        [a, …, z, channels] → [a · … · z, channels]
 *
 * Elements are f4, f8, or integers of 1 to 8 bytes (i1 … i8, u1 … u8), little or big endian. What does not fit an f32
 * exactly is rounded to the nearest one (8-byte integers to f64 first); NaN, infinity and a finite f8 that rounds to
 * infinity are refused.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * @param bytes - the whole file; read only, and nothing of it is kept.
 * @throws {TypeError} `bytes` is no Uint8Array.
 * @throws {RangeError} the file is malformed, truncated or goes on after its last element; its order is Fortran's; an axis is 0.
 */
export function parseNpy(bytes: Uint8Array, options: SourceOptions = {}): Table {
  const source = { call: options.call ?? 'parseNpy', subject: options.file ?? 'bytes' };
  checkBytes(source.call, bytes);
  const { header, offset } = readHeader(source, bytes);

  const descr = /'descr'\s*:\s*('[^']*'|\[.*\])/s.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape'\s*:\s*\(((?:\s*\d+L?\s*,)*(?:\s*\d+L?)?\s*)\)/.exec(header)?.[1]; // 3L is Python 2's
  if (descr === undefined || fortran === undefined || shape === undefined) {
    const found = `has the header ${JSON.stringify(header.trim().slice(0, 120))}`;
    throw malformed(source, found, `'descr', 'fortran_order' and 'shape' in it`, 'Save it again with np.save.');
  }
  const { type, littleEndian } = readType(source, descr);
  if (fortran === 'True') {
    throw malformed(source, 'is in Fortran order', 'C order', 'Save np.ascontiguousarray(array).');
  }
  const axes = shape.match(/\d+/g)?.map(Number) ?? [];
  if (axes.length === 0) {
    throw malformed(source, 'holds one number (shape [])', 'at least one axis', 'Save array.reshape(-1, channels).');
  }
  return decodeTable(source, bytes, { shape: axes, channelAxis: Math.max(1, axes.length - 1), type, littleEndian, offset });
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

/** `'<f4'` → f4, little endian. */
function readType(source: Source, descr: string): { type: ElementType; littleEndian: boolean } {
  const [, order, type] = /^'([<>|])(\w+)'$/.exec(descr) ?? [];
  const known = type !== undefined && Object.hasOwn(ELEMENTS, type);
  if (!known || (order === '|' && !type.endsWith('1'))) {
    const needed = `one of ${Object.keys(ELEMENTS).join(', ')} with its byte order`;
    throw malformed(source, `has elements of dtype ${descr.slice(0, 60)}`, needed, `Save array.astype('<f4').`);
  }
  return { type: type as ElementType, littleEndian: order !== '>' };
}
