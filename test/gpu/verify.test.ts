// Claim: the self-test passes on this adapter, and would not if a kernel were wrong.
import { afterEach, describe, expect, it } from 'vitest';
import { openBackend } from '../../src/index.js';
import { adapterLine, verify, verifyNames } from '../../src/verify/index.js';
import { newDevice, takeErrors } from './harness.js';

afterEach(() => expect(takeErrors()).toEqual([]));

describe('self-test', () => {
  it('control: every row of the table passes', async () => {
    const backend = await openBackend({ gpu: navigator.gpu, fallback: 'throw' });
    const report = await verify(backend);
    console.info(`self-test on ${adapterLine(report.adapter!)}: ${report.passed} passed, ${report.failed} failed, order ${report.order}`);
    expect(report.results.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`)).toEqual([]);
    expect(report.results.map(({ name }) => name)).toEqual(verifyNames('gpu'));
    expect(report.passed).toBeGreaterThan(60);
    backend.destroy();
  });

  it.each([
    ['y', 'normalize', '* scale + beta', '* scale * 1.00001 + beta'],
    ['the mean’s low bits', 'normalize', ' - statistics.mean_low', ''],
    ['the biased variance', 'moments_finish', 'let variance = (own.m2 + own.m2_low) * params.inv_rows', 'let variance = (own.m2 + own.m2_low) / f32(params.rows - 1u)'],
    ['dx', 'gradient_input', ' - x_hat * dgamma_mean', ''],
    ['one channel leaking into another', 'infer', 'store_y(i, ', 'store_y(i, load_x(17u * params.channels + 2u) * 1e-30 + '],
  ])('goes red where a kernel gets %s wrong', async (_, kernel, good, bad) => {
    const device = await newDevice();
    const original = device.createShaderModule.bind(device);
    let spoiled = 0;
    device.createShaderModule = (descriptor) => {
      const spoil = descriptor.label?.startsWith(`batchnorm/${kernel}`) && descriptor.code.includes(good);
      if (spoil) spoiled++;
      return original(spoil ? { ...descriptor, code: descriptor.code.replace(good, bad) } : descriptor);
    };
    const backend = await openBackend({ device });
    const names = ['mean is −1e6 deviations', 'small and odd', 'NaN or infinity in one column changes no bit of the others'];
    const report = await verify(backend, { filter: (name) => names.includes(name) });
    expect(spoiled).toBeGreaterThan(0);
    expect(report.failed).toBeGreaterThan(0);
    device.destroy();
  });
});
