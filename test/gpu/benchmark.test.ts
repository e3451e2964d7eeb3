// Claim: the benchmark times what is right, on every kind of row, and refuses to time what is wrong.
import { expect, it } from 'vitest';
import { SHAPES, benchmark } from '../../src/benchmark/index.js';
import { openBackend } from '../../src/index.js';
import { newDevice } from './harness.js';

const small = SHAPES.filter(({ name }) => name === '[256, 64]');

it('control: all rows, each with a time', async () => {
  const backend = await openBackend({ device: await newDevice() });
  const { shapes } = await benchmark(backend, { shapes: small, samples: 2, sampleTime: 1 });
  expect(shapes[0].timings.map(({ name }) => name)).toEqual([
    'copy (device)', 'copy (vec4 kernel)', 'pass: y = a·x + b', 'forward', 'backward', 'inference', 'staged backward', 'forward, CPU', 'backward, CPU',
  ]);
  for (const { wall, samples } of shapes[0].timings) {
    expect(wall).toBeGreaterThan(0);
    expect(samples).toBe(2);
  }
  expect(shapes[0].recordMicroseconds).toBeGreaterThan(0);
  backend.device!.destroy();
});

it('a wrong forward is not timed', async () => {
  const device = await newDevice();
  const original = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) =>
    original({ ...descriptor, code: descriptor.code.replace('* affine.scale + affine.shift', '* affine.scale * 1.001 + affine.shift') });
  const backend = await openBackend({ device });
  await expect(benchmark(backend, { shapes: small, samples: 1, sampleTime: 1 })).rejects.toThrow(/^benchmark: y is wrong in \d+ of 16384 elements/);
  device.destroy();
});
