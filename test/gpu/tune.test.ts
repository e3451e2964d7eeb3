// Claim: tune times the plans that can take a shape, names the fastest, and leaves nothing behind.
import { afterEach, expect, it } from 'vitest';
import { createBatchNorm, tune } from '../../src/index.js';
import { sharedDevice, takeErrors } from './harness.js';

const device = await sharedDevice();
afterEach(() => expect(takeErrors()).toEqual([]));

it('control: both plans timed, the faster named, and it can be forced', async () => {
  const { plan, milliseconds } = await tune(device, { channels: 8, gamma: false }, { rows: 500 });
  expect(Object.keys(milliseconds).sort()).toEqual(['single', 'split']);
  expect(milliseconds[plan]).toBe(Math.min(milliseconds.single!, milliseconds.split!));
  (await createBatchNorm(device, { channels: 8, gamma: false, plan })).dispose();
});

it('a plan that cannot take the shape is no candidate', async () => {
  const { plan, milliseconds } = await tune(device, { channels: 1, adapterClass: 'software' }, { rows: 100_000 });
  expect(plan).toBe('split');
  expect(Object.keys(milliseconds)).toEqual(['split']);
});

it('every buffer it made is destroyed', async () => {
  const made: GPUBuffer[] = [];
  const destroyed = new Set<GPUBuffer>();
  const original = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = original(descriptor);
    made.push(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      destroyed.add(buffer);
      destroy();
    };
    return buffer;
  };
  await tune(device, { channels: 6, layout: 'channelsFirst' }, { shape: [2, 6, 5, 5] });
  device.createBuffer = original;
  expect(made.length).toBeGreaterThan(10);
  expect(made.filter((buffer) => !destroyed.has(buffer)).map(({ label }) => label)).toEqual([]);
});

it('bad input', async () => {
  await expect(tune(device, { channels: 0 }, { rows: 4 })).rejects.toThrow('tune: "channels" is 0');
  await expect(tune(device, { channels: 4 }, { rows: 0 })).rejects.toThrow('tune: "rows" is 0, needs an integer of at least 1.');
});
