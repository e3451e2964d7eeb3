import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import { createBatchNorm } from '../../src/index.js';
import { MAX_SETS } from '../../src/kernels/cache.js';
import { DoubleDevice } from '../double.js';

/** Shapes an operation keeps planned. */
export const MAX_PLANS = 64;

const CHANNELS = 4;

/** A buffer of the caller's. */
export const given = (elements: number) => ({ size: 4 * elements, usage: 0x80, unmap() {}, destroy() {} }) as unknown as GPUBuffer;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Lets go of all that nothing holds. */
export async function collect(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Counts objects that are still there. */
class Census {
  made = 0;
  #gone = 0;
  readonly #registry = new FinalizationRegistry(() => this.#gone++);

  add<T extends object>(object: T): T {
    this.made++;
    this.#registry.register(object, undefined);
    return object;
  }

  async left(): Promise<number> {
    await collect();
    return this.made - this.#gone;
  }
}

/** Calls with so many shapes, then with so many sets of buffers, and looks at what is left of each, and at the heap. */
export async function expectFlat(shapes: number, sets: number): Promise<void> {
  const double = new DoubleDevice();
  const [groups, params] = [new Census(), new Census()];
  double.createBindGroup = () => groups.add({});
  const create = double.createBuffer.bind(double);
  double.createBuffer = (descriptor) => params.add(create(descriptor));
  const bn = await createBatchNorm(double.device, { channels: CHANNELS, gamma: false, beta: false, modes: ['infer'] });
  const [runningMean, runningVar, y] = [given(CHANNELS), given(CHANNELS), given(shapes * CHANNELS)];
  const xs = Array.from({ length: sets }, () => given(shapes * CHANNELS));
  const pass = double.pass();
  for (let rows = 1; rows <= shapes; rows++) bn.infer(pass, { x: xs[0]!, runningMean, runningVar, y }, { rows });
  expect(params.made).toBe(shapes);
  expect(await params.left()).toBeLessThanOrEqual(MAX_PLANS + 1);

  const heap: number[] = [];
  for (const [i, x] of xs.entries()) {
    bn.infer(pass, { x, runningMean, runningVar, y }, { rows: 1 + (i % 32) });
    if (i % 2000 === 0) await new Promise((resolve) => setTimeout(resolve));
    if (i !== sets / 2 && i !== sets - 1) continue;
    expect(await groups.left()).toBeLessThanOrEqual(2 * MAX_SETS + 1);
    heap.push(process.memoryUsage().heapUsed);
  }
  expect(groups.made).toBeGreaterThanOrEqual(shapes + sets - 1);
  expect(heap[1]! - heap[0]!).toBeLessThan(4 << 20);
  const before = groups.made;
  bn.infer(pass, { x: xs[sets - 1]!, runningMean, runningVar, y }, { rows: 1 + ((sets - 1) % 32) });
  expect(groups.made).toBe(before); // the last is still known
}
