// Claim: the stand-in device on which the tests count calls is called as a device is, by every operation.
import { afterEach, expect, it } from 'vitest';
import { type BenchShape, countCalls } from '../../src/benchmark/index.js';
import { standInDevice } from '../standIn.js';
import { sharedDevice, takeErrors } from './harness.js';

afterEach(() => expect(takeErrors()).toEqual([]));

const shapes: BenchShape[] = [
  { name: 'control: [100, 3]', layout: 'channelsLast', channels: 3, rows: 100, shape: { rows: 100 }, elements: 300 },
  { name: 'NCHW 4×6×7×7', layout: 'channelsFirst', channels: 6, rows: 196, shape: { shape: [4, 6, 7, 7] }, elements: 1176 },
];

it.each(shapes)('$name', async (shape) => {
  const device = await sharedDevice();
  for (const kind of ['single', 'split'] as const) {
    const choice = { adapterClass: 'software', kind } as const; // its kernels compile quickest
    const counted = await countCalls(device, shape, choice);
    expect(counted, kind).toEqual(await countCalls(standInDevice(shape), shape, choice));
    expect(counted.forward.first.objects).toBeGreaterThan(0);
  }
});
