// Claim: openBackend never falls back in silence, and tensors refuse what they cannot hold.
import { describe, expect, it } from 'vitest';
import { BatchNorm, type OpenOptions, type TensorData, type TensorStorage, openBackend } from '../../src/index.js';
import { DoubleDevice } from '../double.js';
import { collect } from '../kernels/retention.js';

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
    [{ prefer: 'tpu' }, 'openBackend: "prefer" is "tpu", needs \'gpu\', \'fastest\' or \'cpu\'.'],
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

describe('which adapter', () => {
  const info = (isFallbackAdapter: boolean) => ({ vendor: 'v', architecture: 'a', device: 'd', description: '', isFallbackAdapter });
  const limits = { maxBufferSize: 1000, maxStorageBufferBindingSize: 900, maxStorageBuffersPerShaderStage: 16, maxBindGroups: 4 };

  /** A GPU whose devices are stand-ins, without `adapterInfo` as in some browsers; notes what it is asked for. */
  function gpuOf({ software = false, only = undefined as 'compatibility' | undefined }) {
    const asked: GPURequestAdapterOptions[] = [];
    const descriptors: GPUDeviceDescriptor[] = [];
    const requestDevice = async (descriptor: GPUDeviceDescriptor) => {
      descriptors.push(descriptor);
      return new DoubleDevice().device;
    };
    const requestAdapter = async (options: GPURequestAdapterOptions) => {
      asked.push(options);
      return only && options.featureLevel !== only ? null : { info: info(software), limits, requestDevice };
    };
    return { gpu: { requestAdapter } as unknown as GPU, asked, descriptors };
  }

  it('control: a hardware one, with the limits that save dispatches and no others', async () => {
    const { gpu, asked, descriptors } = gpuOf({});
    const backend = await openBackend({ gpu, powerPreference: 'low-power' });
    expect(backend).toMatchObject({ kind: 'gpu', reason: 'WebGPU has an adapter here.', adapter: { software: false } });
    expect(asked).toEqual([{ powerPreference: 'low-power' }]);
    expect(descriptors).toEqual([{
      label: 'batchnorm/device', requiredLimits: { maxBufferSize: 1000, maxStorageBufferBindingSize: 900, maxStorageBuffersPerShaderStage: 16 },
    }]);
  });

  it('where a device came from lives as long as the device, and no longer', async () => {
    const open = async () => {
      const { gpu } = gpuOf({});
      return { device: (await openBackend({ gpu })).device, from: new WeakRef(gpu) };
    };
    const kept: { device: GPUDevice | null; from: WeakRef<GPU> } = await open();
    const { from } = kept;
    await collect();
    expect(from.deref()).toBeDefined();
    expect(kept.device).not.toBeNull();
    kept.device = null;
    await collect();
    expect(from.deref()).toBeUndefined();
  });

  it('one of compatibility mode where there is no other', async () => {
    const { gpu, asked } = gpuOf({ only: 'compatibility' });
    expect((await openBackend({ gpu })).kind).toBe('gpu');
    expect(asked).toEqual([{}, { featureLevel: 'compatibility' }]);
  });

  it('the fastest is hardware, or the CPU, announced', async () => {
    const [hardware, software] = [gpuOf({}), gpuOf({ software: true })];
    expect((await openBackend({ gpu: hardware.gpu, prefer: 'fastest' })).kind).toBe('gpu');
    const why: string[] = [];
    const backend = await openBackend({ gpu: software.gpu, prefer: 'fastest', onFallback: (text) => why.push(text) });
    expect([backend.kind, why]).toEqual(['cpu', [backend.reason]]);
    expect(backend.reason).toBe('WebGPU has only a software adapter here, whose kernels are slower than the CPU’s own code. The CPU runs instead.');
    expect(software.descriptors).toEqual([]); // no device was made for it
    await expect(openBackend({ gpu: software.gpu, prefer: 'fastest', fallback: 'throw' })).rejects.toThrow(
      'Enable WebGPU on a hardware adapter, or let fallback be');
    expect((await openBackend({ gpu: software.gpu })).kind).toBe('gpu'); // without it a software one is taken
  });

  it('the fastest of a given device goes by what that says', async () => {
    const device = (software: boolean) => Object.assign(new DoubleDevice().device, { adapterInfo: info(software) });
    expect((await openBackend({ device: device(false), prefer: 'fastest' })).kind).toBe('gpu');
    expect((await openBackend({ device: device(true), prefer: 'fastest' })).kind).toBe('cpu');
    expect((await openBackend({ device: new DoubleDevice().device, prefer: 'fastest' })).kind).toBe('gpu'); // it does not say
  });

  it.each([true, false])('kernels are made for the adapter found where the device does not tell: software %s', async (software) => {
    const { gpu } = gpuOf({ software });
    const backend = await openBackend({ gpu });
    const labels: string[] = [];
    const { device } = backend;
    const create = device!.createShaderModule.bind(device);
    device!.createShaderModule = (descriptor) => {
      labels.push(descriptor.label!);
      return create(descriptor);
    };
    const layer = await BatchNorm.create(backend, { channels: 4 });
    layer.forward(backend.empty([32, 4]));
    expect(labels.length).toBeGreaterThan(0);
    expect(labels.every((label) => label.includes(software ? '×8' : '×256'))).toBe(true);
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

  it('typed arrays of every kind, each value rounded once', async () => {
    const third = 1 / 3;
    const tie = 1 + 2 ** -11 + 2 ** -40; // f32 makes a tie of it, which rounds down to 1 in f16
    const read = async (data: TensorData, storage?: TensorStorage) => [...(await cpu.tensor(data, [data.length], storage).read())];
    expect(await read(Float64Array.of(third))).toEqual([Math.fround(third)]);
    expect(await read(Float64Array.of(tie), 'f16')).toEqual([1 + 2 ** -10]);
    expect(await read([tie], 'f16')).toEqual([1 + 2 ** -10]);
    for (const of of [Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array, Int8Array, Int16Array, Int32Array]) {
      expect(await read(of.from([0, 1, 7]))).toEqual([0, 1, 7]);
      expect(await read(of.from([0, 1, 7]), 'u32')).toEqual([0, 1, 7]);
    }
    const tensor = cpu.empty([2], 'bf16');
    tensor.write(Float64Array.of(1 + 2 ** -8 + 2 ** -40, 2));
    expect(await tensor.read()).toEqual(Float32Array.of(1 + 2 ** -7, 2));
  });

  it.each<[string, () => unknown, string]>([
    ['too few', () => cpu.tensor([1], [2, 2]), 'Backend.tensor: "data" has 1 elements, needs 4 (shape [2, 2]). Give as many.'],
    ['no numbers', () => cpu.tensor('1234' as never, [2, 2]), 'Backend.tensor: "data" is "1234", needs a typed array or an array of numbers.'],
    ['big integers', () => cpu.tensor(new BigInt64Array(4) as never, [2, 2]),
      'Backend.tensor: "data" is BigInt64Array, needs a typed array or an array of numbers.'],
    ['bytes of no kind', () => cpu.tensor(new DataView(new ArrayBuffer(4)) as never, [4]),
      'Backend.tensor: "data" is DataView, needs a typed array or an array of numbers.'],
    ['a mask below 0', () => cpu.tensor(Int8Array.of(1, -1), [2], 'u32'),
      'Backend.tensor: "data" has -1 at 1, needs integers from 0 to 16777216 (the storage is u32).'],
    ['text among numbers', () => cpu.tensor([1, 'a' as never], [2]), 'Backend.tensor: "data" has "a" at 1, needs numbers.'],
    ['no shape', () => cpu.empty(4 as never), 'Backend.empty: "shape" is 4, needs an array such as [rows, channels].'],
    ['empty shape', () => cpu.empty([]), 'Backend.empty: "shape" is [], needs at least one axis.'],
    ['an axis of 0', () => cpu.empty([2, 0]), 'Backend.empty: "shape[1]" is 0, needs an integer of at least 1.'],
    ['a fraction', () => cpu.empty([2.5, 2]), 'Backend.empty: "shape[0]" is 2.5, needs an integer of at least 1.'],
    ['past u32', () => cpu.empty([65536, 65536]), 'Backend.empty: "shape" has 4294967296 elements ([65536, 65536]), needs at most 4294967295'],
  ])('%s', (_, call, message) => expect(call).toThrow(message));

  it('after the tensor is disposed, and the backend', async () => {
    const backend = await openBackend({ prefer: 'cpu' });
    const tensor = backend.empty([2]);
    tensor.dispose();
    tensor.dispose();
    await expect(tensor.read()).rejects.toThrow('Tensor.read: the tensor was disposed, needs a live one.');
    expect(() => tensor.write([1, 2])).toThrow('Tensor.write: the tensor was disposed');
    backend.dispose();
    expect(() => backend.empty([2])).toThrow('Backend.empty: the backend was disposed. Open a new one.');
  });
});
