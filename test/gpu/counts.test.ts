// Claim: with cumulative averaging a state is of one moment, count and statistics together, whatever is called while it is read;
// and the count goes on beyond 2²⁴, where f32 has no next integer.
// Control: fewer batches, and nothing called meanwhile.
import { afterEach, describe, expect, it } from 'vitest';
import { BatchNorm, openBackend } from '../../src/index.js';
import { sharedDevice, takeErrors } from './harness.js';

const backends = { gpu: await openBackend({ device: await sharedDevice() }), cpu: await openBackend({ prefer: 'cpu' }) };

afterEach(() => expect(takeErrors()).toEqual([]));

describe.each(['gpu', 'cpu'] as const)('on the %s', (kind) => {
  const backend = backends[kind];
  /** Both columns have this mean, and no deviation. */
  const batchOf = (mean: number) => backend.tensor(new Float32Array(8).fill(mean), [4, 2]);
  const create = () => BatchNorm.create(backend, { channels: 2, momentum: 'cumulative' });

  it.each([
    ['control: 7', 7, 10], ['2²⁴ − 1', 2 ** 24 - 1, 2 ** 24 + 2], ['2²⁴ + 1', 2 ** 24 + 1, 2 ** 24 + 4],
      ['one whose bits as f32 are a signalling NaN', 0x7f900000, 0x7f900003], ['the last', 2 ** 32 - 2, 2 ** 32 - 1],
  ])('from %s batches', async (_, from, to) => {
    const layer = await create();
    layer.load({ gamma: [1, 1], beta: [0, 0], runningMean: [0, 0], runningVar: [1, 1], batches: from });
    for (let i = 0; i < 3; i++) layer.forward(batchOf(from + 1));
    const { batches, runningMean } = await layer.state();
    expect(batches).toBe(to);
    // each of the three moved a mean of 0 by (from + 1) / count, very nearly 1
    runningMean!.forEach((value) => expect(Math.abs(value - 3)).toBeLessThan(3 * (3 / (from + 1) + 1e-6)));
  });

  it('a state that is being read while further batches come', async () => {
    const layer = await create();
    for (const mean of [1, 3]) layer.forward(batchOf(mean));
    const reading = layer.state();
    for (const mean of [50, 60]) layer.forward(batchOf(mean));
    const { batches, runningMean } = await reading;
    expect([batches, ...runningMean!]).toEqual([2, 2, 2]);
    const later = await layer.state();
    expect(later.batches).toBe(4);
    later.runningMean!.forEach((value) => expect(value).toBeCloseTo(28.5, 4));
  });
});
