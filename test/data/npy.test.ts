// Claim: parseNpy reads every version, type and byte order it names, and refuses every other file with the place.
// Control: what np.save writes for np.arange(6, dtype='<f4').reshape(2, 3).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNpy } from '../../src/data/npy.js';
import { ELEMENTS, type ElementType } from '../../src/data/elements.js';

/** Without what it says of itself. */
const read = (bytes: Uint8Array) => {
  const { notes: _, ...table } = parseNpy(bytes);
  return table;
};

type Write = (view: DataView, at: number, value: number, little: boolean) => void;

/** Elements as NumPy lays them out. */
function elements(values: number[], bytes: number, write: Write, little = true): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * bytes));
  values.forEach((value, i) => write(view, i * bytes, value, little));
  return new Uint8Array(view.buffer);
}

/** The numbers of these tests are halves to the bit. */
const half = (value: number) => {
  if (value === 0) return Object.is(value, -0) ? 0x8000 : 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  return (value < 0 ? 0x8000 : 0) | (exponent < -14 ? Math.abs(value) * 2 ** 24 : ((exponent + 15) << 10) | ((Math.abs(value) / 2 ** exponent - 1) * 1024));
};

const writers: Record<ElementType, Write> = {
  b1: (view, at, value) => view.setUint8(at, value),
  f2: (view, at, value, little) => view.setUint16(at, half(value), little),
  u1: (view, at, value) => view.setUint8(at, value),
  i1: (view, at, value) => view.setInt8(at, value),
  u2: (view, at, value, little) => view.setUint16(at, value, little),
  i2: (view, at, value, little) => view.setInt16(at, value, little),
  u4: (view, at, value, little) => view.setUint32(at, value, little),
  i4: (view, at, value, little) => view.setInt32(at, value, little),
  f4: (view, at, value, little) => view.setFloat32(at, value, little),
  u8: (view, at, value, little) => view.setBigUint64(at, BigInt(value), little),
  i8: (view, at, value, little) => view.setBigInt64(at, BigInt(value), little),
  f8: (view, at, value, little) => view.setFloat64(at, value, little),
};

function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text, ...data);
}

const dict = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
const f4 = (values: number[]) => elements(values, 4, writers.f4);

describe('parseNpy', () => {
  const control = npy(dict('<f4', '(2, 3)').padEnd(117) + '\n', f4([0, 1, 2, 3, 4, 5]));

  it('control', () => {
    expect(control.length).toBe(128 + 24);
    expect(read(control)).toEqual({ rows: 2, channels: 3, data: Float32Array.of(0, 1, 2, 3, 4, 5) });
  });
  it('a part of a larger buffer, at an odd offset; the input stays as it was', () => {
    const larger = Uint8Array.of(9, ...control, 9);
    expect(read(larger.subarray(1, -1))).toEqual(read(control));
    expect(larger).toEqual(Uint8Array.of(9, ...control, 9));
  });
  it.each([1, 2, 3])('version %i', (version) => {
    expect([...parseNpy(npy(dict('<f4', '(1, 2)'), f4([5, 6]), version)).data]).toEqual([5, 6]);
  });

  const shapes = [
    { shape: '(4,)', rows: 4, channels: 1 },
    { shape: '(4, 1)', rows: 4, channels: 1 },
    { shape: '(1, 4)', rows: 1, channels: 4 },
    { shape: '(2, 1, 2)', rows: 2, channels: 2 },
    { shape: '(2, 2, 1)', rows: 4, channels: 1 },
    { shape: '(2L, 2L)', rows: 2, channels: 2 },
    { shape: '( 2,2 , )', rows: 2, channels: 2 },
  ];
  it.each(shapes)('shape $shape is [$rows, $channels]', ({ shape, rows, channels }) => {
    expect(read(npy(dict('<f4', shape), f4([1, 2, 3, 4])))).toEqual({ rows, channels, data: Float32Array.of(1, 2, 3, 4) });
  });

  const extremes: [ElementType, number[]][] = [
    ['b1', [0, 1]],
    ['f2', [-0, 65504, 2 ** -24, 2 ** -14, -1.5]],
    ['u1', [0, 255]],
    ['i1', [-128, 127]],
    ['u2', [0, 65535]],
    ['i2', [-32768, 32767]],
    ['u4', [0, 2 ** 32 - 1]],
    ['i4', [-(2 ** 31), 16777217]],
    ['u8', [0, 2 ** 63]],
    ['i8', [-(2 ** 62), 3]],
    ['f4', [-0, 1.401298464324817e-45]],
    ['f8', [0.1, -3.4028234663852886e38]],
  ];
  it.each(extremes)('%s in either byte order, rounded to f32', (type, values) => {
    const { bytes } = ELEMENTS[type];
    for (const order of bytes === 1 ? ['|', '<', '>'] : ['<', '>']) {
      const data = elements(values, bytes, writers[type], order !== '>');
      expect([...parseNpy(npy(dict(order + type, `(${values.length},)`), data)).data]).toEqual(values.map(Math.fround));
    }
  });
});

describe('parseNpy says', () => {
  it('that integers are rounded, also those that f64 rounds to what f32 holds', () => {
    const exact = 2 ** 60;
    const words = [9007199254740993n, BigInt(exact), 16777217n, 5n];
    const view = new DataView(new ArrayBuffer(32));
    words.forEach((word, i) => view.setBigInt64(8 * i, word, true));
    const { data, notes } = parseNpy(npy(dict('<i8', '(4,)'), new Uint8Array(view.buffer)));
    expect([...data]).toEqual([2 ** 53, exact, 16777216, 5]);
    expect(notes).toEqual(['2 whole numbers are beyond what f32 holds exactly, and rounded.']);
  });
  it('that the order is Fortran’s, where that makes a difference', () => {
    expect(parseNpy(npy(dict('<f4', '(2, 2)', 'True'), f4([1, 2, 3, 4])))).toEqual({
      rows: 2, channels: 2, data: Float32Array.of(1, 3, 2, 4), notes: ['It is in Fortran order and was put into rows.'],
    });
    expect(parseNpy(npy(dict('<f4', '(4,)', 'True'), f4([1, 2, 3, 4]))).notes).toEqual([]);
  });
  it('where a broken value stands in rows, whatever the order', () => {
    expect(() => parseNpy(npy(dict('<f4', '(2, 3)', 'True'), f4([1, 2, 3, 4, NaN, 6])))).toThrow('row 0, channel 2 (from 0) is NaN');
  });
});

describe('parseNpy refuses', () => {
  const data = f4([1, 2, 3, 4]);
  const good = npy(dict('<f4', '(2, 2)'), data);
  const start = good.length - data.length;
  const change = (at: number, value: number) => good.map((byte, i) => (i === at ? value : byte));
  const f8 = (value: number) => npy(dict('<f8', '(2, 2)'), elements([1, 2, 3, value], 8, writers.f8));
  const broken = [
    { name: 'no bytes', bytes: new Uint8Array(), says: 'does not begin with \\x93NUMPY' },
    { name: 'another magic', bytes: change(0, 0x92), says: 'does not begin with \\x93NUMPY' },
    { name: 'an end before the header', bytes: good.subarray(0, 9), says: 'ends at byte 9, needs a header from byte 10' },
    { name: 'an end in the header', bytes: good.subarray(0, 40), says: `ends at byte 40, needs a header up to byte ${start}` },
    { name: 'an end in the data', bytes: good.subarray(0, -1), says: `ends at byte ${start + 15}, needs ${start + 16} bytes` },
    { name: 'no data', bytes: good.subarray(0, start), says: `ends at byte ${start}, needs` },
    { name: 'a byte more', bytes: Uint8Array.of(...good, 0), says: `goes on after byte ${start + 16} to byte ${start + 17}` },
    { name: 'version 0', bytes: change(6, 0), says: 'is of .npy version 0.0 (bytes 6 and 7), needs 1.0, 2.0 or 3.0' },
    { name: 'version 4', bytes: change(6, 4), says: 'version 4.0' },
    { name: 'version 1.1', bytes: change(7, 1), says: 'version 1.1' },
    { name: 'a header of nothing', bytes: npy('', data), says: 'has the header "", needs' },
    { name: 'no shape', bytes: npy(`{'descr': '<f4', 'fortran_order': False}`, data), says: "needs 'descr', 'fortran_order' and 'shape'" },
    { name: 'a negative axis', bytes: npy(dict('<f4', '(-2, 2)'), data), says: 'has the header' },
    { name: 'an axis of text', bytes: npy(dict('<f4', '(2, x)'), data), says: 'has the header' },
    { name: 'an order of neither kind', bytes: npy(dict('<f4', '(2, 2)', 'None'), data), says: 'has the header' },
    { name: 'a scalar', bytes: npy(dict('<f4', '()'), f4([1])), says: 'holds one number (shape [])' },
    { name: 'no rows', bytes: npy(dict('<f4', '(0, 4)'), new Uint8Array()), says: 'has 0 along axis 0 of its shape [0, 4]' },
    { name: 'no channels', bytes: npy(dict('<f4', '(4, 0)'), new Uint8Array()), says: 'has 0 along axis 1' },
    { name: 'an element too many', bytes: npy(dict('|u1', '(65536, 65536)'), data), says: 'needs at most 4294967295 elements (indices are u32)' },
    { name: 'sizes past f64', bytes: npy(dict('<f4', `(${'9'.repeat(400)}, 2)`), data), says: 'needs at most 4294967295 elements' },
    { name: 'half precision in no order', bytes: npy(dict('|f2', '(2, 4)'), data), says: "dtype '|f2', needs one of b1, u1, i1" },
    { name: 'complex', bytes: npy(dict('<c8', '(2, 1)'), data), says: "dtype '<c8', complex numbers" },
    { name: 'text', bytes: npy(dict('<U1', '(2, 2)'), data), says: "dtype '<U1', text" },
    { name: 'objects', bytes: npy(dict('|O', '(2, 2)'), data), says: "dtype '|O', Python objects (a pickle)" },
    { name: 'four bytes in no order', bytes: npy(dict('|f4', '(2, 2)'), data), says: "dtype '|f4'" },
    { name: 'a name of every object', bytes: npy(dict('<toString', '(2, 2)'), data), says: "dtype '<toString'" },
    { name: 'records', bytes: npy(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}`, data),
      says: 'of a structured dtype, with the fields "a", needs plain numbers. Save numpy.lib' },
    { name: 'NaN', bytes: f8(NaN), says: 'row 1, channel 1 (from 0) is NaN, needs a finite number' },
    { name: 'infinity', bytes: f8(-Infinity), says: 'is -Infinity, needs a finite number' },
    { name: 'an f8 past f32', bytes: f8(3.4028235677973366e38), says: 'is 3.4028235677973366e+38, needs at most 3.4028235e38 in magnitude (f32)' },
  ];
  it('control: the file that each of them breaks', () => {
    expect(read(good).rows).toBe(2);
    expect(read(f8(3.4028235677973362e38)).data[3]).toBe(3.4028234663852886e38);
    const most = npy(dict('|u1', '(65535, 65537)'), data); // 4294967295 elements, at the limit: only too short
    expect(() => parseNpy(most)).toThrow('ends at byte');
  });
  it.each(broken)('$name', ({ bytes, says }) => {
    expect(() => parseNpy(bytes, { file: 'd.npy' })).toThrow(RangeError);
    expect(() => parseNpy(bytes, { file: 'd.npy' })).toThrow(/^parseNpy: "d\.npy" /);
    expect(() => parseNpy(bytes, { file: 'd.npy' })).toThrow(says);
  });
  it('anything but bytes', () => {
    expect(() => parseNpy(good.buffer as unknown as Uint8Array)).toThrow(TypeError);
    expect(() => parseNpy(good.buffer as unknown as Uint8Array)).toThrow('"bytes" is ArrayBuffer, needs a Uint8Array.');
  });
});

it('round trip: every shape, type, byte order, version and header padding', () => {
  const file = fc.record({
    type: fc.constantFrom(...(Object.keys(ELEMENTS) as ElementType[])),
    shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    seed: fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 1, maxLength: 20 }),
    little: fc.boolean(),
    version: fc.constantFrom(1, 2, 3),
    padding: fc.nat({ max: 70 }),
    isFortran: fc.boolean(),
    quote: fc.constantFrom("'", '"'),
  });
  fc.assert(
    fc.property(file, ({ type, shape, seed, little, version, padding, isFortran, quote }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const value = (i: number) => (type === 'b1' ? (seed[i % seed.length] ?? 0) & 1 : (seed[i % seed.length] ?? 0) + (type.startsWith('u') ? 128 : 0));
      const values = Array.from({ length: count }, (_, i) => value(i) / (type.startsWith('f') ? 64 : 1));
      const { bytes } = ELEMENTS[type];
      // In Fortran order the first index runs fastest: where each element stands in C order, digit by digit.
      const inRows = (stored: number) => shape.map((_, axis) => Math.floor(stored / shape.slice(0, axis).reduce((a, b) => a * b, 1)) % shape[axis]!)
        .reduce((at, index, axis) => at * shape[axis]! + index, 0);
      const stored = values.map((_, i) => values[isFortran ? inRows(i) : i]!);
      const header = (dict((little ? '<' : '>') + type, `(${shape.join(', ')},)`, isFortran ? 'True' : 'False') + ' '.repeat(padding) + '\n')
        .replaceAll("'", quote);
      const channels = shape.length === 1 ? 1 : (shape.at(-1) ?? 0);
      expect(read(npy(header, elements(stored, bytes, writers[type], little), version))).toEqual({
        rows: count / channels,
        channels,
        data: Float32Array.from(values),
      });
    }),
    { seed: 1, numRuns: 500 },
  );
});
