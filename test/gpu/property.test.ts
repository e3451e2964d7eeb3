// Claim: whatever the options, the shape, the plan and the data, every operation of the kernels is within the bounds of the
// f64 reference, writes nothing beside its outputs and changes no input.
// Control: a plain case passes, and the comparison sees a wrong value, a written sentinel and a changed input.
//
// WEBGPU_PROPERTY_SEED draws other options and cases, WEBGPU_PROPERTY_RUNS more of them.
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type ActivationName, type BatchNormKernels, type BatchNormOptions, createBatchNorm } from '../../src/index.js';
import { random } from '../../src/data/random.js';
import { type Case, inputsOf } from '../../src/verify/cases.js';
import { type Inputs, boundsOf, counts, expected } from '../../src/verify/expected.js';
import { type Got, compareAll } from '../../src/verify/run.js';
import { Arguments, type Placement, type RawGot, optionsOf, runRaw, sentinels, sharedDevice, takeErrors, valuesOf, wordsOf } from './harness.js';

const device = await sharedDevice();

afterEach(() => expect(takeErrors()).toEqual([]));

const env = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env ?? {};
const SEED = Number(env.WEBGPU_PROPERTY_SEED ?? 20260);
const RUNS = Number(env.WEBGPU_PROPERTY_RUNS ?? 150);

/** What decides which kernels are compiled. */
interface OptionSet {
  layout: 'channelsLast' | 'channelsFirst';
  /** Whether channels are a multiple of four. */
  wide: boolean;
  storage: 'f32' | 'f16' | 'bf16';
  activation: ActivationName;
  residual: boolean;
  mask: 'none' | 'rows' | 'count';
  inPlace: boolean;
  gamma: boolean;
  beta: boolean;
  cumulative: boolean;
  adapterClass: 'hardware' | 'software';
  plan: 'single' | 'split' | undefined;
}

const SETS = 9;

/** Option sets in which each value of each option stands equally often, dealt by chance. */
function dealt(seed: number): OptionSet[] {
  const source = random(seed);
  const deal = <T>(values: readonly T[]): T[] => {
    const cards = Array.from({ length: SETS }, (_, i) => ({ value: values[i % values.length], order: source.uniform() }));
    return cards.sort((a, b) => a.order - b.order).map(({ value }) => value);
  };
  const hands = {
    layout: deal(['channelsLast', 'channelsFirst'] as const), wide: deal([true, false]), storage: deal(['f32', 'f16', 'bf16'] as const),
    activation: deal(['none', 'relu', 'silu', 'leakyRelu', 'gelu', 'relu6', 'hardSwish'] as const), residual: deal([false, true]),
    mask: deal(['none', 'rows', 'count'] as const), inPlace: deal([false, true]),
    gamma: deal([true, true, false]), beta: deal([true, true, false]), cumulative: deal([false, true, false]),
    adapterClass: deal(['software', 'software', 'hardware'] as const), plan: deal([undefined, 'single', 'split'] as const),
  };
  return Array.from({ length: SETS }, (_, i) => Object.fromEntries(Object.entries(hands).map(([name, hand]) => [name, hand[i]])) as unknown as OptionSet);
}

/** One case, apart from its option set. */
const caseOf = fc.record({
  set: fc.nat(SETS - 1),
  channels: fc.integer({ min: 1, max: 40 }),
  rows: fc.integer({ min: 1, max: 400 }),
  spatial: fc.integer({ min: 1, max: 20 }),
  momentum: fc.constantFrom(0, 1, 0.1, 0.01, 0.5),
  batches: fc.integer({ min: 0, max: 100 }),
  runningVariance: fc.constantFrom('biased' as const, 'unbiased' as const),
  tracked: fc.boolean(),
  eps: fc.constantFrom(1e-5, 1e-3, 1e-12, 0),
  /** Of the columns in turn: deviation, and the mean in deviations. */
  columns: fc.array(fc.tuple(fc.nat(3), fc.nat(5)), { minLength: 1, maxLength: 5 }),
  /** How many of the rows count. */
  counted: fc.constantFrom('some' as const, 'all' as const, 'one' as const, 'none' as const),
  /** Where each tensor lies in its buffers, and where it is cut into several: the same for none of them. */
  offset: fc.constantFrom(0, 256),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 2 }),
  /** Bytes of a binding; null the device's own. */
  binding: fc.constantFrom(null, 4096, 16384),
  data: fc.nat(1e6),
});
type Drawn = typeof caseOf extends fc.Arbitrary<infer T> ? T : never;

// Halves hold neither a mean of a million deviations nor, as f16, 1/√1e-12.
const DEVIATIONS = { f32: [1, 0, 1e-3, 1e3], half: [1, 0, 0.01, 100] };
const MEANS = { f32: [0, 1, -10, 1e4, 1e6, -1e6], half: [0, 1, -10, 30, 100, -100] };

function inputsFor(drawn: Drawn, set: OptionSet): Inputs {
  const { storage, layout, mask, wide, inPlace, activation, residual } = set;
  const channels = wide ? 4 * Math.ceil(drawn.channels / 4) : drawn.channels + Number(drawn.channels % 4 === 0);
  const spatial = layout === 'channelsFirst' ? drawn.spatial : undefined;
  const rows = spatial ? spatial * Math.ceil(drawn.rows / spatial) : drawn.rows;
  const kind = storage === 'f32' ? 'f32' : 'half';
  const { data } = drawn;
  const row: Case = {
    name: '', rows, channels, spatial, mask, activation, residual, inPlace,
    ...(storage === 'f32' ? {} : { storage }), ...(set.gamma ? {} : { gamma: false }), ...(set.beta ? {} : { beta: false }),
    ...(set.cumulative ? { batches: drawn.batches } : {}),
    numbers: {
      momentum: set.cumulative ? 'cumulative' : drawn.momentum,
      // One row has no unbiased variance; only masked calls, whose count nobody knows, let it pass.
      runningVariance: rows === 1 && mask === 'none' ? 'biased' : drawn.runningVariance,
      eps: kind === 'half' ? Math.max(drawn.eps, 1e-5) : drawn.eps,
    },
    column: (c) => {
      const [d, m] = drawn.columns[c % drawn.columns.length];
      const deviation = DEVIATIONS[kind][d];
      return { deviation, offset: MEANS[kind][m] * (deviation || 1) };
    },
    adjust: (inputs, source) => {
      const { counted } = drawn;
      const only = Math.floor(rows * source.uniform());
      if (inputs.mask && counted !== 'some') inputs.mask.fill(Number(counted === 'all'));
      if (inputs.mask && counted === 'one') inputs.mask[only] = 1;
      if (typeof inputs.validRows === 'number') inputs.validRows = { some: only, all: rows, one: 1, none: 0 }[counted];
    },
  };
  return inputsOf(row, data);
}

/** Every tensor somewhere else; a single dispatch is forced on whole ones only. */
function placementOf({ offset, cuts }: Drawn, { plan }: OptionSet) {
  return (name: string, bytes: number): Placement => {
    const at = cuts.map((cut) => 256 * Math.ceil(((cut + name.length / 9) % 1) * (bytes / 256 - 1)));
    return { offset, cuts: plan === 'single' ? [] : [...new Set(at)].filter((cut) => cut > 0).sort((a, b) => a - b) };
  };
}

const made = new Map<string, Promise<BatchNormKernels>>();

/** Kernels for a case, made once for equal options. */
function kernelsFor(inputs: Inputs, { adapterClass, plan }: OptionSet, binding: number | null): Promise<BatchNormKernels> {
  const limits = {
    // Groups of 32 threads are quick to compile on software, and no device's default.
    ...(adapterClass === 'hardware' ? { maxComputeInvocationsPerWorkgroup: 32 } : {}),
      ...(binding && plan !== 'single' ? { maxStorageBufferBindingSize: binding } : {}),
  };
  const options: BatchNormOptions = { ...optionsOf(inputs), adapterClass, plan, limits };
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, createBatchNorm(device, options));
  return made.get(key)!;
}

/** Largest error by its bound, of f32 and of halves, whose one rounding is a third of theirs: said at the end. */
const worst = { f32: { output: '', ratio: 0 }, halves: { output: '', ratio: 0 } };

/** Throws where anything of a case is not as it should be. */
function check(inputs: Inputs, got: RawGot, tracked: boolean): void {
  const want = expected(inputs);
  const valid = Array.from({ length: inputs.rows }, (_, row) => Number(counts(inputs, row))).reduce((sum, one) => sum + one, 0);
  const compared: Got = { ...got };
  if (!tracked) {
    for (const name of ['runningMean', 'runningVar'] as const) {
      if (got[name]!.some((value, c) => value !== inputs[name][c])) throw new Error(`"${name}" was not given and has changed`);
      compared[name] = want[name];
    }
  }
  const wrong = compareAll(inputs, compared, want, false).flatMap(({ output, ratio, beyond, row, channel, got: value, want: wanted, bound }) => {
    const kind = (inputs.storage ?? 'f32') === 'f32' ? 'f32' : 'halves';
    if (beyond === 0 && ratio > worst[kind].ratio) worst[kind] = { output, ratio };
    return beyond > 0 ? [`${output}: ${beyond} beyond, worst at row ${row}, channel ${channel}: ${value} for ${wanted} ± ${bound}`] : [];
  });
  if (got.saved.count.some((count) => count !== valid)) wrong.push(`saved.count is ${got.saved.count[0]}, needs ${valid}`);
  const stayed = Number(valid === 0 || (valid === 1 && inputs.runningVariance === 'unbiased')) + 2 * Number(valid === 0);
  if (got.saved.flags.some((flags) => flags !== stayed)) wrong.push(`saved.flags is ${got.saved.flags[0]}, needs ${stayed}`);
  const batches = (inputs.batches ?? 0) + Number(tracked && valid > 0);
  if (got.batches?.some((count) => count !== batches)) wrong.push(`batches is ${got.batches[0]}, needs ${batches}`);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

describe('control', () => {
  const plain = inputsOf({ name: '', rows: 37, channels: 8 }, 1);

  it('a plain case passes; a value off by twice its bound, or NaN, does not', async () => {
    const bn = await createBatchNorm(device, optionsOf(plain));
    const got = await runRaw(device, bn, plain);
    check(plain, got, true);
    const bound = boundsOf(plain, expected(plain), false).dx[3];
    for (const spoiled of [got.dx![11] + 2 * bound, NaN]) {
      const dx = Float32Array.from(got.dx!);
      dx[11] = spoiled;
      expect(() => check(plain, { ...got, dx }, true)).toThrow('dx: 1 beyond, worst at row 1, channel 3');
    }
    expect(() => check(plain, got, false)).toThrow('"runningMean" was not given and has changed');
    bn.dispose();
  });

  it.each([
    ['in front', 252, '"y" was written before its beginning'], ['behind', 256 + 12, '"y" was written past its end'],
    ['in the unused half of the last word', 256 + 8, 'written to the unused half of the last word'],
  ])('a sentinel written %s is seen', async (_, at, message) => {
    const args = new Arguments(device, () => ({ offset: 256 }));
    args.output('y', sentinels(5, 'f16'));
    device.queue.writeBuffer(args.placed.get('y')!.pieces[0].buffer, at, new Uint32Array(1));
    await expect(args.read().then((found) => valuesOf(found.get('y')!, 5, 'f16'))).rejects.toThrow(message);
  });

  it('a changed input is seen, in the unused half of its last word too', async () => {
    const args = new Arguments(device);
    args.input('x', wordsOf(Float32Array.of(1, 2, 3), 'bf16'));
    await args.read();
    device.queue.writeBuffer(args.placed.get('x')!.pieces[0].buffer, 4, Uint16Array.of(0x4040, 0));
    await expect(args.read()).rejects.toThrow('"x" is an input and was changed at word 1');
  });
});

describe(`${RUNS} cases drawn over ${SETS} option sets, seed ${SEED}`, () => {
  const sets = dealt(SEED);

  it('all within the bounds', async () => {
    const met = new Set<number>();
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(caseOf, async (drawn) => {
        const set = sets[drawn.set];
        met.add(drawn.set);
        const inputs = inputsFor(drawn, set);
        try {
          const bn = await kernelsFor(inputs, set, drawn.binding);
          check(inputs, await runRaw(device, bn, inputs, { tracked: drawn.tracked, placement: placementOf(drawn, set) }), drawn.tracked);
        } catch (error) {
          // So many windows and channels that a small binding has no room for their partial results.
          if (error instanceof RangeError && drawn.binding && /bytes of partials .* binds at most/.test(error.message)) return void refused++;
          throw new Error(
            `${(error as Error).message}\nwith ${JSON.stringify(set)}, rows ${inputs.rows}, channels ${inputs.channels}, spatial ${inputs.spatial}`,
          );
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(met.size).toBe(SETS);
    expect(refused).toBeLessThan(RUNS / 5);
    const said = Object.entries(worst).map(([kind, { output, ratio }]) => `${ratio.toFixed(2)} (${kind}, ${output})`);
    console.info(`${RUNS - refused} cases, largest error by its bound: ${said.join(', ')}`);
  });
});
