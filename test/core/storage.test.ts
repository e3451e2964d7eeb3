// Claim: numbers go to f16 and bf16 rounded once to the nearest, ties to even, and come back exactly.
// Control: 1, -2 and 0.1 by hand. The independent check is first principles: a pattern's value by its definition, and the
// real line cut at the midpoints between neighbours.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type HalfStorage, SMALLEST_NORMAL, type Storage, checkStorage, packHalf, roundTo, storageBytes, ulpOf, unpackHalf,
} from '../../src/core/storage.js';

const halves = [
  { storage: 'f16', significandBits: 10, bias: 15, infinity: 0x7c00, beyond: 65536 },
  { storage: 'bf16', significandBits: 7, bias: 127, infinity: 0x7f80, beyond: 2 ** 128 },
] as const;
type Half = (typeof halves)[number];

const ALL = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);

/** ± 1.f · 2^(e − bias), subnormal ± 0.f · 2^(1 − bias), as IEEE 754 §3.4 defines a pattern. */
function valueOf(pattern: number, { significandBits, bias, infinity }: Half): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const size = pattern & 0x7fff;
  if (size > infinity) return NaN;
  if (size === infinity) return sign * Infinity;
  const exponent = size >> significandBits;
  const fraction = (size & (2 ** significandBits - 1)) / 2 ** significandBits;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** The neighbour of a positive number, `steps` away. */
function stepF64(value: number, steps: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + steps);
  return view.getFloat64(0);
}
function stepF32(value: number, steps: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  view.setInt32(0, view.getInt32(0) + steps);
  return view.getFloat32(0);
}

/** Every cut of the positive axis: between a finite pattern and the next, which for the last is infinity's place. */
function midpoints(half: Half): { below: number; value: number }[] {
  return Array.from({ length: half.infinity }, (_, below) => {
    const above = below + 1 === half.infinity ? half.beyond : valueOf(below + 1, half);
    return { below, value: (valueOf(below, half) + above) / 2 };
  });
}

const fails = (got: Uint16Array, want: (i: number) => number) => [...got.keys()].filter((i) => got[i] !== want(i));

describe('control: by hand', () => {
  it.each<[HalfStorage, number, number]>([
    ['f16', 1, 0x3c00], ['f16', -2, 0xc000], ['f16', 0.1, 0x2e66], ['f16', 65504, 0x7bff], ['f16', 2 ** -14, 0x0400], ['f16', 2 ** -24, 0x0001],
    ['bf16', 1, 0x3f80], ['bf16', -2, 0xc000], ['bf16', 0.1, 0x3dcd], ['bf16', 2 ** -126, 0x0080], ['bf16', 2 ** -133, 0x0001],
  ])('%s: %d is %i', (storage, value, pattern) => {
    expect([...packHalf([value], storage)]).toEqual([pattern]);
    expect([...packHalf(Float32Array.of(value), storage)]).toEqual([pattern]);
    expect([...packHalf(Float64Array.of(value), storage)]).toEqual([pattern]);
  });

  it('two values a 32-bit word, low half first; the odd half is 0', () => {
    const words = packHalf([1, -2, 0.5], 'f16');
    expect(words.length).toBe(3);
    expect([...new Uint32Array(words.buffer)]).toEqual([0xc0003c00, 0x00003800]);
    expect(packHalf([], 'f16').length).toBe(0);
  });
});

describe.each(halves)('$storage', (half) => {
  const { storage, infinity } = half;
  const isNaNPattern = (pattern: number) => (pattern & 0x7fff) > infinity;
  const quiet = 1 << (half.significandBits - 1);

  it('all 65536 patterns have the value their definition gives, and pack to themselves', () => {
    const values = unpackHalf(ALL, storage);
    expect([...ALL].filter((pattern) => !Object.is(values[pattern], valueOf(pattern, half)))).toEqual([]);
    const want = (pattern: number) => (isNaNPattern(pattern) ? pattern | quiet : pattern);
    expect(fails(packHalf(values, storage), want)).toEqual([]);
    // JavaScript promises no payload through a number: only that it is NaN.
    for (const again of [packHalf(Float64Array.from(values), storage), packHalf([...values], storage)]) {
      expect([...ALL].filter((p) => (isNaNPattern(p) ? !isNaNPattern(again[p]) : again[p] !== p))).toEqual([]);
    }
    expect([...ALL].filter((p) => !Object.is(roundTo(values[p], storage), values[p]))).toEqual([]);
  });

  it('an f32 NaN keeps its place among NaNs, whichever bits it has', () => {
    const bits = Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff, 0xffc00000, 0x7f801fff);
    const words = packHalf(new Float32Array(bits.buffer), storage);
    expect([...words].map((word) => isNaNPattern(word) && (word & quiet) !== 0)).toEqual([true, true, true, true, true]);
    expect([...words].map((word) => word >> 15)).toEqual([0, 1, 0, 1, 0]);
  });

  const cuts = midpoints(half);
  it.each([1, -1])('midpoints go to the even neighbour, one f64 or f32 step either side to the nearer one (sign %i)', (sign) => {
    const bit = sign < 0 ? 0x8000 : 0;
    const even = (i: number) => bit | (i % 2 === 0 ? i : i + 1);
    const below = (i: number) => bit | i;
    const above = (i: number) => bit | (i + 1);
    const f64 = (steps: bigint) => Float64Array.from(cuts, ({ value }) => sign * stepF64(value, steps));
    const f32 = (steps: number) => Float32Array.from(cuts, ({ value }) => sign * stepF32(value, steps));
    for (const [values, want] of [[f64(0n), even], [f64(-1n), below], [f64(1n), above], [f32(0), even], [f32(-1), below], [f32(1), above]] as const) {
      expect(fails(packHalf(values, storage), want)).toEqual([]);
    }
    expect(fails(packHalf([...f64(-1n)], storage), below)).toEqual([]);
    expect(fails(packHalf([...f64(1n)], storage), above)).toEqual([]);
    expect([...f64(1n)].filter((value, i) => roundTo(value, storage) !== sign * valueOf(i + 1, half))).toEqual([]);
  });

  it('one f64 step from a midpoint is where rounding through f32 would go wrong', () => {
    const twice = packHalf(Float32Array.from(cuts, ({ value }) => stepF64(value, 1n)), storage);
    expect(fails(twice, (i) => i + 1).length).toBe(infinity / 2); // every even pattern: the f32 is the midpoint itself
  });

  it('any f64 and its negative: no pattern is nearer', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.double({ min: -70000, max: 70000 }), fc.double({ min: -1e-4, max: 1e-4 }), fc.float()), (value) => {
        const [pattern, opposite] = packHalf([value, -value], storage);
        if (Number.isNaN(value)) return isNaNPattern(pattern);
        const size = pattern & 0x7fff;
        const numeric = (p: number) => (p === infinity ? half.beyond : valueOf(p, half));
        const distance = (p: number) => Math.abs(numeric(p) - Math.abs(value));
        const nearest = (size === 0 || distance(size) <= distance(size - 1)) && (size === infinity || distance(size) <= distance(size + 1));
        return nearest && pattern >> 15 === (Object.is(value, -0) || value < 0 ? 1 : 0) && opposite === (pattern ^ 0x8000);
      }),
      { numRuns: 20_000, seed: 1 },
    );
  });

  it('numbers past the edges of f32', () => {
    const values = [1e300, -1e300, 2 ** 128, 5e-324, -5e-324, 1e-50, Infinity, -Infinity, 0, -0];
    expect([...packHalf(values, storage)]).toEqual([infinity, 0x8000 | infinity, infinity, 0, 0x8000, 0, infinity, 0x8000 | infinity, 0, 0x8000]);
  });

  it('ulpOf is the distance to the next pattern, there and up to it', () => {
    const wrong = Array.from({ length: infinity }, (_, p) => p).filter((p) => {
      const value = valueOf(p, half);
      const next = p + 1 === infinity ? half.beyond : valueOf(p + 1, half);
      return [value, -value, stepF64(next, -1n)].some((at) => ulpOf(at, storage) !== next - value);
    });
    expect(wrong).toEqual([]);
    expect(ulpOf(1e300, storage)).toBe(half.beyond - valueOf(infinity - 1, half));
  });

  it('SMALLEST_NORMAL is the first pattern with exponent 1', () => {
    expect(SMALLEST_NORMAL[storage]).toBe(valueOf(1 << half.significandBits, half));
  });

  it('into: the start is written, the tail survives, parts of larger arrays too', () => {
    const words = new Uint16Array(6).fill(0xabcd);
    const part = words.subarray(1, 5);
    expect(packHalf([1, 1, 1], storage, part)).toBe(part);
    const one = packHalf([1], storage)[0];
    expect([...words]).toEqual([0xabcd, one, one, one, 0xabcd, 0xabcd]);
    const values = new Float32Array(6).fill(7);
    expect([...unpackHalf(words.subarray(1, 4), storage, values.subarray(2))]).toEqual([1, 1, 1, 7]);
    expect([...values]).toEqual([7, 7, 1, 1, 1, 7]);
    expect([...packHalf(values.subarray(1, 3), storage)]).toEqual([packHalf([7], storage)[0], one]);
    expect([...values]).toEqual([7, 7, 1, 1, 1, 7]);
  });
});

describe('f32', () => {
  it('roundTo is fround; ulpOf and SMALLEST_NORMAL as f32 has them', () => {
    expect(roundTo(0.1, 'f32')).toBe(Math.fround(0.1));
    expect(roundTo(1e39, 'f32')).toBe(Infinity);
    expect(SMALLEST_NORMAL.f32).toBe(1.1754943508222875e-38);
    const positive = fc.integer({ min: 0, max: 0x7f7ffffe });
    fc.assert(fc.property(positive, (bits) => {
      const value = stepF32(0, bits);
      return ulpOf(value, 'f32') === stepF32(value, 1) - value && ulpOf(-value, 'f32') === ulpOf(value, 'f32');
    }), { numRuns: 5000, seed: 1 });
    expect(ulpOf(3.4028234663852886e38, 'f32')).toBe(2 ** 104);
  });

  it.each<Storage>(['f32', 'f16', 'bf16'])('%s: NaN and infinity have no neighbours', (storage) => {
    expect([NaN, Infinity, -Infinity].map((value) => ulpOf(value, storage))).toEqual([NaN, NaN, NaN]);
    expect(roundTo(NaN, storage)).toBe(NaN);
  });
});

it.each<[Storage, number[]]>([['f32', [0, 4, 8, 12, 16]], ['f16', [0, 4, 4, 8, 8]], ['bf16', [0, 4, 4, 8, 8]]])('storageBytes of 0 to 4 in %s',
  (storage, bytes) => {
  expect([0, 1, 2, 3, 4].map((elements) => storageBytes(elements, storage))).toEqual(bytes);
});

describe('what is refused', () => {
  it.each<[string, () => unknown, string]>([
    ['storage of a check', () => checkStorage('call', 'f8'), `call: "storage" is "f8", needs 'f32', 'f16' or 'bf16'.`],
    ['storage of a size', () => storageBytes(1, 'F16' as never), `storageBytes: "storage" is "F16", needs 'f32', 'f16' or 'bf16'.`],
    ['storage of a number', () => roundTo(1, undefined as never), `roundTo: "storage" is undefined, needs 'f32', 'f16' or 'bf16'.`],
    ['storage of an ulp', () => ulpOf(1, null as never), `ulpOf: "storage" is null, needs 'f32', 'f16' or 'bf16'.`],
    ['f32 is no half', () => packHalf([1], 'f32' as never), `packHalf: "storage" is "f32", needs 'f16' or 'bf16'.`],
    ['nor to unpack', () => unpackHalf(new Uint16Array(1), 'f32' as never), `unpackHalf: "storage" is "f32", needs 'f16' or 'bf16'.`],
    ['values', () => packHalf(new Uint16Array(1) as never, 'f16'),
      'packHalf: "values" is Uint16Array, needs a Float32Array, a Float64Array or an array of numbers.'],
    ['a value', () => packHalf([1, '2'] as never, 'f16'), 'packHalf: "values" has "2" at 1, needs numbers.'],
    ['a hole', () => packHalf(new Array(2), 'f16'), 'packHalf: "values" has undefined at 0, needs numbers.'],
    ['words', () => unpackHalf([1] as never, 'f16'), 'unpackHalf: "words" is Array, needs a Uint16Array.'],
    ['into of pack', () => packHalf([1], 'f16', new Uint32Array(1) as never), 'packHalf: "into" is Uint32Array, needs a Uint16Array.'],
    ['into of unpack', () => unpackHalf(new Uint16Array(1), 'f16', [] as never), 'unpackHalf: "into" is Array, needs a Float32Array.'],
    ['one short', () => packHalf([1, 2, 3], 'f16', new Uint16Array(2)),
      'packHalf: "into" has 2 elements, needs at least 3 (one a value). Create it with that length.'],
    ['one short', () => unpackHalf(new Uint16Array(3), 'bf16', new Float32Array(2)),
      'unpackHalf: "into" has 2 elements, needs at least 3 (one a word). Create it with that length.'],
  ])('%s', (_, act, message) => expect(act).toThrow(message));

  it('nothing is written then', () => {
    const into = new Uint16Array(2).fill(9);
    expect(() => packHalf([1, NaN, 3], 'f16', into)).toThrow(RangeError);
    expect(() => packHalf([1, null] as never, 'f16', into)).toThrow(TypeError);
    expect([...into]).toEqual([9, 9]);
  });
});
