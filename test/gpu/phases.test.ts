// Claim: moments, merge, normalize, gradientSums and gradientInput on unequal parts of a batch give what forward and backward
// give on the whole, whoever made a part's words: these kernels, others in windows, or the reference.
// Control: one part, to the bit, and the whole in one call.
import { afterEach, describe, expect, it } from 'vitest';
import { type BatchNormKernels, type BatchNormOptions, type BufferView, createBatchNorm, savedViews } from '../../src/index.js';
import { gradientSums, moments } from '../../src/reference/index.js';
import { type Case, inputsOf } from '../../src/verify/cases.js';
import { type Inputs, counts, expected } from '../../src/verify/expected.js';
import { type Got, compareAll, writesDresidual } from '../../src/verify/run.js';
import { Arguments, countCalls, optionsOf, run, runRaw, sentinels, shapeOf, sharedDevice, takeErrors, untouched, valuesOf, wordsOf } from './harness.js';

const device = await sharedDevice();

afterEach(() => expect(takeErrors()).toEqual([]));

const made = new Map<string, Promise<BatchNormKernels>>();

/** Kernels for a case, in one plan so that few are compiled. */
function kernelsFor(inputs: Inputs, change: Partial<BatchNormOptions> = {}): Promise<BatchNormKernels> {
  const options: BatchNormOptions = { ...optionsOf(inputs), modes: ['train', 'infer', 'frozen', 'phases'], plan: 'split', ...change };
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, createBatchNorm(device, options));
  return made.get(key)!;
}

/** Some whole images of a case, as a case. */
function partOf(inputs: Inputs, first: number, end: number): Inputs {
  const slice = (values: Float32Array) => values.subarray(first * inputs.channels, end * inputs.channels);
  const { validRows } = inputs;
  return {
    ...inputs, rows: end - first, x: slice(inputs.x), dy: slice(inputs.dy), residual: inputs.residual && slice(inputs.residual),
      mask: inputs.mask?.subarray(first, end),
    validRows: typeof validRows === 'number' ? Math.min(Math.max(validRows - first, 0), end - first) : validRows,
  };
}

/** A part's moments as the kernels lay them out: count (u32), mean, what it lost to rounding, m2. */
function momentsWords(part: Inputs): Uint32Array {
  const { channels } = part;
  const { count, mean, m2 } = moments(part.x, part, rowsOf(part));
  const values = new Float32Array(4 * channels);
  values.set(mean, channels);
  values.set(mean.map((value, c) => value - values[channels + c]), 2 * channels);
  values.set(m2, 3 * channels);
  const words = new Uint32Array(values.buffer);
  words.fill(count, 0, channels);
  return words;
}

const rowsOf = ({ mask, validRows }: Inputs) => ({ mask: mask ?? undefined, validRows: validRows ?? undefined });

/** A part's sums as the kernels lay them out: dbeta, dgamma. */
function sumsWords(part: Inputs, mean: Float64Array, invStd: Float64Array): Uint32Array {
  const { x, dy, activation } = part;
  const [gamma, beta, residual] = [part.gamma ?? undefined, part.beta ?? undefined, part.residual ?? undefined];
  const { dgamma, dbeta } = gradientSums({ x, dy, gamma, beta, residual, activation, mean, invStd, ...rowsOf(part) }, part);
  return wordsOf([...dbeta, ...dgamma]);
}

/** Who makes a part's moments and sums. */
type Maker = BatchNormKernels | 'reference';

/** All phases of a case cut into parts of so many rows. */
async function runPhases(inputs: Inputs, sizes: readonly number[], makers: readonly Maker[], bn: BatchNormKernels): Promise<Got & { batches?: Uint32Array }> {
  const { channels, storage = 'f32', inPlace, activation = 'none' } = inputs;
  const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b));
  expect(ends.at(-1)).toBe(inputs.rows);
  const parts = sizes.map((size, i) => partOf(inputs, ends[i] - size, ends[i]));
  const count = sizes.length;
  const args = new Arguments(device);
  const vector = (name: string, values: Float32Array) => args.input(name, wordsOf(values)) as BufferView;
  const gamma = inputs.gamma ? { gamma: vector('gamma', inputs.gamma) } : {};
  const beta = inputs.beta ? { beta: vector('beta', inputs.beta) } : {};
  const onParts = parts.map((part, i) => ({
    x: args.input(`x${i}`, wordsOf(part.x, storage)),
    ...(part.residual ? { residual: args.input(`residual${i}`, wordsOf(part.residual, storage)) } : {}),
    ...(part.mask ? { mask: args.input(`mask${i}`, part.mask) as BufferView } : {}),
    ...(typeof part.validRows === 'number' ? { validRows: args.input(`validRows${i}`, Uint32Array.of(part.validRows)) as BufferView } : {}),
  }));
  const dys = parts.map((part, i) => args.input(`dy${i}`, wordsOf(part.dy, storage)));
  const counted = ({ residual: _, ...rest }: (typeof onParts)[number]) => rest;
  const before = (i: number) => (activation !== 'none' ? { ...onParts[i], ...gamma, ...beta } : { ...counted(onParts[i]), ...gamma });
  const momentsOf = args.output('moments', sentinels(4 * channels * count)) as BufferView;
  const saved = args.output('saved', sentinels(6 * channels)) as BufferView;
  const running = {
    runningMean: args.output('runningMean', wordsOf(inputs.runningMean)) as BufferView,
      runningVar: args.output('runningVar', wordsOf(inputs.runningVar)) as BufferView,
    ...(inputs.momentum === 'cumulative' ? { batches: args.output('batches', new Uint32Array(channels).fill(inputs.batches ?? 0)) as BufferView } : {}),
  };
  const write = (name: string, at: number, words: Uint32Array) =>
    device.queue.writeBuffer(args.placed.get(name)!.pieces[0].buffer, at * words.byteLength, words as Uint32Array<ArrayBuffer>);
  const last = [...parts.keys()].reverse(); // in whichever order

  makers.forEach((maker, i) => maker === 'reference' && write('moments', i, momentsWords(parts[i])));
  run(device, (pass) => {
    for (const i of last) {
      const maker = makers[i];
      if (maker === 'reference') continue;
      const { x, mask, validRows } = onParts[i];
      maker.moments(pass, { x, ...(mask ? { mask } : {}), ...(validRows ? { validRows } : {}), moments: momentsOf }, shapeOf(parts[i]), { part: i });
    }
    bn.merge(pass, { moments: momentsOf, saved, ...running }, { parts: count });
  });
  const { mean: high, meanLow, variance, invStd } = savedViews((await args.read()).get('saved')!, channels);
  const mean = Float64Array.from(high, (value, c) => value + meanLow[c]);

  const sums = args.output('sums', sentinels(2 * channels * count)) as BufferView;
  makers.forEach((maker, i) => maker === 'reference' && write('sums', i, sumsWords(parts[i], mean, Float64Array.from(invStd))));
  run(device, (pass) => {
    for (const i of last) {
      const maker = makers[i];
      if (maker !== 'reference') maker.gradientSums(pass, { ...before(i), dy: dys[i], saved, sums }, shapeOf(parts[i]), { part: i });
    }
    for (const i of parts.keys()) {
      const { x } = onParts[i];
      const elements = parts[i].x.length;
      const over = inPlace ? args.output(`y${i}`, wordsOf(parts[i].x, storage)) : undefined;
      const overDy = inPlace ? args.output(`dx${i}`, wordsOf(parts[i].dy, storage)) : undefined;
      const out = (name: string) => args.output(`${name}${i}`, sentinels(elements, storage));
      bn.normalize(pass, { ...onParts[i], x: over ?? x, saved, ...gamma, ...beta, y: over ?? out('y') }, shapeOf(parts[i]));
      bn.gradientInput(pass, {
        ...before(i), dy: overDy ?? dys[i], saved, sums, dx: overDy ?? out('dx'), ...(writesDresidual(inputs) ? { dresidual: out('dresidual') } : {}),
        ...(inputs.gamma ? { dgamma: args.output(`dgamma${i}`, sentinels(channels)) as BufferView } : {}),
        ...(inputs.beta ? { dbeta: args.output(`dbeta${i}`, sentinels(channels)) as BufferView } : {}),
      }, shapeOf(parts[i]), { parts: count });
    }
  });
  const found = await args.read();
  args.dispose();
  const joined = (name: string, pad?: number) => {
    const whole = new Float32Array(inputs.x.length);
    parts.forEach((part, i) => whole.set(valuesOf(found.get(`${name}${i}`)!, part.x.length, storage, pad), (ends[i] - sizes[i]) * channels));
    return whole;
  };
  const got: Got & { batches?: Uint32Array } = {
    mean, variance, invStd, y: joined('y', inPlace ? 0x7fff : undefined), dx: joined('dx', inPlace ? 0x7fff : undefined),
    runningMean: valuesOf(found.get('runningMean')!, channels), runningVar: valuesOf(found.get('runningVar')!, channels),
  };
  if (writesDresidual(inputs)) got.dresidual = joined('dresidual');
  if (found.has('batches')) got.batches = found.get('batches');
  for (const name of ['dgamma', 'dbeta'] as const) {
    if (!found.has(`${name}0`)) continue;
    got[name] = valuesOf(found.get(`${name}0`)!, channels);
    for (const i of parts.keys()) expect(found.get(`${name}${i}`)).toEqual(found.get(`${name}0`)); // each call makes that of the whole
  }
  // The reference's moments and the kernels' say the same of each part.
  const blocks = found.get('moments')!;
  parts.forEach(
    (part, i) => expect(blocks[4 * channels * i]).toBe(Array.from({ length: part.rows }, (_, row) => Number(counts(part, row))).reduce((a, b) => a + b)),
  );
  return got;
}

/** Outputs of the phases beyond their bounds; those that the phases do not have are taken from the reference. */
function beyond(inputs: Inputs, got: Got): object[] {
  const want = expected(inputs);
  return compareAll(inputs, { ...want, ...got }, want, false).filter((comparison) => comparison.beyond > 0)
    .map(({ output, ratio, row, channel }) => ({ output, ratio, row, channel }));
}

const CASES: (Case & { sizes: number[] })[] = [
  { name: 'channels-last', rows: 1100, channels: 8, sizes: [17, 1, 1000, 82], column: () => ({ offset: 1e6 }) },
  { name: 'channels-last, no gamma, f32, cumulative', rows: 90, channels: 7, sizes: [50, 39, 1], gamma: false, numbers: { momentum: 'cumulative' },
    batches: 4 },
  {
    name: 'channels-last, f16, add + ReLU, in place, a part without a row that counts', rows: 118, channels: 7, sizes: [33, 20, 41, 24], storage: 'f16',
      activation: 'relu', residual: true, inPlace: true, mask: 'rows',
    adjust: ({ mask }) => mask!.fill(0, 33, 53),
  },
  {
    name: 'channels-first, ReLU, the last parts past the rows that count, cumulative', rows: 12 * 30, channels: 6, spatial: 12,
      sizes: [12 * 20, 12, 12 * 4, 12 * 5], activation: 'relu', mask: 'count',
    numbers: { momentum: 'cumulative' }, batches: 0,
  },
  { name: 'channels-first, bf16, odd planes', rows: 9 * 11, channels: 5, spatial: 9, sizes: [9, 9 * 6, 9 * 4], storage: 'bf16' },
];

describe.each(CASES.map((row) => [row.name, row] as const))('%s', (_, { sizes, ...row }) => {
  const inputs = inputsOf(row, 3);

  it('control: the whole in one call', async () => {
    const got = await runRaw(device, await kernelsFor(inputs), inputs);
    expect(beyond(inputs, got)).toEqual([]);
  });

  it('parts, and one part', async () => {
    const bn = await kernelsFor(inputs);
    for (const cut of [sizes, [inputs.rows]]) {
      const got = await runPhases(inputs, cut, cut.map(() => bn), bn);
      expect(beyond(inputs, got)).toEqual([]);
      if (inputs.momentum === 'cumulative') expect([...got.batches!]).toEqual(Array<number>(inputs.channels).fill((inputs.batches ?? 0) + 1));
    }
  });

  it('parts that the reference made, or kernels in windows, beside the others', async () => {
    const bn = await kernelsFor(inputs);
    const windowed = await kernelsFor(inputs, { limits: { maxStorageBufferBindingSize: 4096 } });
    for (const makers of [['reference', bn], [windowed, 'reference'], ['reference', 'reference']] as Maker[][]) {
      const got = await runPhases(inputs, sizes, sizes.map((_, i) => makers[i % 2]), bn);
      expect(beyond(inputs, got)).toEqual([]);
    }
  });
});

describe('one part', () => {
  it('is forward and backward to the bit, where these too make one part', async () => {
    const inputs = inputsOf({ name: '', rows: 20, channels: 8 }, 5);
    const bn = await kernelsFor(inputs);
    const [whole, phases] = [await runRaw(device, bn, inputs), await runPhases(inputs, [20], [bn], bn)];
    for (const name of ['y', 'dx', 'mean', 'variance', 'invStd', 'runningMean', 'runningVar', 'dgamma', 'dbeta'] as const) {
      expect(phases[name], name).toEqual(whole[name]);
    }
  });

  it('of which no row counts leaves the running statistics, and counts no batch', async () => {
    const inputs = inputsOf({ ...CASES[3], adjust: (all) => { all.validRows = 0; } }, 6);
    const bn = await kernelsFor(inputs);
    for (const makers of [[bn, bn], ['reference', bn], ['reference', 'reference']] as Maker[][]) {
      const got = await runPhases(inputs, [12 * 10, 12 * 20], makers, bn);
      expect(beyond(inputs, got)).toEqual([]);
      expect([got.runningMean, got.runningVar, got.batches]).toEqual([inputs.runningMean, inputs.runningVar, new Uint32Array(6)]);
    }
  });
});

describe('many parts', () => {
  it.each([8, 7])('300 of them, some empty, mean is 1e6 deviations, %i channels', async (channels) => {
    const sizes = Array.from({ length: 300 }, (_, i) => (i * 7) % 6);
    const rows = sizes.reduce((a, b) => a + b);
    const inputs = inputsOf({ name: '', rows, channels, column: () => ({ offset: 1e6 }),
      ...(channels === 7 ? { gamma: false as const, numbers: { momentum: 'cumulative' as const }, batches: 2 } : {}) }, 8);
    const bn = await kernelsFor(inputs);
    const want = expected(inputs);
    let first = 0;
    const parts = sizes.map((size) => partOf({ ...inputs, validRows: null }, first, (first += size)));
    const nothing = new Uint32Array(4 * channels);
    const args = new Arguments(device);
    const join = (blocks: Uint32Array[]) => Uint32Array.from(blocks.flatMap((words) => [...words]));
    const momentsOf = args.input('moments', join(parts.map((part) => (part.rows > 0 ? momentsWords(part) : nothing)))) as BufferView;
    const sums = args.input('sums',
      join(parts.map((part) => (part.rows > 0 ? sumsWords(part, want.mean, want.invStd) : nothing.subarray(0, 2 * channels))))) as BufferView;
    const vector = (name: string, values: Float32Array) => args.output(name, wordsOf(values)) as BufferView;
    const saved = args.output('saved', sentinels(6 * channels)) as BufferView;
    const running = {
      runningMean: vector('runningMean', inputs.runningMean), runningVar: vector('runningVar', inputs.runningVar),
      ...(inputs.momentum === 'cumulative' ? { batches: args.output('batches', new Uint32Array(channels).fill(2)) as BufferView } : {}),
    };
    run(device, (pass) => {
      bn.merge(pass, { moments: momentsOf, saved, ...running }, { parts: 300 });
      bn.gradientInput(pass, {
        x: args.input('x', wordsOf(inputs.x)), dy: args.input('dy', wordsOf(inputs.dy)), ...(inputs.gamma ? { gamma: vector('gamma', inputs.gamma) } : {}),
          saved, sums,
        dx: args.output('dx', sentinels(rows * channels)), ...(inputs.gamma ? { dgamma: args.output('dgamma', sentinels(channels)) as BufferView } : {}),
        dbeta: args.output('dbeta', sentinels(channels)) as BufferView,
      }, { rows }, { parts: 300 });
    });
    const found = await args.read();
    const { mean, meanLow, variance, invStd, count } = savedViews(found.get('saved')!, channels);
    expect([...new Set(count)]).toEqual([rows]);
    const got: Got = { mean: Float64Array.from(mean, (high, c) => high + meanLow[c]), variance, invStd, dx: valuesOf(found.get('dx')!, rows * channels) };
    for (const name of ['runningMean', 'runningVar', 'dgamma', 'dbeta'] as const) if (found.has(name)) got[name] = valuesOf(found.get(name)!, channels);
    expect(beyond(inputs, got)).toEqual([]);
    args.dispose();
  });
});

describe('parts by index', () => {
  const rows = 20;
  const channels = 8;
  const inputs = inputsOf({ name: '', rows, channels }, 7);

  it('a call writes its own part and no other', async () => {
    const bn = await kernelsFor(inputs);
    const args = new Arguments(device);
    const x = args.input('x', wordsOf(inputs.x));
    const words = { moments: sentinels(5 * 4 * channels), sums: sentinels(5 * 2 * channels) };
    const [momentsOf, sums] = [args.output('moments', words.moments) as BufferView, args.output('sums', words.sums) as BufferView];
    const saved = args.output('saved', sentinels(6 * channels)) as BufferView;
    run(device, (pass) => {
      bn.moments(pass, { x, moments: momentsOf }, { rows }, { part: 3 });
      bn.moments(pass, { x, moments: momentsOf }, { rows });
      bn.merge(pass, { moments: momentsOf, saved });
      bn.gradientSums(pass, { x, dy: x, gamma: args.input('gamma', wordsOf(inputs.gamma!)) as BufferView, saved, sums }, { rows }, { part: 2 });
    });
    const found = await args.read();
    const blocks = (name: 'moments' | 'sums', planes: number) =>
      Array.from({ length: 5 },
        (_, i) => found.get(name)!.subarray(i * planes * channels, (i + 1) * planes * channels).some((word) => word !== words[name][0]));
    expect(blocks('moments', 4)).toEqual([true, false, false, true, false]);
    expect(blocks('sums', 2)).toEqual([false, false, true, false, false]);
    expect(found.get('moments')!.subarray(0, 4 * channels)).toEqual(found.get('moments')!.subarray(3 * 4 * channels, 4 * 4 * channels));
    args.dispose();
  });

  it('createMoments and createSums have the sizes calls ask for, and one less is refused', async () => {
    const bn = await kernelsFor(inputs);
    const x = args(rows * channels * 4);
    expect([bn.createMoments().size, bn.createMoments(3).size, bn.createSums().size, bn.createSums(3).size]).toEqual([128, 384, 64, 192]);
    const saved = bn.createSaved();
    run(device, (pass) => {
      bn.moments(pass, { x, moments: bn.createMoments(3) }, { rows }, { part: 2 });
      bn.merge(pass, { moments: bn.createMoments(3), saved }, { parts: 3 });
    });
    const call = (record: () => void) => ({ toThrow: (message: string) => expect(record).toThrow(message) });
    call(() => bn.moments(untouched, { x, moments: bn.createMoments(3) }, { rows }, { part: 3 })).toThrow(
      'BatchNormKernels.moments: "moments" is 384 bytes, needs 512 (parts 4 × 4 × channels 8, 4 bytes each). Create it with that size.');
    call(() => bn.merge(untouched, { moments: bn.createMoments(3), saved }, { parts: 4 })).toThrow(
      'BatchNormKernels.merge: "moments" is 384 bytes, needs 512 (parts 4 × 4 × channels 8, 4 bytes each). Create it with that size.');
    call(() => bn.merge(untouched, { moments: bn.createMoments(), saved }, { parts: 0 })).toThrow(
      'BatchNormKernels.merge: "parts" is 0, needs an integer of at least 1.');
    call(() => bn.merge(untouched, { moments: bn.createMoments(), saved }, { parts: 65536 })).toThrow(
      'BatchNormKernels.merge: "parts" is 65536, needs at most 65535. Merge in steps.');
    for (const part of [-1, 0.5, 65535, NaN]) {
      call(() => bn.moments(untouched, { x, moments: bn.createMoments() }, { rows }, { part })).toThrow(
        `BatchNormKernels.moments: "part" is ${part}, needs an integer from 0 to 65534.`);
    }
    call(() => bn.moments(untouched, { x, moments: bn.createMoments() }, { rows }, { parts: 2 } as never)).toThrow(
      'BatchNormKernels.moments: "parts" is not an option, needs one of part.');
    call(() => bn.createMoments(1.5)).toThrow('BatchNormKernels.createMoments: "parts" is 1.5, needs an integer of at least 1.');
  });

  const args = (size: number) => device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });

  it('accumulate adds to dgamma and dbeta, and leaves dx', async () => {
    const bn = await kernelsFor(inputs);
    const once = await runPhases(inputs, [20], [bn], bn);
    const t = { x: args(640), dy: args(640), gamma: args(32), saved: bn.createSaved(), sums: bn.createSums(), moments: bn.createMoments() };
    for (const [buffer, values] of [[t.x, inputs.x], [t.dy, inputs.dy], [t.gamma, inputs.gamma!]] as const) {
      device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    }
    const out = new Arguments(device);
    const dx = out.output('dx', sentinels(rows * channels));
    const [dgamma, dbeta] = ['dgamma', 'dbeta'].map((name) => out.output(name, new Uint32Array(channels).fill(0x7fc00000)) as BufferView); // NaN
    const read = { x: t.x, dy: t.dy, gamma: t.gamma, saved: t.saved, sums: t.sums };
    run(device, (pass) => {
      bn.moments(pass, { x: t.x, moments: t.moments }, { rows });
      bn.merge(pass, { moments: t.moments, saved: t.saved });
      bn.gradientSums(pass, read, { rows });
      bn.gradientInput(pass, { ...read, dx, dgamma, dbeta }, { rows });
      bn.gradientInput(pass, { ...read, dx, dgamma, dbeta }, { rows }, { accumulate: true });
    });
    const found = await out.read();
    expect(valuesOf(found.get('dgamma')!, channels)).toEqual(once.dgamma!.map((value) => 2 * value)); // exact
    expect(valuesOf(found.get('dbeta')!, channels)).toEqual(once.dbeta!.map((value) => 2 * value));
    expect(valuesOf(found.get('dx')!, rows * channels)).toEqual(once.dx);
    out.dispose();
  });

  it('50 further rounds of all five phases on three parts make no call of device or queue', async () => {
    const bn = await kernelsFor(inputs);
    const t = {
      x: args(640), dy: args(640), y: args(640), dx: args(640), gamma: args(32), beta: args(32), saved: bn.createSaved(), sums: bn.createSums(3),
        moments: bn.createMoments(3),
      runningMean: args(32), runningVar: args(32), dgamma: args(32), dbeta: args(32),
    };
    const { x, dy, y, dx, gamma, beta, saved, sums, runningMean, runningVar, dgamma, dbeta } = t;
    const all = (pass: GPUComputePassEncoder) => {
      for (const part of [0, 1, 2]) bn.moments(pass, { x, moments: t.moments }, { rows: 6 + part }, { part });
      bn.merge(pass, { moments: t.moments, saved, runningMean, runningVar }, { parts: 3 });
      for (const part of [0, 1, 2]) {
        bn.normalize(pass, { x, saved, gamma, beta, y }, { rows: 6 + part });
        bn.gradientSums(pass, { x, dy, gamma, saved, sums }, { rows: 6 + part }, { part });
      }
      for (const part of [0, 1, 2]) {
        bn.gradientInput(pass, { x, dy, gamma, saved, sums, dx, dgamma, dbeta }, { rows: 6 + part }, { parts: 3, accumulate: part === 1 });
      }
    };
    const { calls, restore } = countCalls(device);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    all(pass);
    expect(calls.get('device.createBindGroup')).toBeGreaterThan(10); // control: the first round makes them
    calls.clear();
    for (let round = 0; round < 50; round++) all(pass);
    restore();
    expect([...calls]).toEqual([]);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  });
});
