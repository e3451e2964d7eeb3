// Claim: openBackend never falls back in silence, and tensors refuse what they cannot hold.
import { describe, expect, it } from 'vitest';
import { type OpenOptions, openBackend } from '../../src/index.js';

const noAdapter = { requestAdapter: async () => null } as unknown as GPU;
const broken = { requestAdapter: async () => { throw new Error('driver trouble'); } } as unknown as GPU;

describe('openBackend', () => {
  it('control: the CPU, asked for', async () => {
    const why: string[] = [];
    const backend = await openBackend({ prefer: 'cpu', onFallback: (reason) => why.push(reason) });
    expect(backend).toMatchObject({ kind: 'cpu', reason: 'The CPU was asked for.', adapter: null, device: null });
    expect(why).toEqual([]);
  });

  it.each([
    ['no adapter', noAdapter, 'WebGPU has no adapter here.'],
    ['a broken driver', broken, 'WebGPU gave no device: driver trouble.'],
  ])('%s: the CPU, announced; or an error', async (_, gpu, reason) => {
    const why: string[] = [];
    const backend = await openBackend({ gpu, onFallback: (text) => why.push(text) });
    expect(backend.kind).toBe('cpu');
    expect(backend.reason).toBe(`${reason} The CPU runs instead.`);
    expect(why).toEqual([backend.reason]);
    await expect(openBackend({ gpu, fallback: 'throw' })).rejects.toThrow(`openBackend: ${reason} Enable WebGPU, or let fallback be 'cpu'.`);
  });

  it('no WebGPU at all', async () => {
    await expect(openBackend({ fallback: 'throw' })).rejects.toThrow('This environment has no WebGPU (navigator.gpu is missing');
  });

  it.each<[object, string]>([
    [{ prefer: 'tpu' }, 'openBackend: "prefer" is "tpu", needs \'gpu\' or \'cpu\'.'],
    [{ fallback: true }, 'openBackend: "fallback" is true, needs \'cpu\' or \'throw\'.'],
    [{ device: {} }, 'openBackend: "device" is Object, needs a GPUDevice.'],
    [{ device: { createComputePipelineAsync() {} }, prefer: 'cpu' }, 'openBackend: "device" is given with prefer \'cpu\', needs one or the other.'],
    [{ onFallback: 1 }, 'openBackend: "onFallback" is 1, needs a function.'],
    [{ powerPreference: 'fast' }, 'openBackend: "powerPreference" is "fast", needs \'low-power\' or \'high-performance\'.'],
    [{ gpu: {} }, 'openBackend: "gpu" is Object, needs a GPU such as navigator.gpu.'],
    [null as never, 'openBackend: "options" is null, needs an object with device,'],
    [{ backend: 'gpu' }, 'openBackend: "backend" is not an option'],
  ])('options %j', async (options, message) => {
    await expect(openBackend(options as OpenOptions)).rejects.toThrow(message);
  });
});

describe('a lost device', () => {
  /** Only what a backend looks at. */
  const device = (reason: GPUDeviceLostReason) =>
    ({ createComputePipelineAsync() {}, lost: Promise.resolve({ reason, message: 'the driver went away' }) }) as unknown as GPUDevice;

  it('is told by `lost`, and every later call throws', async () => {
    const backend = await openBackend({ device: device('unknown') });
    expect(await backend.lost).toMatchObject({ reason: 'unknown' });
    expect(() => backend.empty([2])).toThrow('Backend.empty: the device was lost (the driver went away). Create a device, and what runs on it, anew.');
  });

  it('destroyed on purpose it is not told', async () => {
    const backend = await openBackend({ device: device('destroyed') });
    const told = await Promise.race([backend.lost.then(() => 'told'), new Promise((resolve) => setTimeout(resolve, 20, 'not told'))]);
    expect(told).toBe('not told');
  });
});

describe('tensors', async () => {
  const cpu = await openBackend({ prefer: 'cpu' });

  it('control: up, changed and down, each a copy', async () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const tensor = cpu.tensor(data, [2, 2]);
    data[0] = 9;
    const read = await tensor.read();
    expect(read).toEqual(Float32Array.of(1, 2, 3, 4));
    read[1] = 9;
    tensor.write([5, 6, 7, 8]);
    expect(await tensor.read()).toEqual(Float32Array.of(5, 6, 7, 8));
    expect(tensor).toMatchObject({ shape: [2, 2], size: 4, buffer: null, disposed: false });
  });

  it.each<[string, () => unknown, string]>([
    ['too few', () => cpu.tensor([1], [2, 2]), 'Backend.tensor: "data" has 1 elements, needs 4 (shape [2, 2]). Give as many.'],
    ['no numbers', () => cpu.tensor('1234' as never, [2, 2]), 'Backend.tensor: "data" is "1234", needs a Float32Array or an array of numbers.'],
    ['text among numbers', () => cpu.tensor([1, 'a' as never], [2]), 'Backend.tensor: "data" has "a" at 1, needs numbers.'],
    ['no shape', () => cpu.empty(4 as never), 'Backend.empty: "shape" is 4, needs an array such as [rows, channels].'],
    ['empty shape', () => cpu.empty([]), 'Backend.empty: "shape" is [], needs at least one axis.'],
    ['an axis of 0', () => cpu.empty([2, 0]), 'Backend.empty: "shape[1]" is 0, needs an integer of at least 1.'],
    ['a fraction', () => cpu.empty([2.5, 2]), 'Backend.empty: "shape[0]" is 2.5, needs an integer of at least 1.'],
    ['past u32', () => cpu.empty([65536, 65536]), 'Backend.empty: "shape" has 4294967296 elements ([65536, 65536]), needs at most 4294967295'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));

  it('after dispose and after destroy', async () => {
    const backend = await openBackend({ prefer: 'cpu' });
    const tensor = backend.empty([2]);
    tensor.dispose();
    tensor.dispose();
    await expect(tensor.read()).rejects.toThrow('Tensor.read: the tensor was disposed, needs a live one.');
    expect(() => tensor.write([1, 2])).toThrow('Tensor.write: the tensor was disposed');
    backend.destroy();
    expect(() => backend.empty([2])).toThrow('Backend.empty: the backend was destroyed. Open a new one.');
  });
});
