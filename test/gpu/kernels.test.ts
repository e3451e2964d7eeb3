// Claim: recorded into a caller's pass on a caller's buffers, every operation matches the f64 reference, under
// every plan, and writes nothing past its outputs' ends.
import { afterEach, describe, expect, it } from 'vitest';
import { createBatchNorm, savedViews } from '../../src/index.js';
import { inputsOf } from '../../src/verify/cases.js';
import { expected } from '../../src/verify/expected.js';
import { type Got, compareAll } from '../../src/verify/run.js';
import { blank, download, run, sharedDevice, takeErrors, upload } from './harness.js';

const device = await sharedDevice();

afterEach(() => expect(takeErrors()).toEqual([]));

const CASES = [
  { name: 'control: full workgroups', rows: 64, channels: 64 },
  { name: 'one row', rows: 1, channels: 5 },
  { name: 'ragged, one channel a member', rows: 1021, channels: 67 },
  { name: 'ragged, four channels a member', rows: 1021, channels: 12 },
  { name: 'mean is 1e6 deviations', rows: 4099, channels: 3, offset: 1e6 },
  { name: 'many parts, as many rows as one dispatch takes', rows: 16_381, channels: 2 },
  { name: 'channels-first: planes of 14×14', rows: 9 * 196, channels: 6, spatial: 196 },
  { name: 'channels-first: odd planes', rows: 33 * 49, channels: 7, spatial: 49 },
  { name: 'channels-first: spatial 1', rows: 130, channels: 9, spatial: 1 },
  { name: 'channels-first: spatial 3', rows: 300, channels: 11, spatial: 3 },
  { name: 'channels-first: two long signals, mean is 1e6 deviations', rows: 2 * 40000, channels: 3, spatial: 40000, offset: 1e6 },
] as { name: string; rows: number; channels: number; spatial?: number; offset?: number }[];

describe.each([['hardware', 'single'], ['hardware', 'split'], ['software', 'single'], ['software', 'split']] as const)('%s plan, %s', (adapterClass, plan) => {
  it.each(CASES)('$name', async ({ rows, channels, spatial, offset = 0 }) => {
    const runningVariance = rows === 1 ? 'biased' : 'unbiased';
    const inputs = inputsOf({ name: '', rows, channels, spatial, numbers: { runningVariance }, column: () => ({ offset }) }, rows);
    const { layout } = inputs;
    const shape = spatial === undefined ? { rows } : { batch: rows / spatial, spatial };
    // SwiftShader compiles 256 threads with barriers for seconds, 64 for one: 256 have a test of their own.
    const limits = adapterClass === 'hardware' ? { maxComputeInvocationsPerWorkgroup: 32 } : {};
    const bn = await createBatchNorm(device, { channels, layout, runningVariance, adapterClass, plan, limits });
    const t = {
      x: upload(device, inputs.x), dy: upload(device, inputs.dy),
      gamma: upload(device, inputs.gamma!), beta: upload(device, inputs.beta!),
      runningMean: upload(device, inputs.runningMean), runningVar: upload(device, inputs.runningVar),
      frozenMean: upload(device, inputs.frozenMean), frozenVar: upload(device, inputs.frozenVar),
      saved: bn.createSaved(), y: blank(device, rows * channels), dx: blank(device, rows * channels),
      dgamma: blank(device, channels), dbeta: blank(device, channels),
      inferY: blank(device, rows * channels), frozenDx: blank(device, rows * channels),
      frozenDgamma: blank(device, channels), frozenDbeta: blank(device, channels),
    };
    run(device, (pass) => {
      const { x, dy, gamma, beta, saved } = t;
      bn.forward(pass, { x, gamma, beta, y: t.y, saved, runningMean: t.runningMean, runningVar: t.runningVar }, shape);
      bn.backward(pass, { x, dy, gamma, saved, dx: t.dx, dgamma: t.dgamma, dbeta: t.dbeta }, shape);
      const frozen = { runningMean: t.frozenMean, runningVar: t.frozenVar };
      bn.infer(pass, { x, gamma, beta, ...frozen, y: t.inferY }, shape);
      bn.backwardFrozen(pass, { x, dy, gamma, ...frozen, dx: t.frozenDx, dgamma: t.frozenDgamma, dbeta: t.frozenDbeta }, shape);
    });
    const { mean, meanLow, variance, invStd } = savedViews(await download(device, t.saved, 0), channels);
    const got: Got = { mean: Float64Array.from(mean, (high, c) => high + meanLow[c]), variance, invStd };
    for (const name of ['y', 'dx', 'dgamma', 'dbeta', 'inferY', 'frozenDx', 'frozenDgamma', 'frozenDbeta', 'runningMean', 'runningVar'] as const) {
      got[name] = await download(device, t[name]);
    }
    const beyond = compareAll(inputs, got, expected(inputs), false).filter((comparison) => comparison.beyond > 0);
    expect(beyond.map(({ output, ratio, row, channel }) => ({ output, ratio, row, channel }))).toEqual([]);
    for (const input of ['x', 'dy', 'gamma', 'beta', 'frozenMean', 'frozenVar'] as const) {
      expect(await download(device, t[input])).toEqual(inputs[input]);
    }
    bn.dispose();
    for (const buffer of Object.values(t)) buffer.destroy();
  });
});

it('groups of 256 threads, as hardware has them', { tags: ['long'] }, async () => {
  const inputs = inputsOf({ name: '', rows: 500, channels: 12 }, 5);
  const { rows, channels } = inputs;
  const bn = await createBatchNorm(device, { channels, adapterClass: 'hardware', plan: 'single', modes: ['train'] });
  const t = {
    x: upload(device, inputs.x), dy: upload(device, inputs.dy), gamma: upload(device, inputs.gamma!), beta: upload(device, inputs.beta!),
    saved: bn.createSaved(), y: blank(device, rows * channels), dx: blank(device, rows * channels), dgamma: blank(device, channels),
    dbeta: blank(device, channels),
  };
  run(device, (pass) => {
    const { x, dy, gamma, beta, saved, y, dx, dgamma, dbeta } = t;
    bn.forward(pass, { x, gamma, beta, y, saved }, { rows });
    bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, { rows });
  });
  const want = expected(inputs);
  const got: Got = { ...want };
  for (const name of ['y', 'dx', 'dgamma', 'dbeta'] as const) got[name] = await download(device, t[name]);
  expect(compareAll(inputs, got, want, false).filter(({ beyond }) => beyond > 0)).toEqual([]);
  bn.dispose();
  for (const buffer of Object.values(t)) buffer.destroy();
});

describe('where buffers may lie', () => {
  it('control and claim: arguments at offsets of one buffer give the bits that buffers of their own give', async () => {
    const rows = 33;
    const channels = 4;
    const inputs = inputsOf({ name: '', rows, channels }, 7);
    const bn = await createBatchNorm(device, { channels, modes: ['train'] });
    const own = { x: upload(device, inputs.x), gamma: upload(device, inputs.gamma!), beta: upload(device, inputs.beta!), y: blank(device, rows * channels),
      saved: bn.createSaved(), runningMean: upload(device, new Float32Array(channels)), runningVar: upload(device, new Float32Array(channels)) };
    run(device, (pass) => bn.forward(pass, own, { rows }));

    const inputsTogether = device.createBuffer({ size: 4096, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(inputsTogether, 256, inputs.gamma! as Float32Array<ArrayBuffer>);
    device.queue.writeBuffer(inputsTogether, 512, inputs.beta! as Float32Array<ArrayBuffer>);
    device.queue.writeBuffer(inputsTogether, 1024, inputs.x as Float32Array<ArrayBuffer>);
    const saved = bn.createSaved();
    const outputsTogether = device.createBuffer({ size: 4096, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
    run(device, (pass) =>
      bn.forward(pass, {
        x: { buffer: inputsTogether, offset: 1024 },
        gamma: { buffer: inputsTogether, offset: 256, size: 16 },
        beta: { buffer: inputsTogether, offset: 512, size: 16 },
        y: { buffer: outputsTogether, offset: 256, size: rows * channels * 4 },
        saved,
        runningMean: { buffer: outputsTogether, offset: 2048 },
        runningVar: { buffer: outputsTogether, offset: 2304 },
      }, { rows }),
    );
    const all = await download(device, outputsTogether, 0);
    expect(all.slice(64, 64 + rows * channels)).toEqual(await download(device, own.y));
    expect(await download(device, saved, 0)).toEqual(await download(device, own.saved, 0));
    expect(all.slice(512, 512 + channels)).toEqual(await download(device, own.runningMean));
    expect(all.slice(576, 576 + channels)).toEqual(await download(device, own.runningVar));
    bn.dispose();
  });

  it('a grid past the limit of groups in a row folds', async () => {
    const limit = 100; // 65 535 by default, and as many channels take a minute here
    const channels = 64 * limit + 1; // 16 tiles of 4 channels a group, as software adapters take them
    const x = Float32Array.from({ length: 2 * channels }, (_, i) => (i < channels ? i % 7 : -(i % 7)));
    const bn = await createBatchNorm(device,
      { channels, gamma: false, beta: false, eps: 0, modes: ['train'], limits: { maxComputeWorkgroupsPerDimension: limit } });
    const t = { x: upload(device, x), y: blank(device, 2 * channels), saved: bn.createSaved() };
    const grids: [number, number?, number?][] = [];
    run(device, (pass) => {
      const dispatch = pass.dispatchWorkgroups.bind(pass);
      pass.dispatchWorkgroups = (...grid) => {
        grids.push(grid);
        dispatch(...grid);
      };
      bn.forward(pass, t, { rows: 2 });
    });
    expect(grids.every(([x]) => x <= limit)).toBe(true);
    expect(grids.some(([, y]) => y! > 1)).toBe(true);
    const y = await download(device, t.y);
    let wrong = 0;
    for (let c = 0; c < channels; c++) {
      const sign = Math.sign(x[c] - x[channels + c]); // two rows: xHat is ±1, or 0 where they are equal
      if (!(Math.abs(y[c] - sign) <= 1e-6 && Math.abs(y[channels + c] + sign) <= 1e-6)) wrong++;
    }
    expect(wrong).toBe(0);
    bn.dispose();
    for (const buffer of Object.values(t)) buffer.destroy();
  });
});
