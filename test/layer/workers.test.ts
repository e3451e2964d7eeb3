// Claim: worker threads that have each a share of every batch train what one has trained with whole batches, and keep
// the same running statistics to the bit.
// Control: the same threads with statistics of their own shares do not.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOUND, differences } from '../../demo/workers/compare.js';
import { BATCH, type Trained, train } from '../../demo/workers/train.js';
import { openBackend } from '../../src/index.js';
import type { ThreadData } from './workersThread.js';

const ROOT = join(import.meta.dirname, '../..');
const STEPS = 100;
const SEED = 1;

let outDir: string;
let one: Trained;

beforeAll(async () => {
  outDir = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-workers-'));
  await build({
    root: ROOT, configFile: false, logLevel: 'error', ssr: { noExternal: true },
    build: { outDir, ssr: 'test/layer/workersThread.ts', target: 'node20', rolldownOptions: { output: { entryFileNames: 'thread.mjs' } } },
  });
  one = await train(await openBackend({ prefer: 'cpu' }), { from: 0, to: BATCH }, null, { seed: SEED, steps: STEPS });
});

afterAll(() => rmSync(outDir, { recursive: true }));

type Told = { trained: Trained; error?: undefined } | { error: string; trained?: undefined };

/** Trains in as many threads as there are shares; a thread that ends without a word tells its exit code. */
function trainIn(cuts: readonly number[], options: Partial<ThreadData>[] = []): Promise<Told[]> {
  const shares = [...cuts, BATCH].map((to, i) => ({ from: i === 0 ? 0 : cuts[i - 1], to }));
  const ports: ThreadData['ports'][] = shares.map(() => shares.map(() => null));
  for (let a = 0; a < shares.length; a++) {
    for (let b = 0; b < a; b++) {
      const { port1, port2 } = new MessageChannel();
      [ports[a][b], ports[b][a]] = [port1, port2] as unknown as MessagePort[];
    }
  }
  return Promise.all(shares.map((share, i) => new Promise<Told>((resolve, reject) => {
    const workerData: ThreadData = { share, ports: ports[i], seed: SEED, steps: STEPS, ...options[i] };
    const thread = new Worker(join(outDir, 'thread.mjs'), { workerData, transferList: ports[i].filter((port) => port !== null) as never[] });
    thread.on('message', resolve);
    thread.on('error', reject);
    thread.on('exit', (code) => resolve({ error: `exit ${code}` })); // after a message it changes nothing
  })));
}

const largest = (a: Trained, b: Trained) => Math.max(...Object.values(differences(a, b)));

describe('threads of a share each', () => {
  it('the one worker learns', () => {
    expect(one.loss[0]).toBeGreaterThan(1);
    expect(one.loss.subarray(-10).every((loss) => loss < 0.5)).toBe(true);
  });

  it.each([
    { name: 'halves', cuts: [48] },
    { name: 'two thirds and one', cuts: [64] },
    { name: 'one row alone, which has no variance', cuts: [95] },
    { name: 'three', cuts: [17, 65] },
  ])('$name: what one has trained', async ({ cuts }) => {
    const told = await trainIn(cuts);
    const [first, ...others] = told.map(({ trained, error }) => trained ?? expect.fail(error));
    expect(largest(first, one)).toBeLessThanOrEqual(BOUND);
    expect(first.loss).toHaveLength(STEPS);
    for (const other of others) expect(other).toEqual(first); // all of it, to the bit
  });

  it('control: with statistics of their own shares they train something else', async () => {
    const [first, second] = (await trainIn([64], [{ alone: true }, { alone: true }])).map(({ trained, error }) => trained ?? expect.fail(error));
    expect(differences(first, one).runningMean).toBeGreaterThan(1000 * BOUND);
    expect(differences(first, second).runningVar).toBeGreaterThan(1000 * BOUND);
  });

  it('a thread that ends in the middle leaves the other with a sentence, not waiting', async () => {
    const told = await trainIn([48], [{}, { endAt: 5 }]);
    expect(told.map(({ error }) => error)).toEqual([
      'exchange: another worker has ended, needs its part. Start all of them again.', 'exit 1',
    ]);
  });
});

describe('the comparison', () => {
  it('sees a NaN and a length', () => {
    expect(differences(one, { ...one, gamma: one.gamma.map((value, i) => (i === 7 ? NaN : value)) }).gamma).toBeNaN();
    expect(differences(one, { ...one, loss: one.loss.subarray(1) }).loss).toBeNaN();
    expect(differences(one, { ...one, beta: one.beta.map((value) => value + 0.5) }).beta).toBeCloseTo(0.5, 6);
  });
});
