// Claim: whatever fails, wherever, no error scope stays open on the caller's device, no buffer of the library's is left behind,
// and the same calls succeed afterwards. Control: with nothing failing, the calls do open scopes.
import { describe, expect, it } from 'vitest';
import { BatchNorm, createBatchNorm, openBackend } from '../../src/index.js';
import { DoubleDevice } from '../double.js';

const ROWS = 64;
const CHANNELS = 4;

/** Kernels on the caller's buffers: creation, every call, and destruction. */
async function kernels(double: DoubleDevice, plan: 'single' | 'split', ahead: boolean): Promise<void> {
  const { device } = double;
  const errors: Error[] = [];
  const shapes = ahead ? [{ rows: ROWS }] : [];
  const bn = await createBatchNorm(device, { channels: CHANNELS, plan, adapterClass: 'software', shapes, onError: (error) => errors.push(error) });
  const given = (size: number) => ({ size, usage: 0x80, unmap() {}, destroy() {} }) as unknown as GPUBuffer; // the caller's: not in the account
  const [x, dy, y, dx] = [0, 1, 2, 3].map(() => given(4 * ROWS * CHANNELS));
  const [gamma, beta, dgamma, dbeta, runningMean, runningVar] = [0, 1, 2, 3, 4, 5].map(() => given(4 * CHANNELS));
  const saved = given(24 * CHANNELS);
  const pass = double.pass();
  const shape = { rows: ROWS };
  try {
    bn.forward(pass, { x, gamma, beta, y, saved, runningMean, runningVar }, shape);
    bn.backward(pass, { x, dy, gamma, saved, dx, dgamma, dbeta }, shape);
    bn.infer(pass, { x, gamma, beta, runningMean, runningVar, y }, shape);
    bn.backwardFrozen(pass, { x, dy, gamma, runningMean, runningVar, dx, dgamma, dbeta }, shape);
    await settle();
    expect(errors).toEqual([]);
  } finally {
    bn.dispose();
  }
}

/** Tensors, up and down. */
async function tensors(double: DoubleDevice): Promise<void> {
  const backend = await openBackend({ device: double.device });
  const owned: { dispose(): void }[] = [];
  try {
    owned.push(backend.empty([ROWS, CHANNELS]));
    const x = backend.tensor(new Float32Array(ROWS * CHANNELS), [ROWS, CHANNELS]);
    owned.push(x);
    await x.read();
  } finally {
    for (const one of owned) one.dispose();
  }
}

/** A layer, and its results down. */
async function layer(double: DoubleDevice): Promise<void> {
  const backend = await openBackend({ device: double.device });
  const owned: { dispose(): void }[] = [];
  const own = <T extends { dispose(): void }>(one: T): T => {
    owned.push(one);
    return one;
  };
  try {
    const x = own(backend.tensor(new Float32Array(ROWS * CHANNELS), [ROWS, CHANNELS]));
    const zeros = own(backend.empty([ROWS, CHANNELS]));
    await zeros.read();
    const bn = own(await BatchNorm.create(backend, { channels: CHANNELS, synchronized: true }));
    await bn.forward(x).read();
    await bn.backward(zeros).read();
    await bn.forwardSynchronized(x, async (part) => [part]);
  } finally {
    for (const one of owned) one.dispose();
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

describe.each<[string, (double: DoubleDevice) => Promise<void>]>([
  ['kernels, one dispatch, compiled ahead', (double) => kernels(double, 'single', true)],
  ['kernels, three dispatches, compiled when called', (double) => kernels(double, 'split', false)],
  ['tensors', tensors],
  ['a layer', layer],
])('%s', (_, act) => {
  it('control: it opens scopes and leaves them', async () => {
    const double = new DoubleDevice();
    await act(double);
    await settle();
    expect(double.pushed).toBeGreaterThan(3);
    expect(double.scopes).toEqual([]);
    expect(double.alive).toBe(0);
  });

  it('wherever an object cannot be had', async () => {
    const good = new DoubleDevice();
    await act(good);
    for (let n = 1; n <= good.asked; n++) {
      const double = new DoubleDevice();
      double.failAt = n;
      const failure = await act(double).then(() => null, (error: Error) => error.message);
      await settle();
      expect(failure, `object ${n} of ${good.asked}`).toContain('failed, as it was told to');
      expect(double.scopes, `object ${n}: ${failure}`).toEqual([]);
      expect(double.alive, `object ${n}: ${failure}`).toBe(0);
    }
  });
});
