import { malformed, type Source, type TableError } from './errors.js';

export const FORMATS = 'a table as text, NumPy .npy or IDX, plain or gzipped';

interface Kind {
  /** What its files begin with, in Latin-1; `at` bytes in. */
  magic: string;
  at?: number;
  what: string;
  instead: string;
  /** A table's header may begin so: it counts only where a byte that text does not have stands near. */
  isWord?: boolean;
}

const IMAGE = 'Save its numbers as .npy.';
const ARCHIVE = 'Unpack it first.';
const FRAME = 'Save it as CSV: frame.to_csv("table.csv", index=False).';

/** Files of other kinds, by how they begin. */
const KINDS: readonly Kind[] = [
  { magic: '\x89PNG', what: 'a PNG image', instead: IMAGE },
  { magic: '\xff\xd8\xff', what: 'a JPEG image', instead: IMAGE },
  { magic: 'GIF87a', what: 'a GIF image', instead: IMAGE },
  { magic: 'GIF89a', what: 'a GIF image', instead: IMAGE },
  { magic: 'II*\0', what: 'a TIFF image', instead: IMAGE },
  { magic: 'MM\0*', what: 'a TIFF image', instead: IMAGE },
  { magic: 'WEBP', at: 8, isWord: true, what: 'a WebP image', instead: IMAGE },
  { magic: 'WAVE', at: 8, isWord: true, what: 'a WAV sound', instead: 'Save its samples as .npy.' },
  { magic: 'ftyp', at: 4, isWord: true, what: 'an MP4, HEIC or AVIF file', instead: IMAGE },
  { magic: '%PDF', what: 'a PDF', instead: 'Save the table in it as CSV.' },
  { magic: '{\\rtf', what: 'rich text (RTF)', instead: 'Save it as plain text.' },
  { magic: '\x89HDF\r\n', what: 'an HDF5 file (.h5, .mat of version 7.3, .keras of old)', instead: 'Save the array in it: np.save("x.npy", file["x"][()]).' },
  { magic: 'MATLAB 5.0 MAT', what: 'a MATLAB .mat file', instead: 'Save the array in it: writematrix(x, "x.csv").' },
  { magic: 'PAR1', isWord: true, what: 'a Parquet file', instead: FRAME },
  { magic: 'ARROW1', isWord: true, what: 'an Arrow (Feather) file', instead: FRAME },
  { magic: 'FEA1', isWord: true, what: 'a Feather file', instead: FRAME },
  { magic: 'Obj\x01', what: 'an Avro file', instead: FRAME },
  { magic: 'SQLite format 3\0', what: 'an SQLite database', instead: 'Save the table in it as CSV.' },
  { magic: '\xd0\xcf\x11\xe0', what: 'an Excel 97 workbook (.xls)', instead: 'Save it as CSV.' },
  { magic: 'RDX2\n', what: 'R data (.RData)', instead: 'Save the table in it: write.csv(x, "x.csv", row.names = FALSE).' },
  { magic: 'RDX3\n', what: 'R data (.RData)', instead: 'Save the table in it: write.csv(x, "x.csv", row.names = FALSE).' },
  { magic: 'X\n\0\0\0', what: 'R data (.rds)', instead: 'Save the table in it: write.csv(x, "x.csv", row.names = FALSE).' },
  { magic: 'BZh91AY&SY', what: 'packed with bzip2', instead: ARCHIVE },
  { magic: '\xfd7zXZ', what: 'packed with xz', instead: ARCHIVE },
  { magic: '\x28\xb5\x2f\xfd', what: 'packed with Zstandard', instead: ARCHIVE },
  { magic: '\x04\x22\x4d\x18', what: 'packed with LZ4', instead: ARCHIVE },
  { magic: '7z\xbc\xaf', what: 'a 7-Zip archive', instead: ARCHIVE },
  { magic: 'Rar!', what: 'a RAR archive', instead: ARCHIVE },
  { magic: 'ustar', at: 257, what: 'a tar archive', instead: ARCHIVE },
  { magic: 'GGUF', isWord: true, what: 'a GGUF model', instead: 'Choose a file of data.' },
  { magic: '\x7fELF', what: 'a program', instead: 'Choose a file of data.' },
  { magic: '\0\0\xfe\xff', what: 'text in UTF-32', instead: 'Save it in UTF-8.' },
  { magic: '\xff\xfe\0\0', what: 'text in UTF-32', instead: 'Save it in UTF-8.' },
];

/** A zip with files, without any, and in parts. */
const ZIPS = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'];
const NPZ = 'Save one array alone, np.save("x.npy", arrays["x"]); a workbook as CSV.';

/** The refusal for a file that says of itself that it is of another kind, or null. */
export function foreignBytes(source: Source, bytes: Uint8Array): TableError | null {
  const begins = latin1(bytes.subarray(0, 512));
  if (ZIPS.some((magic) => begins.startsWith(magic))) {
    const all = begins + latin1(bytes.subarray(Math.max(0, bytes.length - 4096)));
    const what = /\.npy/.test(all) ? 'a zip of NumPy arrays (.npz)'
      : /xl\/|\[Content_Types\]/.test(all) ? 'an Excel workbook (.xlsx, which is a zip)'
      : /data\.pkl/.test(all) ? 'a PyTorch checkpoint (which is a zip)' : 'a zip (.zip, .npz, .xlsx)';
    return foreign(source, what, NPZ);
  }
  const isBinary = bytes.subarray(0, 512).some((byte) => byte < 9 || (byte > 13 && byte < 32));
  const kind = KINDS.find(({ magic, at = 0, isWord = false }) => begins.startsWith(magic, at) && (isBinary || !isWord));
  if (kind) return foreign(source, kind.what, kind.instead);
  if (begins.startsWith('BM') && bytes.length >= 26 && bytes[6] === 0 && bytes[7] === 0) return foreign(source, 'a BMP image', IMAGE);
  if (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5) {
    return foreign(source, 'a Python pickle', 'Save the array in it: np.save("x.npy", array).');
  }
  if (bytes.length > 10 && /^[^]{3,7}\0+\{"/.test(begins.slice(0, 10))) return foreign(source, 'a safetensors file', 'Choose a file of data.');
  return null;
}

/** @throws {TableError} the text says of itself that it is of another kind. */
export function checkText(source: Source, text: string): void {
  const begins = text.slice(0, 1000).trimStart();
  if (/^<(?:!doctype|html|head|body|table|!--)/i.test(begins)) {
    throw foreign(source, 'HTML, a web page: there is no number in it that could be read', 'Save the file that the page links to, not the page.');
  }
  if (/^<(?!NA>)(?:\?xml|[a-z][\w:-]*[\s/>])/i.test(begins)) {
    throw foreign(source, 'XML: there is no table of numbers in it that could be read', 'Save it as CSV.');
  }
  if (/^\{\s*(?:["}]|$)/.test(begins)) throw foreign(source, 'JSON', 'Save it as CSV, or as .npy.');
  if (/^\[1\]\s/.test(begins)) throw foreign(source, 'what R prints', 'Save it as CSV: write.csv(x, "x.csv", row.names = FALSE).');
  if (/^\[\s*(?:[[{"\]]|-?\d[\d.eE+-]*\s*(?:,|\]|$))/.test(begins)) {
    throw foreign(source, 'JSON or a printed array', 'Save it as CSV: np.savetxt("x.csv", array, delimiter=",").');
  }
  if (begins.startsWith('version https://git-lfs')) throw foreign(source, 'a Git LFS pointer, not the file it stands for', 'Fetch the file: git lfs pull.');
  if (/^(?:%[^\n]*\n\s*)*@relation\s/i.test(begins)) throw foreign(source, 'ARFF (Weka)', 'Save it as CSV.');
  if (begins.startsWith('%%MatrixMarket')) throw foreign(source, 'a Matrix Market file', 'Save it as CSV.');
  if (/^[+-]?\d+(?:\.\d+)?(?: \d+:[+-]?[\d.eE+-]+)+\s*[\r\n]/.test(begins)) {
    throw foreign(source, 'in the format of LIBSVM (index:value)', 'Save it as CSV, or as .npy.');
  }
}

function foreign(source: Source, what: string, instead: string): TableError {
  return malformed(source, `is ${what}`, FORMATS, instead, { problem: 'format' });
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
