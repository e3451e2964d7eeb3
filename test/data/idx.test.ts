// Claim: parseIdx reads every element type and rank of IDX, and refuses every other file with the place.
// Control: two 2×3 images of u8, as MNIST stores them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIdx } from '../../src/data/idx.js';

/** Without what it says of itself. */
const read = (bytes: Uint8Array) => {
  const { notes: _, ...table } = parseIdx(bytes);
  return table;
};

const types = [
  { code: 0x08, bytes: 1, write: (view: DataView, at: number, value: number) => view.setUint8(at, value), extremes: [0, 255] },
  { code: 0x09, bytes: 1, write: (view: DataView, at: number, value: number) => view.setInt8(at, value), extremes: [-128, 127] },
  { code: 0x0b, bytes: 2, write: (view: DataView, at: number, value: number) => view.setInt16(at, value), extremes: [-32768, 32767] },
  { code: 0x0c, bytes: 4, write: (view: DataView, at: number, value: number) => view.setInt32(at, value), extremes: [-(2 ** 31), 16777217] },
  { code: 0x0d, bytes: 4, write: (view: DataView, at: number, value: number) => view.setFloat32(at, value), extremes: [-0, 2 ** -149] },
  { code: 0x0e, bytes: 8, write: (view: DataView, at: number, value: number) => view.setFloat64(at, value), extremes: [0.1, 1e38] },
];

function idx(type: (typeof types)[number], shape: number[], values: number[]): Uint8Array {
  const offset = 4 + 4 * shape.length;
  const view = new DataView(new ArrayBuffer(offset + values.length * type.bytes));
  view.setUint32(0, type.code * 256 + shape.length);
  shape.forEach((size, axis) => view.setUint32(4 + 4 * axis, size));
  values.forEach((value, i) => type.write(view, offset + i * type.bytes, value));
  return new Uint8Array(view.buffer);
}

const u8 = types.find(({ code }) => code === 0x08)!;
const f64 = types.find(({ code }) => code === 0x0e)!;
const pixels = [0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255];

describe('parseIdx', () => {
  it('control', () => {
    expect(read(idx(u8, [2, 2, 3], pixels))).toEqual({ rows: 2, channels: 6, data: Float32Array.from(pixels) });
  });
  it.each([
    { shape: [12], rows: 12, channels: 1 },
    { shape: [3, 4], rows: 3, channels: 4 },
    { shape: [1, 2, 2, 3], rows: 1, channels: 12 },
  ])('shape $shape is [$rows, $channels]', ({ shape, rows, channels }) => {
    expect(read(idx(u8, shape, pixels))).toEqual({ rows, channels, data: Float32Array.from(pixels) });
  });
  it.each(types)('type $code, rounded to f32', (type) => {
    expect([...parseIdx(idx(type, [2], type.extremes)).data]).toEqual(type.extremes.map(Math.fround));
  });
  it('a part of a larger buffer, at an odd offset', () => {
    const file = idx(f64, [2], [1, 2]);
    expect(read(Uint8Array.of(9, ...file, 9).subarray(1, -1))).toEqual(read(file));
  });
});

describe('parseIdx refuses', () => {
  const good = idx(u8, [2, 2, 3], pixels);
  const change = (at: number, value: number) => good.map((byte, i) => (i === at ? value : byte));
  const broken = [
    { name: 'no bytes', bytes: new Uint8Array(), says: 'ends at byte 0, needs the 4 bytes 00 00 type rank' },
    { name: 'an end in the magic', bytes: good.subarray(0, 3), says: 'ends at byte 3, needs the 4 bytes' },
    { name: 'gzip', bytes: Uint8Array.of(0x1f, 0x8b, 8, 0), says: 'begins with the bytes 1f 8b, needs 00 00 (IDX)' },
    { name: 'another second byte', bytes: change(1, 1), says: 'begins with the bytes 00 01' },
    { name: 'a type that is none', bytes: change(2, 0x0a), says: 'has the element type 0a (byte 2), needs 08, 09, 0b, 0c, 0d or 0e' },
    { name: 'no axes', bytes: change(3, 0), says: 'has 0 axes (byte 3), needs at least one' },
    { name: 'an end in the sizes', bytes: good.subarray(0, 15), says: 'ends at byte 15, needs 3 sizes up to byte 16' },
    { name: 'an end in the data', bytes: good.subarray(0, -1), says: 'ends at byte 27, needs 28 bytes (16 of header + 1 for each of [2, 2, 3])' },
    { name: 'a byte more', bytes: Uint8Array.of(...good, 0), says: 'goes on after byte 28 to byte 29, needs 28 bytes' },
    { name: 'no rows', bytes: idx(u8, [0, 3], []), says: 'has 0 along axis 0 of its shape [0, 3]' },
    { name: 'no pixels', bytes: idx(u8, [3, 0], []), says: 'has 0 along axis 1' },
    { name: 'sizes past u32', bytes: idx(u8, [2 ** 32 - 1, 2], []), says: 'has shape [4294967295, 2], needs at most 4294967295 elements' },
    { name: 'sizes past f64', bytes: idx(u8, Array<number>(255).fill(2 ** 32 - 1), []), says: 'needs at most 4294967295 elements' },
    { name: 'NaN', bytes: idx(f64, [2, 2], [1, 2, NaN, 4]), says: 'row 1, channel 0 (from 0) is NaN, needs a finite number' },
    { name: 'infinity', bytes: idx(f64, [2], [1, Infinity]), says: 'row 1, channel 0 (from 0) is Infinity' },
    { name: 'an f64 past f32', bytes: idx(f64, [1], [-1e39]), says: 'is -1e+39, needs at most 3.4028235e38 in magnitude (f32)' },
  ];
  it('control: the file that each of them breaks', () => {
    expect(read(good).rows).toBe(2);
  });
  it.each(broken)('$name', ({ bytes, says }) => {
    expect(() => parseIdx(bytes, { file: 'd.idx' })).toThrow(RangeError);
    expect(() => parseIdx(bytes, { file: 'd.idx' })).toThrow(/^parseIdx: "d\.idx" /);
    expect(() => parseIdx(bytes, { file: 'd.idx' })).toThrow(says);
  });
  it('anything but bytes', () => {
    expect(() => parseIdx([0, 0, 8, 1] as unknown as Uint8Array)).toThrow(TypeError);
  });
});

it('round trip: every shape and type', () => {
  const file = fc.record({
    type: fc.constantFrom(...types),
    shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    seed: fc.array(fc.integer({ min: 0, max: 127 }), { minLength: 1, maxLength: 20 }),
  });
  fc.assert(
    fc.property(file, ({ type, shape, seed }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const value = (i: number) => seed[i % seed.length] ?? 0;
      const values = Array.from({ length: count }, (_, i) => (type.code === 0x08 ? 2 * value(i) : 64 - value(i)));
      expect(read(idx(type, shape, values))).toEqual({
        rows: shape[0],
        channels: count / (shape[0] ?? 0),
        data: Float32Array.from(values),
      });
    }),
    { seed: 1, numRuns: 500 },
  );
});
