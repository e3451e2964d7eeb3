// Claim: a call whose rows and buffers were seen before creates no GPU object, writes no buffer, submits
// nothing and awaits nothing; what is not used any more is not kept.
import { afterEach, describe, expect, it } from 'vitest';
import { BatchNorm, createBatchNorm, openBackend } from '../../src/index.js';
import { blank, download, fixture, newDevice, run, sharedDevice, takeErrors, upload } from './harness.js';

afterEach(() => expect(takeErrors()).toEqual([]));

/** Counts every call of a device and its queue by wrapping their methods. */
function count(device: GPUDevice): { calls: Map<string, number>; restore(): void } {
  const calls = new Map<string, number>();
  const restores: (() => void)[] = [];
  for (const [prefix, target, prototype] of [
    ['device', device, Object.getPrototypeOf(device)],
    ['queue', device.queue, Object.getPrototypeOf(device.queue)],
  ] as const) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
      if (typeof descriptor?.value !== 'function' || name === 'constructor') continue;
      const original = descriptor.value as (...args: unknown[]) => unknown;
      Object.defineProperty(target, name, {
        configurable: true,
        value: (...args: unknown[]) => {
          calls.set(`${prefix}.${name}`, (calls.get(`${prefix}.${name}`) ?? 0) + 1);
          return original.apply(target, args);
        },
      });
      restores.push(() => delete (target as unknown as Record<string, unknown>)[name]);
    }
  }
  return { calls, restore: () => restores.forEach((restore) => restore()) };
}

const rows = 32;

describe('steady state', () => {
  it('control: the first call creates buffers and bind groups', async () => {
    const device = await sharedDevice();
    const { bn, ...t } = await fixture(device, rows, { channels: 8, plan: 'split' });
    const { calls, restore } = count(device);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const { x, gamma, beta, y, saved, runningMean, runningVar } = t;
    bn.forward(pass, { x, gamma, beta, y, saved, runningMean, runningVar }, { rows });
    pass.end();
    restore();
    expect(calls.get('device.createBuffer')).toBe(2); // params, partials
    expect(calls.get('device.createBindGroup')).toBe(3);
    expect(calls.get('queue.submit')).toBeUndefined();
  });

  it.each(['single', 'split'] as const)('100 further rounds of all four operations make no call of device or queue, plan %s', async (plan) => {
    const device = await sharedDevice();
    const { bn, ...t } = await fixture(device, rows, { channels: 8, plan });
    const { x, dy, gamma, beta, y, saved, runningMean, runningVar, dx, dgamma, dbeta } = t;
    const all = (pass: GPUComputePassEncoder) => {
      bn.forward(pass, { x, gamma, beta, y, saved, runningMean, runningVar }, { rows });
      bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, { rows });
      bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, { rows });
      bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, { rows });
    };
    run(device, all);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const { calls, restore } = count(device);
    for (let step = 0; step < 100; step++) all(pass);
    restore();
    expect([...calls]).toEqual([]);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  });

  it('100 layer steps create one encoder and one submit a call, and nothing else', async () => {
    const device = await sharedDevice();
    const backend = await openBackend({ device });
    const layer = await BatchNorm.create(backend, { channels: 8 });
    const x = backend.tensor(new Float32Array(rows * 8).fill(1), [rows, 8]);
    const dy = backend.tensor(new Float32Array(rows * 8).fill(1), [rows, 8]);
    layer.forward(x);
    layer.backward(dy);
    const { calls, restore } = count(device);
    for (let step = 0; step < 100; step++) {
      layer.forward(x);
      layer.backward(dy);
    }
    restore();
    expect(Object.fromEntries(calls)).toEqual({ 'device.createCommandEncoder': 200, 'queue.submit': 200 });
    layer.dispose();
  });

  it('more batch sizes than are kept planned: all in one pass still come out right', async () => {
    const device = await sharedDevice();
    const bn = await createBatchNorm(device, { channels: 2, gamma: false, beta: false, eps: 0, modes: ['train'] });
    const sizes = Array.from({ length: 100 }, (_, i) => i + 2);
    const outputs = sizes.map((size) => blank(device, size * 2));
    run(device, (pass) => {
      sizes.forEach((size, i) => {
        const x = upload(device, Float32Array.from({ length: size * 2 }, (_, j) => j));
        bn.forward(pass, { x, y: outputs[i], saved: bn.createSaved() }, { rows: size });
      });
    });
    for (const [i, size] of sizes.entries()) {
      const y = await download(device, outputs[i]);
      expect(y.reduce((sum, value) => sum + value * value, 0) / (size * 2)).toBeCloseTo(1, 5); // variance 1 in both columns
    }
    bn.dispose();
  });

  it('scratch is freed by dispose, and the device stays', async () => {
    const device = await newDevice();
    const { bn, ...t } = await fixture(device, rows, { channels: 8, modes: ['train'] });
    const { x, gamma, beta, y, saved } = t;
    run(device, (pass) => bn.forward(pass, { x, gamma, beta, y, saved }, { rows }));
    await device.queue.onSubmittedWorkDone();
    bn.dispose();
    expect(await download(device, y)).toHaveLength(rows * 8); // the device still works
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    expect(() => bn.forward(pass, { x, gamma, beta, y, saved }, { rows })).toThrow(
      'BatchNormKernels.forward: this batch norm was disposed. Create a new one.',
    );
    device.destroy();
  });
});
