// Claim: a shape whose memory could not be had is forgotten, reported, and takes no place among the shapes kept planned.
import { expect, it } from 'vitest';
import { standInDevice } from '../../src/benchmark/count.js';
import { SHAPES } from '../../src/benchmark/index.js';
import { createBatchNorm } from '../../src/index.js';

const CHANNELS = 4;
const MAX_PLANS = 64;

async function fixture(failing: { now: boolean }) {
  const device = standInDevice(SHAPES[0]!);
  let created = 0;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    created++;
    return create(descriptor);
  };
  device.popErrorScope = () => Promise.resolve(failing.now ? ({ message: 'out of memory' } as GPUError) : null);
  const reported: string[] = [];
  const bn = await createBatchNorm(device, { channels: CHANNELS, modes: ['infer'], onError: ({ message }) => reported.push(message) });
  const make = (elements: number) => device.createBuffer({ size: 4 * elements, usage: 0x80 });
  const [x, y] = [make(1000 * CHANNELS), make(1000 * CHANNELS)];
  const [gamma, beta, runningMean, runningVar] = [make(CHANNELS), make(CHANNELS), make(CHANNELS), make(CHANNELS)];
  const pass = device.createCommandEncoder().beginComputePass();
  const infer = (rows: number) => bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, { rows });
  return { device, infer, reported, created: () => created };
}

it('control: one shape more than are kept drops the one unused longest', async () => {
  const { infer, created } = await fixture({ now: false });
  for (let rows = 1; rows <= MAX_PLANS + 1; rows++) infer(rows);
  const before = created();
  infer(2);
  expect(created()).toBe(before);
  infer(1);
  expect(created()).toBe(before + 1);
});

it('shapes that failed drop none, and are tried again', async () => {
  const failing = { now: false };
  const { infer, reported, created } = await fixture(failing);
  infer(1);
  await Promise.resolve();
  failing.now = true;
  for (let rows = 2; rows <= MAX_PLANS + 1; rows++) {
    infer(rows);
    await new Promise((resolve) => setTimeout(resolve));
  }
  expect(reported.filter((message) => message.includes('no memory'))).toHaveLength(MAX_PLANS);
  failing.now = false;
  for (let rows = 1001 - MAX_PLANS; rows < 1000; rows++) infer(rows);
  const before = created();
  infer(1); // 63 good shapes came after it
  expect(created()).toBe(before);
  infer(2);
  expect(created()).toBe(before + 1);
});

it('a device that is lost while it would tell of memory leaves no rejection unhandled', async () => {
  const { infer, reported, device } = await fixture({ now: false });
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  device.popErrorScope = () => Promise.reject(new Error('Instance dropped in popErrorScope'));
  infer(1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(reported).toEqual([]);
});
