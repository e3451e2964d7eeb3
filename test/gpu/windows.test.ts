// Claim: a tensor larger than one binding, or in several buffers, gives what it gives in one: within the same bounds, and to
// the bit where nothing is summed. No binding is larger than the limit; what cannot be cut is refused before anything is
// recorded.
// Control: the same case in one window and one buffer.
import { afterEach, describe, expect, it } from 'vitest';
import { type BatchNormKernels, type BatchNormOptions, type BufferView, createBatchNorm, storageBytes } from '../../src/index.js';
import { random } from '../../src/data/random.js';
import { type Case, inputsOf } from '../../src/verify/cases.js';
import { type Inputs, expected } from '../../src/verify/expected.js';
import { compareAll, writesDresidual } from '../../src/verify/run.js';
import {
  Arguments, type Placement, optionsOf, run, runRaw, sentinels, shapeOf, sharedDevice, takeErrors, untouched, watchBindings, wordsOf,
} from './harness.js';

const device = await sharedDevice();

afterEach(() => expect(takeErrors()).toEqual([]));

const made = new Map<string, Promise<BatchNormKernels>>();

/** Kernels for a case in windows of `bytes`; the plan is what windows have anyway, so that one and many compile the same. */
function kernelsFor(inputs: Inputs, bytes?: number): Promise<BatchNormKernels> {
  const limits = bytes === undefined ? {} : { limits: { maxStorageBufferBindingSize: bytes } };
  const options: BatchNormOptions = { ...optionsOf(inputs), modes: ['train', 'infer', 'frozen', 'phases'], plan: 'split', ...limits };
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, createBatchNorm(device, options));
  return made.get(key)!;
}

/** A case, and the bytes of a window. */
type Windowed = Case & { bytes: number };

const CASES: Windowed[] = [
  { name: 'channels-last, whole rows', bytes: 4096, rows: 600, channels: 8 },
  { name: 'channels-last, a row in two windows, four channels a member', bytes: 16384, rows: 16, channels: 260 },
  { name: 'channels-last, rows straddle, mean is 1e6 deviations', bytes: 16384, rows: 250, channels: 67, column: () => ({ offset: 1e6 }) },
  { name: 'channels-first, planes straddle, mask', bytes: 8192, rows: 5 * 400, channels: 6, spatial: 400, mask: 'rows' },
  { name: 'channels-first, odd planes straddle, add + ReLU', bytes: 4096, rows: 4 * 333, channels: 5, spatial: 333,
    activation: 'relu', residual: true },
  { name: 'channels-first, small planes whole, images straddle', bytes: 4096, rows: 300 * 9, channels: 3, spatial: 9, activation: 'relu', residual: true },
  { name: 'channels-first, odd planes straddle, channels a multiple of four', bytes: 8192, rows: 4 * 333, channels: 8, spatial: 333,
    activation: 'relu', residual: true },
  { name: 'f16, channels-last, rows straddle, odd, in place', bytes: 4096, rows: 301, channels: 21, storage: 'f16', inPlace: true,
    activation: 'relu', residual: true,
    mask: 'count' },
  { name: 'bf16, channels-first, odd planes and odd in all', bytes: 4096, rows: 3 * 333, channels: 5, spatial: 333, storage: 'bf16', mask: 'rows' },
  { name: 'f16, channels-last, whole rows, in place', bytes: 4096, rows: 600, channels: 12, storage: 'f16', inPlace: true, mask: 'rows' },
];

/** Largest binding of a windowed run, by limit: said at the end. */
const largest = new Map<number, number>();

const beyond = (inputs: Inputs, got: Parameters<typeof compareAll>[1]) =>
  compareAll(inputs, got, expected(inputs), false).filter((comparison) => comparison.beyond > 0)
    .map(({ output, ratio, row, channel }) => ({ output, ratio, row, channel }));

describe('windows', () => {
  it.each(CASES.map((row) => [row.name, row.bytes, row] as const))('%s: windows of %i bytes', async (name, bytes, row) => {
    const inputs = inputsOf(row, name.length);
    const size = storageBytes(inputs.rows * inputs.channels, inputs.storage ?? 'f32');
    const whole = watchBindings(device);
    const control = await runRaw(device, await kernelsFor(inputs), inputs);
    whole.restore();
    expect(beyond(inputs, control)).toEqual([]);
    expect(whole.largest()).toBeGreaterThanOrEqual(size);

    const watch = watchBindings(device);
    const got = await runRaw(device, await kernelsFor(inputs, bytes), inputs);
    watch.restore();
    expect(beyond(inputs, got)).toEqual([]);
    expect(watch.largest()).toBeLessThanOrEqual(bytes);
    expect(watch.groups()).toBeGreaterThan(whole.groups());
    largest.set(bytes, Math.max(largest.get(bytes) ?? 0, watch.largest()));
    // No sum is in these, so no bit may differ.
    expect(got.inferY).toEqual(control.inferY);
    expect(got.frozenDx).toEqual(control.frozenDx);
    expect(got.frozenDresidual).toEqual(control.frozenDresidual);
  });

  it('from equal statistics and sums, y and dx are the bits of one window', async () => {
    for (const { bytes, ...row } of CASES.filter(({ residual, storage }) => residual || storage === 'bf16')) {
      const { name } = row;
      const inputs = inputsOf(row, name.length);
      const { channels, storage } = inputs;
      const elements = inputs.x.length;
      const results = [];
      for (const bn of [await kernelsFor(inputs), await kernelsFor(inputs, bytes)]) {
        const args = new Arguments(device);
        const vector = (label: string, values: Float32Array) => args.input(label, wordsOf(values)) as BufferView;
        const saved = new Float32Array(6 * channels);
        saved.set(inputs.frozenMean);
        saved.set(inputs.frozenVar.map((v) => 1 / Math.sqrt(v)), 3 * channels);
        new Uint32Array(saved.buffer).fill(inputs.rows, 4 * channels, 5 * channels);
        const sums = vector('sums', Float32Array.from({ length: 2 * channels }, (_, i) => Math.sin(i) * inputs.rows));
        const [gamma, beta] = [vector('gamma', inputs.gamma!), vector('beta', inputs.beta!)];
        const read = {
          x: args.input('x', wordsOf(inputs.x, storage)), saved: vector('saved', saved), gamma,
          ...(inputs.residual ? { residual: args.input('residual', wordsOf(inputs.residual, storage)) } : {}),
          ...(inputs.mask ? { mask: args.input('mask', inputs.mask) as BufferView } : {}),
          ...(typeof inputs.validRows === 'number' ? { validRows: args.input('validRows', Uint32Array.of(inputs.validRows)) as BufferView } : {}),
        };
        const out = (label: string, length = elements, as = storage) => args.output(label, sentinels(length, as));
        run(device, (pass) => {
          bn.normalize(pass, { ...read, beta, y: out('y') }, shapeOf(inputs));
          bn.gradientInput(pass, {
            ...read, ...(inputs.activation ? { beta } : {}), sums, dy: args.input('dy', wordsOf(inputs.dy, storage)), dx: out('dx'),
            ...(writesDresidual(inputs) ? { dresidual: out('dresidual') } : {}),
            dgamma: out('dgamma', channels, 'f32') as BufferView, dbeta: out('dbeta', channels, 'f32') as BufferView,
          }, shapeOf(inputs));
        });
        results.push(await args.read());
        args.dispose();
      }
      for (const [label, words] of results[0]) expect(results[1].get(label), `${name}: ${label}`).toEqual(words);
      expect(new Set(results[0].get('y')).size).toBeGreaterThan(100);
    }
  });

  it('no binding was larger than its limit', () => {
    expect(largest.size).toBe(3);
    for (const [bytes, most] of largest) {
      expect(most).toBeLessThanOrEqual(bytes);
      expect(most).toBeGreaterThan(bytes * 0.9);
    }
    console.info(`largest binding by limit: ${[...largest].map(([bytes, most]) => `${most} of ${bytes}`).join(', ')}`);
  });
});

describe('several buffers', () => {
  /** Up to three cuts of each tensor, each tensor at places of its own, the same each time. */
  function cutting(seed: number): (name: string, bytes: number) => Placement {
    const source = random(seed);
    return (_, bytes) => {
      const at = () => 256 * Math.ceil(source.uniform() * (bytes / 256 - 1));
      return { cuts: [...new Set([at(), at(), at()])].filter((cut) => cut > 0).sort((a, b) => a - b), offset: 256 * Math.floor(2 * source.uniform()) };
    };
  }

  const chosen: (Case & { bytes?: number })[] = [
    ...CASES.filter(({ residual }) => residual).map(({ bytes: _, ...row }) => row),
    { name: 'channels-last, four channels a member', rows: 61, channels: 260 },
    { name: 'bf16, channels-first, odd planes and odd in all', rows: 3 * 333, channels: 5, spatial: 333, storage: 'bf16', mask: 'rows' },
    { ...CASES[0], name: `${CASES[0].name}, windows too`, bytes: 4096 },
    { ...CASES[4], name: `${CASES[4].name}, windows too`, bytes: 8192 },
    { ...CASES[7], name: `${CASES[7].name}, windows too`, bytes: 16384 },
  ];
  it.each(chosen.map((row) => [row.name, row] as const))('%s', async (name, { bytes, ...row }) => {
    const inputs = inputsOf(row, name.length);
    const control = await runRaw(device, await kernelsFor(inputs), inputs);
    expect(beyond(inputs, control)).toEqual([]);
    for (const seed of [1, 2, 3]) {
      const watch = watchBindings(device);
      const got = await runRaw(device, await kernelsFor(inputs, bytes), inputs, { placement: cutting(seed) });
      watch.restore();
      expect(beyond(inputs, got)).toEqual([]);
      expect(got.inferY).toEqual(control.inferY);
      expect(got.frozenDx).toEqual(control.frozenDx);
      if (bytes) expect(watch.largest()).toBeLessThanOrEqual(bytes);
    }
  });
});

describe('what cannot be bound is refused before anything is recorded', () => {
  const bytes = 4096;
  const buffer = (size: number) => device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
  const vectors = (channels: number) => ({ gamma: buffer(4 * channels), beta: buffer(4 * channels) });
  const bound = (options: Partial<BatchNormOptions> & { channels: number }) =>
    createBatchNorm(device, { modes: ['train'], plan: 'split', limits: { maxStorageBufferBindingSize: bytes }, ...options });
  const refused = (record: (pass: GPUComputePassEncoder) => void): string => {
    const before = watchBindings(device);
    try {
      record(untouched);
      return 'nothing was thrown';
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      return (error as Error).message;
    } finally {
      before.restore();
      expect(before.groups()).toBe(0);
    }
  };

  it('a mask, saved statistics or gamma larger than a binding', async () => {
    const masked = await bound({ channels: 4, mask: 'rows', modes: ['infer'] });
    const inference = (channels: number, rows = 1) => ({
      x: buffer(4 * rows * channels), y: buffer(4 * rows * channels), runningMean: buffer(4 * channels), runningVar: buffer(4 * channels), ...vectors(channels),
    });
    const t = { ...inference(4, 1025), mask: buffer(4 * 1025) };
    expect(refused((pass) => masked.infer(pass, t, { rows: 1025 }))).toBe(
      'BatchNormKernels.infer: "mask" needs 4100 bytes (rows 1025, u32), the device binds at most 4096 (maxStorageBufferBindingSize). Request the device ' +
        'with a higher limit, or split the batch.',
    );
    run(device, (pass) => masked.infer(pass, t, { rows: 1024 }));

    const many = await bound({ channels: 172 });
    const wide = { x: buffer(688 * 4), y: buffer(688 * 4), saved: buffer(688 * 6), ...vectors(172) };
    expect(refused((pass) => many.forward(pass, wide, { rows: 4 }))).toBe(
      'BatchNormKernels.forward: "saved" needs 4128 bytes (6 × channels 172, 4 bytes each), the device binds at most 4096 (maxStorageBufferBindingSize). ' +
        'Request the device with a higher limit, or split the batch.',
    );

    const most = await bound({ channels: 1024, modes: ['infer'] });
    run(device, (pass) => most.infer(pass, inference(1024), { rows: 1 }));
    const past = await bound({ channels: 1028, modes: ['infer'] });
    expect(refused((pass) => past.infer(pass, inference(1028), { rows: 1 })))
      .toMatch(/^BatchNormKernels.infer: "gamma" needs 4112 bytes .*\(maxStorageBufferBindingSize\)/);
  });

  it('partial results of more windows than a binding has room for', async () => {
    const narrow = await bound({ channels: 67, modes: ['train', 'phases'] });
    const t = { x: buffer(268 * 250), y: buffer(268 * 250), saved: buffer(24 * 67), ...vectors(67) };
    const watch = watchBindings(device);
    run(device, (pass) => narrow.forward(pass, t, { rows: 15 }));
    watch.restore();
    expect(watch.largest()).toBeLessThanOrEqual(bytes);
    expect(refused((pass) => narrow.forward(pass, t, { rows: 250 }))).toMatch(
      /^BatchNormKernels.forward: "shape" takes \d+ bytes of partials \(parts \d+, channels 67\), the device binds at most 4096 \(maxStorageBufferBindingSize\)\. Request the device with a higher limit, or split the tensor\.$/,
    );
    expect(refused((pass) => narrow.moments(pass, { x: t.x, moments: buffer(16 * 67) }, { rows: 250 })))
      .toMatch(/^BatchNormKernels.moments: "shape" takes \d+ bytes of partials/);
  });

  it('a frozen backward’s coefficients, six times gamma', async () => {
    const frozen = await bound({ channels: 172, modes: ['frozen'], plan: 'split' });
    const t = { x: buffer(688), dy: buffer(688), gamma: buffer(688), runningMean: buffer(688), runningVar: buffer(688), dx: buffer(688), dgamma: buffer(688),
      dbeta: buffer(688) };
    expect(refused((pass) => frozen.backwardFrozen(pass, t, { rows: 1 }))).toBe(
      'BatchNormKernels.backwardFrozen: "shape" takes 4128 bytes of coefficients (parts 1, channels 172), the device binds at most 4096 ' +
        '(maxStorageBufferBindingSize). Request the device with a higher limit, or split the tensor.',
    );
  });

  it('a forced single dispatch', async () => {
    const single = await bound({ channels: 8, plan: 'single' });
    const t = { x: buffer(32 * 129), y: buffer(32 * 129), saved: buffer(24 * 8), ...vectors(8) };
    run(device, (pass) => single.forward(pass, t, { rows: 128 }));
    const message = 'BatchNormKernels.forward: "plan" is \'single\', needs each tensor in one buffer, at most 4096 bytes of it ' +
      '(maxStorageBufferBindingSize). Use \'split\'.';
    expect(refused((pass) => single.forward(pass, t, { rows: 129 }))).toBe(message);
    expect(refused((pass) => single.forward(pass, { ...t, x: [{ buffer: t.x, size: 256 }, buffer(256)] }, { rows: 16 }))).toBe(message);
    run(device, (pass) => single.forward(pass, { ...t, x: [t.x] }, { rows: 16 })); // one buffer, however it is said
  });

  describe('wrong cuts', () => {
    const rows = 96;
    const options = { channels: 4, inPlace: true, modes: ['train', 'infer'] as ('train' | 'infer')[] };
    const t = { x: buffer(1536), y: buffer(1536), runningMean: buffer(16), runningVar: buffer(16), ...vectors(4) };
    const [a, b, c] = [buffer(512), buffer(1024), buffer(256)];
    const infer = async (change: object) => {
      const bn = await createBatchNorm(device, options);
      return refusedAs((pass) => bn.infer(pass, { ...t, ...change }, { rows }));
    };
    const refusedAs = (record: (pass: GPUComputePassEncoder) => void): [string, string] => {
      try {
        record(untouched);
        return ['', 'nothing was thrown'];
      } catch (error) {
        return [(error as Error).name, (error as Error).message];
      }
    };

    it('control: right cuts, in place and not', async () => {
      const bn = await createBatchNorm(device, options);
      run(device, (pass) => {
        bn.infer(pass, { ...t, x: [a, b] }, { rows });
        bn.infer(pass, { ...t, x: [a, b], y: [a, b] }, { rows });
        bn.infer(pass, { ...t, x: [a, b], y: [buffer(256), { buffer: buffer(4096), offset: 512 }] }, { rows });
        bn.infer(pass, { ...t, x: [{ buffer: b, offset: 0, size: 512 }, { buffer: b, offset: 512, size: 512 }, a] }, { rows });
      });
    });

    it.each<[string, object, string, string]>([
      ['no buffer', { x: [] }, 'RangeError', 'BatchNormKernels.infer: "x" is [], needs at least one buffer.'],
      ['a piece that ends in between', { x: [{ buffer: a, size: 260 }, b] }, 'RangeError',
        'BatchNormKernels.infer: "x" is 260 bytes, needs a multiple of 256 (another buffer follows it). Cut the tensor there.'],
      ['a buffer too many', { x: [a, b, c] }, 'RangeError', 'BatchNormKernels.infer: "x" has 3 buffers, needs 2 (1536 bytes end there). Leave the others out.'],
      ['a buffer too few', { x: [a, c] }, 'RangeError',
        'BatchNormKernels.infer: "x" is 256 bytes, needs 1024 (rows 96 × channels 4, f32). Create it with that size.'],
      ['half in place', { x: [a, b], y: [a, buffer(1024)] }, 'TypeError',
        'BatchNormKernels.infer: "y" is in the same buffer as "x", needs another (WebGPU forbids reading and writing one buffer in a dispatch, even on ' +
          'disjoint ranges). Use two buffers.'],
      ['in place, cut elsewhere', { x: [{ buffer: b, size: 256 }, { buffer: b, offset: 256, size: 512 }, buffer(768)],
        y: [{ buffer: b, size: 512 }, buffer(1024)] }, 'TypeError',
        'BatchNormKernels.infer: "y" is in the same buffer as "x", needs another (WebGPU forbids reading and writing one buffer in a dispatch, even on ' +
          'disjoint ranges). Use two buffers.'],
      ['in place, in another order', { x: [a, c, buffer(768)], y: [c, a, buffer(1024)] }, 'TypeError',
        'BatchNormKernels.infer: "y" is in the same buffer as "x", needs another (WebGPU forbids reading and writing one buffer in a dispatch, even on ' +
          'disjoint ranges). Use two buffers.'],
      ['written twice', { y: [a, a, buffer(512)] }, 'RangeError',
        'BatchNormKernels.infer: "y" is bytes 0 to 512, needs to be apart from "y" at bytes 0 to 512 of the same buffer (both are written). Use two ' +
          'buffers or disjoint ranges.'],
      ['gamma in pieces', { gamma: [c] }, 'TypeError', 'BatchNormKernels.infer: "gamma" is Array, needs a GPUBuffer or { buffer, offset, size }.'],
      ['a piece that is none', { x: [a, null] }, 'TypeError', 'BatchNormKernels.infer: "x" is null, needs a GPUBuffer or { buffer, offset, size }.'],
      ['a misplaced piece', { x: [a, { buffer: buffer(2048), offset: 8 }] }, 'RangeError',
        `BatchNormKernels.infer: "x" has offset 8, needs a multiple of ${device.limits.minStorageBufferOffsetAlignment} (the device's ` +
          `minStorageBufferOffsetAlignment). Move it there.`],
    ])('%s', async (_, change, kind, message) => {
      expect(await infer(change)).toEqual([kind, message]);
    });
  });
});

describe('larger than a device binds by default', () => {
  it('[2 100 000, 16] in f32, 134 400 000 bytes: forward and infer', async () => {
    expect(device.limits.maxStorageBufferBindingSize).toBe(2 ** 27); // requested without any limit
    const [rows, channels, period] = [2_100_000, 16, 2100];
    // x repeats every 2100 rows, which no window does, but for four rows of its own beside the ends of the windows.
    const pattern = inputsOf({ name: '', rows: period, channels, column: (c) => ({ offset: 10 * c, deviation: 1 + c }) }, 1);
    const edge = 2 ** 27 / (4 * channels);
    const special = [0, edge - 1, edge, rows - 1];
    const specialRow = (row: number) => Float32Array.from({ length: channels }, (_, c) => 10 * c + (row % 7) * (1 + c) + 100);
    const xOf = (row: number, c: number) => (special.includes(row) ? specialRow(row)[c] : pattern.x[(row % period) * channels + c]);
    const mean = new Float64Array(channels);
    const variance = new Float64Array(channels);
    for (let c = 0; c < channels; c++) {
      const sum = (term: (x: number) => number) => {
        let total = 0;
        for (let row = 0; row < period; row++) total += (rows / period) * term(pattern.x[row * channels + c]);
        for (const row of special) total += term(specialRow(row)[c]) - term(pattern.x[(row % period) * channels + c]);
        return total / rows;
      };
      mean[c] = sum((x) => x);
      variance[c] = sum((x) => (x - mean[c]) ** 2);
    }
    const x = device.createBuffer({ size: rows * channels * 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
    const y = device.createBuffer({ size: x.size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
    const inferY = device.createBuffer({ size: x.size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
    device.queue.writeBuffer(x, 0, pattern.x as Float32Array<ArrayBuffer>);
    const copies = device.createCommandEncoder();
    const block = device.createBuffer({ size: pattern.x.byteLength, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
    copies.copyBufferToBuffer(x, 0, block, 0, block.size);
    for (let at = block.size; at < x.size; at += block.size) copies.copyBufferToBuffer(block, 0, x, at, block.size);
    device.queue.submit([copies.finish()]);
    for (const row of special) device.queue.writeBuffer(x, row * channels * 4, specialRow(row));

    const bn = await createBatchNorm(device, { channels, modes: ['train', 'infer'], plan: 'split' });
    const args = new Arguments(device);
    const vector = (name: string, values: Float32Array) => args.output(name, wordsOf(values)) as BufferView;
    const affine = { gamma: vector('gamma', pattern.gamma!), beta: vector('beta', pattern.beta!) };
    const frozen = { runningMean: vector('frozenMean', pattern.frozenMean), runningVar: vector('frozenVar', pattern.frozenVar) };
    const watch = watchBindings(device);
    run(device, (pass) => {
      bn.forward(pass, { x, ...affine, y, saved: vector('saved', new Float32Array(6 * channels)) }, { rows });
      bn.infer(pass, { x, ...affine, ...frozen, y: inferY }, { rows });
    });
    watch.restore();
    expect(watch.largest()).toBe(2 ** 27);
    const saved = new Float32Array((await args.read()).get('saved')!.buffer);
    for (let c = 0; c < channels; c++) {
      const scale = Math.max(Math.abs(mean[c]), Math.sqrt(variance[c]));
      expect(Math.abs(saved[c] + saved[channels + c] - mean[c])).toBeLessThanOrEqual(2e-6 * scale);
      expect(Math.abs(saved[2 * channels + c] - variance[c])).toBeLessThanOrEqual(1e-6 * variance[c]);
    }
    // Rows beside the edges and every 9973rd: their values, and nothing else's.
    const sampled = [...new Set([...special, 1, edge - 2, edge + 1, rows - 2, ...Array.from({ length: Math.floor(rows / 9973) }, (_, i) => 9973 * i)])];
    const staging = device.createBuffer({ size: 2 * sampled.length * channels * 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    [y, inferY].forEach((from, which) => sampled.forEach((row, i) =>
      encoder.copyBufferToBuffer(from, row * channels * 4, staging, (which * sampled.length + i) * channels * 4, channels * 4)));
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const got = new Float32Array(staging.getMappedRange());
    let wrong = 0;
    for (let c = 0; c < channels; c++) {
      const z = (value: number, m: number, v: number) => (pattern.gamma![c] * (value - m)) / Math.sqrt(v + 1e-5);
      for (const [which, m, v] of [[0, mean[c], variance[c]], [1, pattern.frozenMean[c], pattern.frozenVar[c]]]) {
        const bound = 2e-6 * Math.max(...sampled.map((row) => Math.abs(z(xOf(row, c), m, v)) + Math.abs(pattern.beta![c])));
        sampled.forEach((row, i) => {
          const error = Math.abs(got[(which * sampled.length + i) * channels + c] - (z(xOf(row, c), m, v) + pattern.beta![c]));
          if (!(error <= bound)) wrong++;
        });
      }
    }
    expect(wrong).toBe(0);
    expect(sampled.length).toBeGreaterThan(200);
    bn.dispose();
    args.dispose();
    for (const buffer of [x, y, inferY, block, staging]) buffer.destroy();
  });
});
