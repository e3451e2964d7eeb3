// Claim: a shape whose memory could not be had is forgotten, reported, and takes no place among the shapes kept planned; over 1 000 shapes
// and 100 000 sets of buffers that all stay alive, what is kept is bounded; nothing is destroyed before dispose(), which frees all.
import { expect, it } from 'vitest';
import { SHAPES } from '../../src/benchmark/index.js';
import { createBatchNorm } from '../../src/index.js';
import { DoubleDevice } from '../double.js';
import { standInDevice } from '../standIn.js';
import { MAX_PLANS, expectFlat, given } from './retention.js';

const CHANNELS = 4;

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

it('a scratch that could not be had is asked for again', async () => {
  const double = new DoubleDevice();
  const { device } = double;
  let none = true;
  double.popErrorScope = () => {
    const { filter } = double.scopes.pop()!;
    return Promise.resolve(none && filter === 'out-of-memory' ? ({ message: 'out of memory' } as GPUError) : null);
  };
  const bn = await createBatchNorm(device, { channels: CHANNELS, plan: 'split', gamma: false, beta: false, modes: ['train'], onError: () => {} });
  const [x, y, saved] = [given(64 * CHANNELS), given(64 * CHANNELS), given(6 * CHANNELS)];
  const forward = () => bn.forward(double.pass(), { x, y, saved }, { rows: 64 });
  forward();
  await new Promise((resolve) => setTimeout(resolve));
  none = false;
  const before = double.calls.get('createBuffer')!;
  forward();
  expect(double.calls.get('createBuffer')! - before).toBe(2); // the uniform block and the partials
  bn.dispose();
  expect(double.alive).toBe(0);
});

it('1 000 shapes: no buffer is destroyed while a pass may use it, and all of them by dispose()', async () => {
  const double = new DoubleDevice();
  const kept: object[] = []; // what unsubmitted passes would hold
  const create = double.createBuffer.bind(double);
  double.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    kept.push(buffer);
    return buffer;
  };
  const bn = await createBatchNorm(double.device, { channels: CHANNELS, plan: 'split', gamma: false, beta: false, modes: ['train'] });
  const [x, y, saved] = [given(1001 * CHANNELS), given(1001 * CHANNELS), given(6 * CHANNELS)];
  for (let rows = 2; rows < 1002; rows++) bn.forward(double.pass(), { x, y, saved }, { rows });
  expect(kept.length).toBeGreaterThanOrEqual(1000);
  expect(double.alive).toBe(kept.length);
  bn.dispose();
  expect(double.alive).toBe(0);
});

it('1 000 shapes, then 100 000 sets of buffers, all of them alive: bounded in number, the heap flat', () => expectFlat(1000, 100_000));
