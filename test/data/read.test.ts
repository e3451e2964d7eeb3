// Claim: readTable tells the formats apart by content alone, and gives a whole table or one sentence with the file's name.
// Control: the same small table as CSV, .npy and IDX, plain and gzipped.
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ReadOptions, readTable } from '../../src/data/index.js';

/** Without what it says of itself. */
const read = async (file: string, bytes: Uint8Array, options: ReadOptions = {}) => {
  const { notes: _, ...table } = await readTable(bytes, { ...options, file });
  return table;
};

const utf8 = (text: string) => new TextEncoder().encode(text);
const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n";
const files = {
  csv: utf8('1,2,3\n4,5,6\n'),
  npy: Uint8Array.of(0x93, ...utf8('NUMPY'), 1, 0, header.length, 0, ...utf8(header), 1, 2, 3, 4, 5, 6),
  idx: Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6),
};
const kinds = Object.keys(files) as (keyof typeof files)[];
const table = { rows: 2, channels: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const gzip = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));
const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('readTable', () => {
  it.each(kinds)('control: %s, plain and gzipped, under any name', async (kind) => {
    expect(await read('data', files[kind])).toEqual(table);
    expect(await read('data.png', gzip(files[kind]))).toEqual(table);
  });
  it('a part of a larger buffer; the input stays as it was', async () => {
    const zipped = gzip(files.npy);
    const larger = join(Uint8Array.of(1), zipped, Uint8Array.of(2));
    expect(await read('x', larger.subarray(1, -1))).toEqual(table);
    expect(larger).toEqual(join(Uint8Array.of(1), zipped, Uint8Array.of(2)));
  });
  it('a label column of a CSV file, names in UTF-8 with a byte order mark', async () => {
    const bytes = utf8('\uFEFFgröße,art\n1,Rose\n');
    expect(await read('x.csv', bytes, { label: 'art' })).toEqual({
      rows: 1, channels: 1, data: Float32Array.of(1), columns: ['größe'], labels: ['Rose'],
    });
  });
});

describe('readTable refuses', () => {
  const zipped = gzip(files.csv);
  const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === (at + bytes.length) % bytes.length ? byte ^ 1 : byte));
  const broken = [
    { name: 'no bytes', bytes: new Uint8Array(), says: 'is empty, needs at least one line of numbers.' },
    { name: 'gzip of no bytes', bytes: gzip(new Uint8Array()), says: 'is empty' },
    { name: 'a CSV cell', bytes: utf8('1,2\n3,4\n5,abc'), says: 'line 3, column 2 is "abc", needs a number.' },
    { name: 'a CSV cell in gzip', bytes: gzip(utf8('1,2\n3,')), says: 'line 2, column 2 is empty' },
    { name: 'half an .npy', bytes: files.npy.subarray(0, -1), says: 'ends at byte 75, needs 76 bytes' },
    { name: 'half an IDX in gzip', bytes: gzip(files.idx.subarray(0, 14)), says: 'ends at byte 14, needs 18 bytes' },
    { name: 'an IDX with more', bytes: join(files.idx, files.idx), says: 'goes on after byte 18 to byte 36' },
    { name: 'gzip cut to its magic', bytes: zipped.subarray(0, 2),
      says: 'does not unzip: it ends at byte 2, gzip has at least 18, needs one whole gzip file and nothing after it.' },
    { name: 'gzip cut in the middle', bytes: zipped.subarray(0, 22),
      says: 'does not unzip: its 22 bytes are cut short, damaged or too many, needs one whole gzip file' },
    { name: 'gzip cut by one byte', bytes: zipped.subarray(0, -1), says: 'does not unzip' },
    { name: 'gzip with a wrong checksum', bytes: flip(zipped, -8), says: 'does not unzip' },
    { name: 'gzip with a wrong length', bytes: flip(zipped, -4), says: 'does not unzip' },
    { name: 'gzip with text after it', bytes: join(zipped, utf8('xyz')), says: 'does not unzip' },
    { name: 'gzip with zeros after it', bytes: join(zipped, new Uint8Array(9)), says: 'does not unzip' },
    { name: 'gzip twice in a row', bytes: join(zipped, zipped), says: 'does not unzip' },
    { name: 'gzip in gzip', bytes: gzip(zipped), says: 'is gzip within gzip' },
    { name: 'bytes that Windows-1252 does not have', bytes: Uint8Array.of(...utf8('x,gr'), 0x81, ...utf8('e\n1,2')),
      says: 'is no text at byte 4 (0x81), needs a table as text, NumPy .npy or IDX, plain or gzipped.' },
    { name: 'more high bytes than letters', bytes: new Uint8Array(30).fill(0xe9), says: 'is no text at byte 0 (0xe9)' },
    { name: 'no UTF-8 behind its mark', bytes: Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8('x,caf'), 0xe9, ...utf8(',y\n1,2,3')),
      says: 'is no text at byte 8 (0xe9)' },
    { name: 'UTF-16 cut in a character', bytes: Uint8Array.of(0xff, 0xfe, 0x31, 0, 0x2c), says: 'is UTF-16 that is cut short or damaged, needs whole text.' },
    { name: 'zeros of no IDX type', bytes: Uint8Array.of(0, 0, 7, 1), says: 'is no text at byte 0 (0x00)' },
    { name: 'more text than a string holds', bytes: new Uint8Array(2 ** 29 - 23),
      says: 'is 536870889 bytes and neither .npy nor IDX, needs at most 536870888' },
  ];
  it('control: what the gzip cases break', async () => {
    expect(await read('d', zipped)).toEqual(table);
  });
  it.each(broken)('$name', async ({ bytes, says }) => {
    const reading = readTable(bytes, { file: 'd' });
    await expect(reading).rejects.toThrow(RangeError);
    await expect(reading).rejects.toThrow(/^readTable: "d" /);
    await expect(reading).rejects.toThrow(says);
  });

  it.each(['npy', 'idx'] as const)('a label by name in %s', async (kind) => {
    await expect(readTable(files[kind], { file: 'd', label: 'a' })).rejects
      .toThrow(/^readTable: "label" is "a" but "d" is .*, whose columns have no names, needs an index/);
  });
  it('arguments of the wrong kind', async () => {
    await expect(readTable(files.csv.buffer as unknown as Uint8Array)).rejects.toThrow(TypeError);
    await expect(readTable(files.csv, { file: 1 as unknown as string })).rejects.toThrow(TypeError);
  });
});

describe('readTable never gives half a table', () => {
  const whole = async (bytes: Uint8Array) => {
    try {
      const { rows, channels, data } = await read('d', bytes);
      expect(rows * channels).toBe(data.length);
      expect(data.length).toBeGreaterThan(0);
      expect(data.every(Number.isFinite)).toBe(true);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      expect((error as RangeError).message).toMatch(/^readTable: "d" .+, needs .+\. [A-Z].*\.$/s);
      return false;
    }
  };

  it.each(['npy', 'idx'] as const)('%s cut at every byte, plain and gzipped', async (kind) => {
    for (const bytes of [files[kind], gzip(files[kind])]) {
      for (let end = 0; end < bytes.length; end++) expect(await whole(bytes.subarray(0, end))).toBe(false);
    }
  });
  it('any file with any bytes changed', async () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...kinds), fc.boolean(), change, async (kind, zip, changes) => {
        const bytes = zip ? gzip(files[kind]) : files[kind].slice();
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        await whole(bytes);
      }),
      { seed: 1, numRuns: 500 }, // fuzz.test.ts has the rest
    );
  });
  it('any bytes at all', async () => {
    const anything = fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => void (await whole(bytes)));
    await fc.assert(anything, { seed: 1, numRuns: 500 });
  });
});
