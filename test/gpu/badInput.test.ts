// Claim: a call that cannot be carried out throws one sentence naming call, given, needed and remedy, and
// records nothing; what WebGPU alone can see reaches onError.
import { afterEach, describe, expect, it } from 'vitest';
import { type BatchNormOptions, createBatchNorm } from '../../src/index.js';
import { blank, download, fixture, newDevice, run, sharedDevice, takeErrors, upload } from './harness.js';

const device = await sharedDevice();
const rows = 16;
const { bn, x, dy, gamma, beta, runningMean, runningVar, saved, y, dx, dgamma, dbeta } = await fixture(device, rows, { channels: 4 });
const forward = { x, gamma, beta, y, saved, runningMean, runningVar };
const backward = { x, dy, gamma, saved, dx, dgamma, dbeta };

/** A pass on which nothing may be called. */
const untouched = new Proxy({} as GPUComputePassEncoder, {
  get: (_, name) => {
    if (name === 'dispatchWorkgroups') return () => { throw new Error('a dispatch was recorded'); };
    return () => { throw new Error(`${String(name)} was recorded`); };
  },
});

const STORAGE = GPUBufferUsage.STORAGE;
const shared = device.createBuffer({ size: 1024, usage: GPUBufferUsage.STORAGE });
const make = (size: number, usage: number = STORAGE) => device.createBuffer({ size, usage });

afterEach(() => expect(takeErrors()).toEqual([]));

describe('buffers', () => {
  it('control: the arguments the cases below spoil are good', async () => {
    run(device, (pass) => bn.forward(pass, forward, { rows }));
    run(device, (pass) => bn.backward(pass, backward, { rows }));
    expect((await download(device, y)).every(Number.isFinite)).toBe(true);
  });

  const spoiled: [string, object, typeof TypeError | typeof RangeError, string][] = [
    ['of a buffer\'s size and usage, and none', { y: { size: 256, usage: STORAGE } }, TypeError,
      'BatchNormKernels.forward: "y" is Object, needs a GPUBuffer or { buffer, offset, size }.'],
    ['whatever looks like a buffer', { y: { size: 256, usage: STORAGE, unmap() {} } }, TypeError,
      'BatchNormKernels.forward: "y" is Object, needs a GPUBuffer or { buffer, offset, size }.'],
    ['missing', { x: undefined }, TypeError, 'BatchNormKernels.forward: "x" is undefined, needs a GPUBuffer or { buffer, offset, size }.'],
    ['no buffer', { y: new Float32Array(4) }, TypeError, 'BatchNormKernels.forward: "y" is Float32Array, needs a GPUBuffer or { buffer, offset, size }.'],
    ['too small', { y: make(252) }, RangeError, 'BatchNormKernels.forward: "y" is 252 bytes, needs 256 (rows 16 × channels 4, f32). Create it with that size.'],
    ['saved too small', { saved: make(92) }, RangeError,
      'BatchNormKernels.forward: "saved" is 92 bytes, needs 96 (6 × channels 4, 4 bytes each). Create it with that size.'],
    ['view too small', { gamma: { buffer: make(512), size: 12 } }, RangeError,
      'BatchNormKernels.forward: "gamma" is 12 bytes, needs 16 (channels 4, f32). Create it with that size.'],
    ['view past the end', { gamma: { buffer: make(512), offset: 256, size: 512 } }, RangeError,
      'BatchNormKernels.forward: "gamma" has size 512 at offset 256, needs at most 256 (its buffer is 512 bytes).'],
    ['offset past the end', { gamma: { buffer: make(512), offset: 768 } }, RangeError,
      'BatchNormKernels.forward: "gamma" has offset 768, needs an integer from 0 to its buffer\'s 512 bytes.'],
    ['offset negative', { gamma: { buffer: make(512), offset: -256 } }, RangeError,
      'BatchNormKernels.forward: "gamma" has offset -256, needs an integer from 0 to its buffer\'s 512 bytes.'],
    ['offset misaligned', { gamma: { buffer: make(512), offset: 128 } }, RangeError, `BatchNormKernels.forward: "gamma" has offset 128, needs a multiple ` +
      `of ${device.limits.minStorageBufferOffsetAlignment} (the device's minStorageBufferOffsetAlignment). Move it there.`],
    ['usage', { beta: make(16, GPUBufferUsage.UNIFORM) }, TypeError,
      'BatchNormKernels.forward: "beta" has usage 0x40, needs GPUBufferUsage.STORAGE (0x80). Create it with that usage.'],
    ['y over x', { y: x }, TypeError, 'BatchNormKernels.forward: "y" is in the same buffer as "x", needs another (WebGPU forbids reading and writing one ' +
      'buffer in a dispatch, even on disjoint ranges). Use two buffers.'],
    ['running statistics over gamma', { runningMean: gamma }, TypeError, 'BatchNormKernels.forward: "runningMean" is in the same buffer as "gamma", needs ' +
      'another (WebGPU forbids reading and writing one buffer in a dispatch, even on disjoint ranges). Use two buffers.'],
    ['saved in the buffer of y, disjoint', { y: { buffer: shared, offset: 0, size: 256 }, saved: { buffer: shared, offset: 256 } }, TypeError,
      'BatchNormKernels.forward: "saved" is in the same buffer as "y", needs another (WebGPU forbids reading and writing one buffer in a dispatch, even on ' +
        'disjoint ranges). Use two buffers.'],
    ['two outputs overlap', { runningVar: { buffer: runningMean, offset: 0 } }, RangeError, 'BatchNormKernels.forward: "runningVar" is bytes 0 to 16, ' +
      'needs to be apart from "runningMean" at bytes 0 to 16 of the same buffer (both are written). Use two buffers or disjoint ranges.'],
    ['half of the running statistics', { runningVar: undefined }, TypeError,
      'BatchNormKernels.forward: "runningVar" is undefined, needs a GPUBuffer or { buffer, offset, size }.'],
    ['not wanted', { dgamma }, TypeError, 'BatchNormKernels.forward: "dgamma" is given, needs only x, gamma, beta, y, saved, runningMean, runningVar (from ' +
      'the options it was created with). Leave it out.'],
  ];
  it.each(spoiled)('%s', (_, change, kind, message) => {
    const call = () => bn.forward(untouched, { ...forward, ...change }, { rows });
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });

  it('reads may share a buffer, and writes may where they are apart', async () => {
    const together = make(1024, STORAGE | GPUBufferUsage.COPY_SRC);
    device.queue.writeBuffer(make(16, STORAGE | GPUBufferUsage.COPY_DST), 0, new Float32Array(4));
    run(device, (pass) => {
      bn.forward(pass, { ...forward, gamma: beta }, { rows });
      bn.backward(pass, { ...backward, dy: x, dgamma: { buffer: together, offset: 0 }, dbeta: { buffer: together, offset: 256 } }, { rows });
    });
    await device.queue.onSubmittedWorkDone();
  });

  it('what no window can show is refused by the limit’s name: a mask larger than a binding', async () => {
    const masked = await createBatchNorm(device, { channels: 4, mask: 'rows', modes: ['infer'], limits: { maxStorageBufferBindingSize: 4096 } });
    const [big, mask] = [make(2000 * 16), make(2000 * 4)];
    expect(() => masked.infer(untouched, { x: big, mask, gamma, beta, runningMean, runningVar, y: make(2000 * 16) }, { rows: 2000 })).toThrow(
      'BatchNormKernels.infer: "mask" needs 8000 bytes (rows 2000, u32), the device binds at most 4096 ' +
        '(maxStorageBufferBindingSize). Request the device with a higher limit, or split the batch.',
    );
    masked.dispose();
  });
});

describe('shapes', () => {
  it.each([
    [0, RangeError, 'BatchNormKernels.forward: "rows" is 0, needs an integer of at least 1.'],
    [-4, RangeError, 'BatchNormKernels.forward: "rows" is -4, needs an integer of at least 1.'],
    [1.5, RangeError, 'BatchNormKernels.forward: "rows" is 1.5, needs an integer of at least 1.'],
    [NaN, RangeError, 'BatchNormKernels.forward: "rows" is NaN, needs an integer of at least 1.'],
    ['16' as unknown as number, TypeError, 'BatchNormKernels.forward: "rows" is "16", needs an integer of at least 1.'],
    [2 ** 30, RangeError, 'BatchNormKernels.forward: "shape" has 4294967296 elements (rows 1073741824 × channels 4), needs at most 4294967295 (indices are ' +
      'u32). Split the batch.'],
    [1, RangeError, 'BatchNormKernels.forward: "rows" is 1, needs at least 2 (an unbiased running variance divides by rows − 1). Give more rows, or use ' +
      'runningVariance: \'biased\'.'],
  ])('rows %s', (given, kind, message) => {
    const call = () => bn.forward(untouched, forward, { rows: given });
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });

  it('one row is allowed where no running statistics are updated', () => {
    run(device, (pass) => bn.forward(pass, { x, gamma, beta, y, saved }, { rows: 1 }));
  });

  it('the tensor’s own shape', () => {
    run(device, (pass) => bn.forward(pass, forward, { shape: [2, 8, 4] }));
    expect(() => bn.forward(untouched, forward, { shape: [16, 5] })).toThrow(
      'BatchNormKernels.forward: "shape" is [16, 5], needs [rows, 4] (last axis = channels).');
    expect(() => bn.forward(untouched, forward, { shape: [4] })).toThrow('BatchNormKernels.forward: "shape" is [4], needs [rows, 4] (last axis = channels).');
    expect(() => bn.forward(untouched, forward, { shape: [0, 4] })).toThrow('BatchNormKernels.forward: "shape[0]" is 0, needs an integer of at least 1.');
    expect(() => bn.forward(untouched, forward, { shape: 64 as never })).toThrow('BatchNormKernels.forward: "shape" is 64, needs an array such as [rows, 4].');
  });

  it('channels-first', async () => {
    const first = await createBatchNorm(device, { channels: 4, layout: 'channelsFirst', modes: ['train'] });
    run(device, (pass) => first.forward(pass, forward, { shape: [2, 4, 4, 2] }));
    run(device, (pass) => first.forward(pass, forward, { batch: 2, spatial: 8 }));
    const call = (shape: object) => () => first.forward(untouched, forward, shape as never);
    expect(call({ rows: 16 })).toThrow('BatchNormKernels.forward: "rows" is given, needs batch and spatial, or shape (the layout is channelsFirst). Give ' +
      'those.');
    expect(call({ batch: 2 })).toThrow('BatchNormKernels.forward: "spatial" is undefined, needs an integer of at least 1.');
    expect(call({ shape: [2, 8, 4] })).toThrow('BatchNormKernels.forward: "shape" is [2, 8, 4], needs [batch, 4, spatial] (second axis = channels).');
    expect(call({ batch: 65536, spatial: 65536 })).toThrow(/"shape" has \d+ elements/);
  });

  it('an entry of another way to say it, or misspelt', () => {
    const call = (shape: object) => () => bn.forward(untouched, forward, shape as never);
    expect(call({ rows, batch: 2 })).toThrow('BatchNormKernels.forward: "shape" has an entry "batch", needs only rows, or shape. Leave it out.');
    expect(call({ shape: [rows, 4], rows })).toThrow('BatchNormKernels.forward: "shape" has an entry "rows", needs only shape. Leave it out.');
  });

  it('limits of the device itself, and a grid that must fold', async () => {
    const same = await createBatchNorm(device, { channels: 4, limits: device.limits, modes: ['infer'] });
    run(device, (pass) => same.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, { rows }));
    const want = await download(device, y);
    const few = await createBatchNorm(device, { channels: 4, limits: { maxComputeWorkgroupsPerDimension: 2 } });
    run(device, (pass) => few.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, { rows }));
    expect(await download(device, y)).toEqual(want);
    const wide = await createBatchNorm(device, {
      channels: 1024, limits: { maxComputeWorkgroupsPerDimension: 2 }, adapterClass: 'software', gamma: false, beta: false, modes: ['train'],
    });
    expect(() => wide.forward(untouched, { x: make(4096 * 4), y: make(4096 * 4), saved: make(1024 * 24) }, { rows: 4 })).toThrow(
      'BatchNormKernels.forward: "shape" takes 64 workgroups, the device runs at most 2 × 2 (maxComputeWorkgroupsPerDimension). Request the device with a ' +
        'higher limit, or split the channels.',
    );
  });

  it('a shape that is a number or an array', () => {
    const call = (shape: unknown) => () => bn.forward(untouched, forward, shape as { rows: number });
    expect(call(16)).toThrow('BatchNormKernels.forward: "shape" is 16, needs { rows } or { shape }.');
    expect(call(null)).toThrow('BatchNormKernels.forward: "shape" is null, needs { rows } or { shape }.');
    expect(call([16, 4])).toThrow('BatchNormKernels.forward: "shape" is an array, needs { rows } or { shape }. Give { shape: [...] }.');
  });

  it('a forgotten shape', () => {
    expect(() => bn.forward(untouched, forward, undefined as unknown as { rows: number })).toThrow('BatchNormKernels.forward: "rows" is undefined');
  });
});

describe('the pass, the modes and the options', () => {
  it('no pass', () => {
    expect(() => bn.forward(device as unknown as GPUComputePassEncoder, forward, { rows }))
      .toThrow(/^BatchNormKernels.forward: "pass" is \w+, needs an open GPUComputePassEncoder/);
  });

  it('a mode that was not asked for', async () => {
    const inferring = await createBatchNorm<BatchNormOptions>(device, { channels: 4, modes: ['infer'] });
    expect(() => inferring.forward(untouched, forward, { rows })).toThrow(
      'BatchNormKernels.forward: "modes" was given without \'train\', needs it. Add it to the options of createBatchNorm.',
    );
  });

  it.each<[object, string]>([
    [{ channels: 0 }, 'createBatchNorm: "channels" is 0, needs an integer of at least 1.'],
    [{ channels: 2.5 }, 'createBatchNorm: "channels" is 2.5, needs an integer of at least 1.'],
    [{}, 'createBatchNorm: "channels" is undefined, needs an integer of at least 1.'],
    [{ channels: 4, eps: NaN }, 'createBatchNorm: "eps" is NaN, needs a finite number (f32).'],
    [{ channels: 4, eps: -1e-5 }, 'createBatchNorm: "eps" is -0.00001, needs a finite number of at least 0.'],
    [{ channels: 4, momentum: Infinity }, 'createBatchNorm: "momentum" is Infinity, needs a finite number (f32).'],
    [{ channels: 4, momentum: 1.5 }, 'createBatchNorm: "momentum" is 1.5, needs a number from 0 to 1'],
    [{ channels: 4, runningVariance: 'sample' }, 'createBatchNorm: "runningVariance" is "sample", needs \'biased\' or \'unbiased\'.'],
    [{ channels: 4, gamma: 1 }, 'createBatchNorm: "gamma" is 1, needs true or false.'],
    [{ channels: 4, modes: [] }, 'createBatchNorm: "modes" is empty, needs at least one of'],
    [{ channels: 4, modes: ['test'] }, 'createBatchNorm: "modes" holds "test", needs'],
    [{ channels: 4, layout: 'NCHW' }, 'createBatchNorm: "layout" is "NCHW", needs \'channelsLast\' or \'channelsFirst\'.'],
    [{ channels: 4, storage: 'f8' }, 'createBatchNorm: "storage" is "f8", needs \'f32\', \'f16\' or \'bf16\'.'],
    [{ channels: 4, activation: 'tanh' }, 'createBatchNorm: "activation" is "tanh", needs one of \'none\', \'relu\','],
    [{ channels: 4, mask: true }, 'createBatchNorm: "mask" is true, needs one of \'none\', \'rows\', \'count\'.'],
    [{ channels: 4, momentum: 'mean' }, 'createBatchNorm: "momentum" is "mean", needs a number from 0 to 1, or \'cumulative\'.'],
    [{ channels: 4, limits: { maxStorageBufferBindingSize: 2 ** 40 } },
      'createBatchNorm: "limits.maxStorageBufferBindingSize" is 1099511627776, needs at most '],
    [{ channels: 4, limits: { maxBufferSize: 2 } }, 'createBatchNorm: "maxBufferSize" is not an option, needs one of maxComputeInvocationsPerWorkgroup,'],
    [{ channels: 4, limits: null }, 'createBatchNorm: "limits" is null, needs an object such as device.limits. Leave it out to have those.'],
    [{ channels: 4, limits: { minStorageBufferOffsetAlignment: 300 } },
      'createBatchNorm: "limits.minStorageBufferOffsetAlignment" is 300, needs a power of 2. Leave it out to have the device\'s.'],
    [{ channels: 4, limits: { maxStorageBuffersPerShaderStage: 6 } }, 'createBatchNorm: "limits.maxStorageBuffersPerShaderStage" is 6, needs at least 7 ' +
      '(gradient_finalize binds them with these options). Leave it out, or go without what needs it.'],
    [{ channels: 2 ** 33 }, 'createBatchNorm: "channels" is 8589934592, needs at most 715827882 (6 words of each, indices are u32). Split them.'],
    [{ channels: 4, parts: 3 }, 'createBatchNorm: "parts" is not an option, needs one of channels,'],
    [{ channels: 4, plan: 'fast' }, 'createBatchNorm: "plan" is "fast", needs \'single\' or \'split\'.'],
    [{ channels: 4, adapterClass: 'fast' }, 'createBatchNorm: "adapterClass" is "fast", needs \'hardware\' or \'software\'.'],
    [{ channels: 4, onError: 'log' }, 'createBatchNorm: "onError" is "log", needs a function.'],
  ])('options %j', async (options, message) => {
    await expect(createBatchNorm(device, options as BatchNormOptions)).rejects.toThrow(message);
  });

  it('no device', async () => {
    await expect(createBatchNorm(null as unknown as GPUDevice, { channels: 4 })).rejects.toThrow('createBatchNorm: "device" is null, needs a GPUDevice.');
  });
});

describe('what only WebGPU can see', () => {
  it('a buffer of another device reaches onError with its name and label', async () => {
    const other = await newDevice();
    const foreign = other.createBuffer({ label: 'theirs', size: 1024, usage: STORAGE });
    const seen: Error[] = [];
    const own = await createBatchNorm(device, { channels: 4, modes: ['infer'], onError: (error) => seen.push(error) });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    own.infer(pass, { x, gamma, beta, runningMean, runningVar, y: blank(device, rows * 4) }, { rows }); // control
    await device.queue.onSubmittedWorkDone();
    expect(seen).toEqual([]);
    device.pushErrorScope('validation'); // the pass itself is spoiled; that error is WebGPU's
    own.infer(pass, { x, gamma, beta, runningMean: foreign, runningVar, y }, { rows });
    pass.end();
    encoder.finish();
    await device.popErrorScope();
    await expect.poll(() => seen.length).toBe(1);
    const again = device.createCommandEncoder().beginComputePass();
    own.infer(again, { x, gamma, beta, runningMean: foreign, runningVar, y }, { rows }); // reported each time
    again.end();
    await expect.poll(() => seen.map(({ message }) => message)).toEqual([
      expect.stringContaining('BatchNormKernels.infer: "runningMean" (label "theirs") cannot be bound: it belongs to another device'),
      expect.stringContaining('BatchNormKernels.infer: "runningMean" (label "theirs") cannot be bound: it belongs to another device'),
    ]);
    other.destroy();
  });

  it('a kernel that does not compile, made by the call that needs it: onError has its file and line, later calls throw it', async () => {
    const own = await newDevice();
    const original = own.createShaderModule.bind(own);
    own.createShaderModule = (descriptor) => original({ ...descriptor, code: descriptor.code.replace('load_x(i)', 'load_x(j)') });
    const seen: string[] = [];
    const on = await fixture(own, rows, { channels: 4, modes: ['infer'], onError: ({ message }) => seen.push(message) });
    const call = (pass: GPUComputePassEncoder) =>
      on.bn.infer(pass, { x: on.x, gamma: on.gamma, beta: on.beta, runningMean: on.runningMean, runningVar: on.runningVar, y: on.y }, { rows });
    own.pushErrorScope('validation'); // WebGPU refuses the pass
    const encoder = own.createCommandEncoder();
    const pass = encoder.beginComputePass();
    call(pass);
    pass.end();
    encoder.finish();
    expect(await own.popErrorScope()).not.toBeNull();
    await expect.poll(() => seen).toEqual([expect.stringMatching(/^batchnorm\/normalize.* did not compile: shaders\/\S+\.wgsl:\d+:\d+ [^]*\bj\b/)]);
    expect(() => call(untouched)).toThrow(seen[0]);
    await expect(on.bn.prepare({ rows })).rejects.toThrow(seen[0]);
    own.destroy();
  });

  it('a lost device makes every later call throw one clear error', async () => {
    const doomed = await newDevice();
    const on = await fixture(doomed, rows, { channels: 4 });
    doomed.destroy();
    await doomed.lost;
    expect(() => on.bn.forward(untouched, on, { rows })).toThrow(
      'BatchNormKernels.forward: the device was destroyed. Create a device, and what runs on it, anew.',
    );
    expect(() => on.bn.createSaved()).toThrow('BatchNormKernels.createSaved: the device was destroyed.');
    await expect(createBatchNorm(doomed, { channels: 4 })).rejects.toThrow('createBatchNorm: the device was destroyed.');
  });

  it('upload keeps its sentinel: the harness notices a write past the end', async () => {
    const spoiled = upload(device, [1, 2, 3]);
    device.queue.writeBuffer(spoiled, 12, new Float32Array([0]));
    await expect(download(device, spoiled)).rejects.toThrow('written 1 elements past the end');
  });
});
