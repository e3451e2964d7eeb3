// Claim: what was bound is not kept: after 10 000 pairs of buffers, and after 5000 offsets of one, memory is back.
import { expect, it } from 'vitest';
import { createBatchNorm } from '../../src/index.js';
import { fixture, run, sharedDevice } from './harness.js';

const { gc } = globalThis as { gc?: () => void };

/** Counts objects that are still there. */
class Watch {
  made = 0;
  #collected = 0;
  readonly #registry = new FinalizationRegistry(() => this.#collected++);

  add<T extends object>(object: T): T {
    this.made++;
    this.#registry.register(object, undefined);
    return object;
  }

  /** How many are left once nothing more goes, or ten seconds have passed. */
  async left(enough: number): Promise<number> {
    if (!gc) throw new Error('The memory tests need gc(). Run them through npm test, which exposes it.');
    for (let turn = 0; turn < 100 && this.made - this.#collected > enough; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      gc();
    }
    return this.made - this.#collected;
  }
}

/** Watches the bind groups a device makes; undo with the function it gives. */
function watchGroups(device: GPUDevice, watch: Watch): () => void {
  const original = device.createBindGroup.bind(device);
  device.createBindGroup = (descriptor) => watch.add(original(descriptor));
  return () => (device.createBindGroup = original);
}

it('10 000 random pairs of buffers are collected, and so are their bind groups', async () => {
  const device = await sharedDevice();
  const { bn, gamma, beta, runningMean, runningVar } = await fixture(device, 4, { channels: 4, modes: ['infer'] });
  const [groups, buffers] = [new Watch(), new Watch()];
  const restore = watchGroups(device, groups);
  const make = () => buffers.add(device.createBuffer({ size: 64, usage: GPUBufferUsage.STORAGE }));
  for (let block = 0; block < 20; block++) {
    run(device, (pass) => {
      for (let i = 0; i < 500; i++) bn.infer(pass, { x: make(), gamma, beta, runningMean, runningVar, y: make() }, { rows: 4 });
    });
    await device.queue.onSubmittedWorkDone();
  }
  restore();
  expect([buffers.made, groups.made]).toEqual([20_000, 10_000]);
  expect(await buffers.left(20)).toBeLessThanOrEqual(20);
  expect(await groups.left(20)).toBeLessThanOrEqual(20);
  bn.dispose();
});

it('ever new offsets of one buffer are not all remembered', async () => {
  const device = await sharedDevice();
  const bn = await createBatchNorm(device, { channels: 4, gamma: false, beta: false, modes: ['train'] });
  const arena = device.createBuffer({ size: 256 * 5000 + 64, usage: GPUBufferUsage.STORAGE });
  const y = device.createBuffer({ size: 64, usage: GPUBufferUsage.STORAGE });
  const saved = bn.createSaved();
  const groups = new Watch();
  const restore = watchGroups(device, groups);
  run(device, (pass) => {
    for (let i = 0; i < 5000; i++) bn.forward(pass, { x: { buffer: arena, offset: 256 * i, size: 64 }, y, saved }, { rows: 4 });
  });
  restore();
  await device.queue.onSubmittedWorkDone();
  expect(groups.made).toBeGreaterThanOrEqual(5000);
  expect(await groups.left(0.3 * groups.made)).toBeLessThanOrEqual(0.3 * groups.made);
  bn.dispose();
});
