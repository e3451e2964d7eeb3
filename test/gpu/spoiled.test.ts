// Claim: the self-test stays green whatever its seed, and goes red where a kernel is wrong.
import { afterEach, describe, expect, it } from 'vitest';
import { openBackend } from '../../src/index.js';
import { verify } from '../../src/verify/index.js';
import { newDevice, takeErrors } from './harness.js';

afterEach(() => expect(takeErrors()).toEqual([]));

describe('self-test', () => {
  it('stays green whatever the seed, where rows are few', async () => {
    const backend = await openBackend({ device: await newDevice() });
    const few = ['one value', 'one row: variance is 0, y is beta', 'two rows', 'fewer rows than members', 'mean is 1e6 deviations, two rows',
      'first row 1e6 deviations out, few rows'];
    for (let seed = 2; seed < 22; seed++) {
      const { results } = await verify(backend, { seed, filter: (name) => few.includes(name) });
      expect(results.filter(({ passed }) => !passed).map(({ name, detail }) => `seed ${seed}, ${name}: ${detail}`)).toEqual([]);
    }
    backend.device!.destroy();
  });

  it.each([
    ['y', 'forward_single', '* affine.scale + affine.shift', '* affine.scale * 1.00001 + affine.shift'],
    ['the mean’s low bits', 'forward_single', ' - Value(statistics.mean_low)', ''],
    ['the biased variance', 'forward_single', 'nan_unless_finite(m2 * reciprocal(own.count))', 'nan_unless_finite(m2 * reciprocal(own.count) * 1.01)'],
    ['dx', 'backward_single', ' - centered * terms.mean_dz_x_hat', ''],
    ['one channel leaking into another', 'normalize', 'store_y(i, y', 'store_y(i, y + load_x(17u * params.channels * VALUES + 2u) * 1e-30'],
    ['NaN before a ReLU', 'forward_single', 'return nan_kept(max(z, Value()), z);', 'return max(z, Value());', 'NaN before an activation'],
    ['NaN before a ReLU’s gradient', 'backward_single', 'return nan_kept(select(Value(), dy, z > Value()), z);', 'return select(Value(), dy, z > Value());',
      'NaN before an activation'],
    ['a running variance of NaN', 'normalize', 'select(bits | Word(0x7fc00000u), Word(), none)', 'Word()', 'a running variance'],
    ['a frozen variance of NaN', 'backward_single', 'select(bits | Word(0x7fc00000u), Word(), none)', 'Word()', 'a running variance'],
    ['a running variance of ∞', 'normalize', ' | (bits == Word(0x7f800000u))', '', 'a running variance'],
    ['a batch variance beyond f32', 'forward_single', 'nan_unless_finite(m2 * reciprocal(own.count))', 'max(m2 * reciprocal(own.count), Channel())',
      'a batch that f32 cannot square'],
    ['an infinite running mean', 'forward_single', 'nan_unless_finite(keep * running_mean + momentum * (own.mean + own.mean_low))', 'running_mean',
      'a batch that f32 cannot square'],
    ['a running variance after such a batch', 'forward_single', 'nan_unless_finite(keep * running_var + momentum * (m2 * reciprocal(rest)))', 'running_var',
      'a batch that f32 cannot square'],
    ['a tiny variance', 'normalize', 'select(Channel(), variance, counted)', 'variance + Channel(1e-37)', 'what f32 may flush'],
    ['dy of a masked row', 'gradient_input', 'store_dresidual(i, result.dresidual)', 'store_dresidual(i, load_dy(i))', 'behind a plain add'],
    ['a 2 in a mask', 'forward_single', 'mask[rows] != 0u', 'mask[rows] == 1u', 'any number but 0'],
  ])('goes red where a kernel gets %s wrong', async (_, kernel, good, bad, row?: string) => {
    const device = await newDevice();
    const original = device.createShaderModule.bind(device);
    let spoiled = 0;
    device.createShaderModule = (descriptor) => {
      const spoil = descriptor.label?.startsWith(`batchnorm/${kernel}`) && descriptor.code.includes(good);
      if (spoil) spoiled++;
      return original(spoil ? { ...descriptor, code: descriptor.code.replaceAll(good, bad) } : descriptor);
    };
    const backend = await openBackend({ device });
    const names = ['mean is −1e6 deviations', 'small and odd', 'NaN or infinity in one column changes no bit of the others'];
    const report = await verify(backend, { filter: (name) => (row ? name.startsWith(row) : names.includes(name)) });
    expect(spoiled).toBeGreaterThan(0);
    expect(report.failed).toBeGreaterThan(0);
    device.destroy();
  });
});
