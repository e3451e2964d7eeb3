// Claim: a layer makes the same calls and gives the same answers on GPU and CPU, through training, evaluation,
// state and failure.
import { afterEach, describe, expect, it } from 'vitest';
import { BatchNorm, type LayerOptions, openBackend, presets } from '../../src/index.js';
import { newDevice, run, sharedDevice, takeAllErrors, takeErrors } from './harness.js';

const device = await sharedDevice();
const gpu = await openBackend({ device });
const cpu = await openBackend({ prefer: 'cpu' });

afterEach(() => expect(takeErrors()).toEqual([]));

const values = (length: number, seed: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 0.7 + seed) * 3 + seed);

/** Three training steps, then evaluation with its backward; everything a user can read. */
async function life(backend: typeof gpu, options: LayerOptions) {
  const layer = await BatchNorm.create(backend, options);
  const { channels } = options;
  const seen: Record<string, Float32Array> = {};
  for (let step = 0; step < 3; step++) {
    const x = backend.tensor(values(20 * channels, step), [4, 5, channels]);
    const dy = backend.tensor(values(20 * channels, step + 10), [4, 5, channels]);
    seen[`y${step}`] = await layer.forward(x).read();
    seen[`dx${step}`] = await layer.backward(dy).read();
  }
  const { batches, ...state } = await layer.state();
  Object.assign(seen, state, await layer.statistics(), { batches: Float32Array.of(batches!) });
  layer.eval();
  seen.evalY = await layer.forward(backend.tensor(values(channels, 5), [1, channels])).read();
  seen.evalDx = await layer.backward(backend.tensor(values(channels, 6), [1, channels])).read();
  if (layer.dgamma) seen.dgamma = await layer.dgamma.read();
  if (layer.dbeta) seen.dbeta = await layer.dbeta.read();
  layer.dispose();
  return seen;
}

describe('GPU and CPU', () => {
  it.each<[string, LayerOptions]>([
    ['control: PyTorch’s numbers', { channels: 6, ...presets.pytorch }],
    ['Keras’s numbers', { channels: 8, ...presets.keras }],
    ['no gamma', { channels: 5, gamma: false }],
    ['no beta', { channels: 5, beta: false }],
    ['neither', { channels: 4, gamma: false, beta: false }],
  ])('%s', async (_, options) => {
    const onGpu = await life(gpu, options);
    const onCpu = await life(cpu, options);
    expect(Object.keys(onGpu)).toEqual(Object.keys(onCpu));
    for (const [name, want] of Object.entries(onCpu)) {
      if (name === 'meanLow') continue; // the rounding error of mean: the two may round mean either way
      // values of order 10; a dozen roundings of 2⁻²⁴ between the two
      const apart = onGpu[name].findIndex((value, i) => !(Math.abs(value - want[i]) <= 1e-5 + 2e-6 * Math.abs(want[i])));
      expect(apart, `${name}: ${onGpu[name][apart]} for ${want[apart]}`).toBe(-1);
    }
  });
});

describe('on the GPU', () => {
  it('records into a pass of the caller’s, who submits', async () => {
    const layer = await BatchNorm.create(gpu, { channels: 3 });
    const x = gpu.tensor(values(30, 1), [10, 3]);
    const own = gpu.empty([10, 3]);
    const want = await layer.forward(x).read();
    run(device, (pass) => expect(layer.forward(x, { pass, out: own })).toBe(own));
    expect(await own.read()).toEqual(want);
  });

  it('reuses y for the same shape, and leaves out alone', async () => {
    const layer = await BatchNorm.create(gpu, { channels: 3 });
    const x = gpu.tensor(values(30, 1), [10, 3]);
    const y = layer.forward(x);
    expect(layer.forward(x)).toBe(y);
    expect(layer.forward(gpu.tensor(values(15, 1), [5, 3]))).not.toBe(y);
    const out = gpu.empty([10, 3]);
    expect(layer.forward(x, { out })).toBe(out);
    expect(layer.forward(x)).toBe(y);
  });

  it('what WebGPU refuses of a part rejects before the exchange; after it, nothing has moved; and the layer goes on', async () => {
    const told: string[] = []; // wgpu refuses the bind group already, which the kernels tell of
    const layer = await BatchNorm.create(gpu, { channels: 3, synchronized: true, onError: ({ message }) => told.push(message) });
    const x = () => gpu.tensor(values(30, 1), [10, 3]);
    let exchanged = 0;
    const alone = async (part: Uint32Array) => {
      exchanged++;
      return [part];
    };
    await layer.forwardSynchronized(x(), alone);
    const before = [await layer.state(), await layer.statistics()];
    const gone = x();
    gone.buffer!.destroy(); // which no call can see before WebGPU does
    await expect(layer.forwardSynchronized(gone, alone)).rejects
      .toThrow(/^BatchNorm.forwardSynchronized: WebGPU refused the work, needs buffers that are alive and memory: /);
    await expect(layer.backwardSynchronized(gone, alone)).rejects.toThrow(/^BatchNorm.backwardSynchronized: WebGPU refused the work/);
    expect(exchanged).toBe(1);
    const late = x();
    await expect(layer.forwardSynchronized(late, async (part) => {
      late.buffer!.destroy();
      return [part];
    })).rejects.toThrow(/^BatchNorm.forwardSynchronized: WebGPU refused the work/);
    await expect(layer.forwardSynchronized(x(), async (part) => Array.from({ length: 70_000 }, () => part))).rejects.toThrow(
      '"exchange" gave 70000 parts, needs at most 65535.');
    expect([await layer.state(), await layer.statistics()]).toEqual(before);
    expect(layer.batches).toBe(1);
    const dx = await (await layer.backwardSynchronized(gpu.tensor(values(30, 2), [10, 3]), alone)).read();
    const onCpu = await BatchNorm.create(cpu, { channels: 3 });
    onCpu.forward(cpu.tensor(values(30, 1), [10, 3]));
    const want = await onCpu.backward(cpu.tensor(values(30, 2), [10, 3])).read();
    dx.forEach((value, i) => expect(value).toBeCloseTo(want[i], 5));
    await expect(layer.estimatePopulation([gone])).rejects.toThrow('BatchNorm.estimatePopulation: "batches[0]" could not be computed with');
    for (const message of [...told, ...(await takeAllErrors(device))]) expect(message).toMatch(/destroyed|BindGroup .* is invalid/);
  });

  it('a tensor of another backend is refused by name', async () => {
    const layer = await BatchNorm.create(gpu, { channels: 3 });
    const state = await layer.state();
    expect(() => layer.forward(cpu.tensor(values(30, 1), [10, 3]))).toThrow(
      'BatchNorm.forward: "x" is on another backend (cpu), needs the layer\'s (gpu). Make it there.',
    );
    const second = await openBackend({ device: await newDevice() });
    expect(() => layer.forward(second.tensor(values(30, 1), [10, 3]))).toThrow('"x" is on another backend (gpu)');
    expect(await layer.state()).toEqual(state);
    second.device!.destroy();
  });

  it('a tensor larger than the device holds is refused before anything is created', () => {
    const limit = device.limits.maxBufferSize;
    expect(() => gpu.empty([limit / 16 + 1, 4])).toThrow(
      /^Backend.empty: "shape" .* takes \d+ bytes, the device holds at most \d+ in a tensor \(maxBufferSize\)/,
    );
  });

  it('after the device is lost every call throws one clear error, and a given device is not destroyed', async () => {
    const lent = await newDevice();
    const borrowed = await openBackend({ device: lent });
    const layer = await BatchNorm.create(borrowed, { channels: 3 });
    const x = borrowed.tensor(values(30, 1), [10, 3]);
    const given = await openBackend({ device: lent });
    given.dispose();
    expect(() => given.empty([3])).toThrow('Backend.empty: the backend was disposed. Open a new one.');
    const buffer = lent.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    await buffer.mapAsync(GPUMapMode.READ); // the device still works
    lent.destroy();
    await lent.lost;
    const message = 'the device was destroyed. Create a device, and what runs on it, anew.';
    expect(() => layer.forward(x)).toThrow(`BatchNorm.forward: ${message}`);
    expect(() => borrowed.empty([3])).toThrow(`Backend.empty: ${message}`);
    await expect(x.read()).rejects.toThrow(`Tensor.read: ${message}`);
    await expect(layer.state()).rejects.toThrow(`BatchNorm.state: ${message}`);
    layer.dispose(); // still harmless
  });

  it('an own device goes with its backend, and that is no loss to report', async () => {
    const own = await openBackend({ gpu: navigator.gpu, fallback: 'throw' });
    let lost = false;
    void own.lost.then(() => (lost = true));
    own.dispose();
    expect((await own.device!.lost).reason).toBe('destroyed');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(lost).toBe(false);
  });

  it('says what runs, and that a software adapter is one', async () => {
    const own = await openBackend({ gpu: navigator.gpu, fallback: 'throw' });
    expect(own.kind).toBe('gpu');
    const { isFallbackAdapter } = (await navigator.gpu.requestAdapter())!.info; // all that Firefox tells
    if (isFallbackAdapter || /swiftshader|llvmpipe/i.test(`${own.adapter!.architecture} ${own.adapter!.description}`)) {
      expect(own.adapter!.software).toBe(true);
      expect(own.reason).toBe('WebGPU has only a software adapter here: its kernels run on the CPU’s cores.');
    } else {
      expect(own.reason).toBe('WebGPU has an adapter here.');
    }
    own.dispose();
  });
});
