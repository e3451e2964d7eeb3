// Claim: f16 and bf16 are read exactly and written rounded once to the nearest, ties to even; overflow is infinity, NaN stays
// NaN, neither touches its neighbour in the word. Below the smallest normal what is read may be flushed, and as bf16 what is
// written, which is an f32's subnormal; a small f16 is made from an f32 that is normal, and is exact.
// Control: a few values by hand. The others are held against packHalf, whose own test starts from the definition.
//
// Inference with mean 0, variance 1 and eps 0 is y = x · gamma + beta, so y is known exactly.
import { afterEach, describe, expect, it } from 'vitest';
import { type BatchNormKernels, type BufferView, type HalfStorage, createBatchNorm, packHalf, unpackHalf } from '../../src/index.js';
import { SMALLEST_NORMAL, ulpOf } from '../../src/core/storage.js';
import { Arguments, run, sentinels, shapeOf, sharedDevice, takeErrors } from './harness.js';

const device = await sharedDevice();

afterEach(() => expect(takeErrors()).toEqual([]));

const LAYOUTS = [
  { name: 'channels-last, four a member', layout: 'channelsLast', channels: 4, spatial: 1, elements: 65536 },
  { name: 'channels-last, a word of two rows, odd in all', layout: 'channelsLast', channels: 3, spatial: 1, elements: 65541 },
  { name: 'channels-first, four a member', layout: 'channelsFirst', channels: 2, spatial: 4, elements: 65536 },
  { name: 'channels-first, a word of two planes, odd in all', layout: 'channelsFirst', channels: 3, spatial: 5, elements: 65565 },
] as const;
type Laid = (typeof LAYOUTS)[number];
const LAID = LAYOUTS.map((laid) => [laid.name, laid] as const);

const channelOf = ({ channels, spatial }: Laid, i: number) => Math.floor(i / spatial) % channels;

const words = (patterns: Uint16Array): Uint32Array => {
  const padded = new Uint16Array(2 * Math.ceil(patterns.length / 2)).fill(0x7fff); // the unused half is NaN
  padded.set(patterns);
  return new Uint32Array(padded.buffer);
};

type Inferring = BatchNormKernels<{ modes: readonly ['infer'] }>;
const made = new Map<string, Promise<Inferring>>();

function kernelsFor(laid: Laid, storage: HalfStorage): Promise<Inferring> {
  const { layout, channels } = laid;
  const key = `${layout} ${channels} ${storage}`;
  if (!made.has(key)) made.set(key, createBatchNorm(device, { layout, channels, storage, eps: 0, modes: ['infer'] }));
  return made.get(key)!;
}

/** Patterns of y = x · gamma + beta. */
async function inferred(laid: Laid, storage: HalfStorage, x: Uint16Array, gamma: readonly number[], beta: readonly number[]): Promise<Uint16Array> {
  const bn = await kernelsFor(laid, storage);
  const { layout, channels, spatial } = laid;
  const args = new Arguments(device);
  const vector = (name: string, values: readonly number[]) => args.input(name, new Uint32Array(Float32Array.from(values).buffer)) as BufferView;
  const buffers = {
    x: args.input('x', words(x)), gamma: vector('gamma', gamma), beta: vector('beta', beta),
    runningMean: vector('mean', gamma.map(() => 0)), runningVar: vector('variance', gamma.map(() => 1)), y: args.output('y', sentinels(x.length, storage)),
  };
  run(device, (pass) => bn.infer(pass, buffers, shapeOf({ layout, rows: x.length / channels, spatial })));
  const y = new Uint16Array((await args.read()).get('y')!.buffer);
  if (x.length % 2 === 1) expect(y[x.length]).toBe(sentinels(1)[0] >>> 16); // the unused half as it was
  args.dispose();
  return y.subarray(0, x.length);
}

/** Every pattern, NaN and infinity among the others: 40503 is odd. */
const scattered = (length: number): Uint16Array => Uint16Array.from({ length }, (_, i) => Math.imul(i, 40503));

describe.each(['f16', 'bf16'] as const)('%s', (storage) => {
  const least = SMALLEST_NORMAL[storage];
  const infinity = storage === 'f16' ? 0x7c00 : 0x7f80;
  const isNaNPattern = (pattern: number) => (pattern & 0x7fff) > infinity;
  /** Half a unit in the last place of 1, and the largest number. */
  const [half, largest] = storage === 'f16' ? [2 ** -11, 65504] : [2 ** -8, 2 ** 128 - 2 ** 120];

  it('control: by hand', async () => {
    const byHand: [x: number, gamma: number, beta: number, y: number][] = [
      [1, 1, 0, 1], [-2, 1, 0, -2], [3, 0.5, 1, 2.5],
      [1, 1, half, 1], // a tie, to the even one below
      [1 + 2 * half, 1, half, 1 + 4 * half], // and above
      [1, 1, half * 1.001, 1 + 2 * half], [1, 1, half * 0.999, 1], [-1, 1, -half, -1],
      [largest, 1, 0, largest], [largest, 2, 0, Infinity], [-largest, 2, 0, -Infinity], [Infinity, 1, 0, Infinity], [-Infinity, 0.5, 3, -Infinity],
      [NaN, 1, 0, NaN],
      [least, 1, 0, least], [least, 3, 0, 3 * least],
    ];
    if (storage === 'f16') byHand.push([65504, 1, 15.99, 65504], [65504, 1, 16, Infinity], [-65504, 1, -16, -Infinity]);
    for (const [x, gamma, beta, want] of byHand) {
      const all = await inferred(LAYOUTS[0], storage, packHalf([1, x, 1, x], storage), [1, gamma, 1, gamma], [0, beta, 0, beta]);
      const y = unpackHalf(all, storage);
      expect([y[0], y[1], y[2], y[3]], `${x} · ${gamma} + ${beta}`).toEqual([1, want, 1, want]);
    }
  });

  // Products of few bits are exact in f32, and so are sums of near exponents. The middle ones make ties, the last but two reach infinity and
  // the subnormals; 1/3 and 0.1 are exact nowhere.
  const down = storage === 'f16' ? 1.5 * 2 ** -13 : 1.5 * 2 ** -100;
  const pairs: [gamma: number, beta: number][] = [
    [1, 0], [1.5, 0], [1.25, 0], [-0.75, 0], [1 + 2 * half, 0], [1, half], [1, -half / 2], [-1, 3 * half], [48, 0], [down, 0], [1 / 3, 0.1], [-1.1, -7.3],
  ];

  it.each(LAID)('%s: all 65 536 patterns by twelve scales and shifts', async (_, laid) => {
    const x = scattered(laid.elements);
    const values = unpackHalf(x, storage);
    const seen = { exact: 0, within: 0, small: 0, nan: 0, infinite: 0, ties: 0 };
    const wrong: string[] = [];
    for (let turn = 0; turn < pairs.length; turn++) {
      const own = Array.from({ length: laid.channels }, (_, c) => pairs[(turn + c) % pairs.length]);
      const [gamma, beta] = [own.map(([g]) => Math.fround(g)), own.map(([, b]) => Math.fround(b))];
      const y = await inferred(laid, storage, x, gamma, beta);
      const got = unpackHalf(y, storage);
      const exact = Float64Array.from(values, (value, i) => value * gamma[channelOf(laid, i)] + beta[channelOf(laid, i)]);
      const want = packHalf(exact, storage);
      const rounded = unpackHalf(want, storage);
      for (let i = 0; i < x.length; i++) {
        const [g, b] = [gamma[channelOf(laid, i)], beta[channelOf(laid, i)]];
        const z = exact[i];
        let right: boolean;
        if (isNaNPattern(x[i])) {
          right = isNaNPattern(y[i]);
          seen.nan++;
        } else if (Math.abs(values[i]) < least || (storage === 'bf16' && Math.abs(z) < least)) {
          right = Math.abs(got[i] - rounded[i]) <= least * Math.max(1, Math.abs(g)) * (1 + 2 * half);
          seen.small++;
        } else if (Math.abs(z) >= 2 ** 128) {
          right = y[i] === want[i]; // past f32 too
          seen.infinite++;
        } else if (Math.fround(values[i] * g) === values[i] * g && Math.fround(z) === z) {
          right = y[i] === want[i] || (got[i] === 0 && rounded[i] === 0);
          seen.exact++;
          if (Math.abs(z - rounded[i]) === ulpOf(z, storage) / 2) seen.ties++;
          if (Math.abs(rounded[i]) === Infinity) seen.infinite++;
        } else {
          right = got[i] === rounded[i] || Math.abs(got[i] - rounded[i]) <= ulpOf(z, storage);
          seen.within++;
        }
        if (!right) wrong.push(`element ${i}: ${values[i]} · ${g} + ${b} is ${got[i]}, needs ${rounded[i]}`);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    // Enough of each kind, or the cases above have missed their aim.
    expect(seen.exact).toBeGreaterThan(500_000);
    expect(seen.within).toBeGreaterThan(100_000);
    expect(seen.ties).toBeGreaterThan(80_000);
    for (const kind of ['nan', 'infinite', 'small'] as const) expect(seen[kind], kind).toBeGreaterThan(1000);
  });

  it.each(LAID)('%s: a gradient of NaN or infinity changes no other bit', async (_, laid) => {
    const { layout, channels, spatial } = laid;
    const bn = await createBatchNorm(device, { layout, channels, storage, gamma: false, beta: false, modes: ['frozen'] });
    const rows = 35 * spatial;
    const plain = packHalf(Float32Array.from({ length: rows * channels }, (_, i) => Math.sin(i)), storage);
    const dxOf = async (dy: Uint16Array) => {
      const args = new Arguments(device);
      const ones = () => args.input(`ones${args.placed.size}`, new Uint32Array(Float32Array.from({ length: channels }, () => 1).buffer)) as BufferView;
      const [x, dx] = [args.input('x', words(dy)), args.output('dx', sentinels(dy.length, storage))];
      run(device, (pass) =>
        bn.backwardFrozen(pass, { x, dy: args.input('dy', words(dy)), runningMean: ones(), runningVar: ones(), dx }, shapeOf({ layout, rows, spatial })));
      const found = new Uint16Array((await args.read()).get('dx')!.buffer);
      args.dispose();
      return found;
    };
    const want = await dxOf(plain);
    const places = [0, 1, 6, 13, rows * channels - 1];
    const spoiled = plain.slice();
    places.forEach((at, i) => (spoiled[at] = [0x7fff, infinity, 0xffff, infinity | 0x8000, 0x7fff][i]));
    const got = await dxOf(spoiled);
    expect(places.map((at) => got[at])).toEqual(
      [expect.toSatisfy(isNaNPattern), infinity, expect.toSatisfy(isNaNPattern), infinity | 0x8000, expect.toSatisfy(isNaNPattern)],
    );
    for (const at of places) got[at] = want[at];
    expect(got).toEqual(want);
    bn.dispose();
  });
});
