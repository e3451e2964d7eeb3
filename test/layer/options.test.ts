// Claim: a layer's kernels are cut as its options say: by plan, adapter class and limits, as those of createBatchNorm are.
// Control: without any, the plan is the planner's.
import { expect, it } from 'vitest';
import { BatchNorm, type LayerOptions, openBackend } from '../../src/index.js';
import { DoubleDevice } from '../double.js';

const CHANNELS = 64;

/** The kernels of a layer's forward and backward at [4096, 64], in the order they are compiled, and how often each is dispatched. */
async function kernelsOf(options: Partial<LayerOptions>) {
  const double = new DoubleDevice();
  const backend = await openBackend({ device: double.device });
  const layer = await BatchNorm.create(backend, { channels: CHANNELS, shapes: [[4096, CHANNELS]], ...options });
  const x = backend.empty([4096, CHANNELS]);
  const pass = double.pass();
  let dispatches = 0;
  pass.dispatchWorkgroups = () => void dispatches++;
  layer.forward(x, { pass });
  return { labels: double.pipelines, names: new Set(double.pipelines.map((label) => /\/(\w+)/.exec(label)![1])), dispatches };
}

it('control, and each plan', async () => {
  expect(await kernelsOf({ adapterClass: 'software' })).toMatchObject({ names: new Set(['forward_single', 'backward_single', 'normalize']), dispatches: 1 });
  expect((await kernelsOf({ adapterClass: 'software', plan: 'single' })).dispatches).toBe(1);
  const split = await kernelsOf({ adapterClass: 'software', plan: 'split' });
  expect(split.dispatches).toBe(3);
  expect(split.names).toContain('moments_finalize');
  expect(split.names).toContain('gradient_finalize');
});

it('what `shapes` names is compiled ahead, and nothing by the call', async () => {
  for (const plan of ['single', 'split'] as const) {
    expect((await kernelsOf({ plan })).labels.filter((label) => label.endsWith('!')), plan).toEqual([]);
    expect((await kernelsOf({ plan, shapes: [] })).labels.every((label) => label.endsWith('!')), plan).toBe(true);
  }
});

it('each adapter class has texts of its own', async () => {
  const [hardware, software] = [await kernelsOf({ adapterClass: 'hardware' }), await kernelsOf({ adapterClass: 'software' })];
  expect(hardware.labels).not.toEqual(software.labels);
});

it('lower limits make more windows, each a dispatch; the default is the device’s', async () => {
  const whole = await kernelsOf({ adapterClass: 'software', plan: 'split' });
  const cut = await kernelsOf({ adapterClass: 'software', plan: 'split', limits: { maxStorageBufferBindingSize: 2 ** 18 } });
  expect(whole.dispatches).toBe(3);
  expect(cut.dispatches).toBe(9); // x has 2^20 bytes: four windows for the moments, one merge, four to normalize
});

it('what the device cannot keep to is refused in the name of the call', async () => {
  const backend = await openBackend({ device: new DoubleDevice().device });
  await expect(BatchNorm.create(backend, { channels: CHANNELS, limits: { maxStorageBuffersPerShaderStage: 99 } })).rejects.toThrow(
    'BatchNorm.create: "limits.maxStorageBuffersPerShaderStage" is 99, needs at most 8 (the device\'s). Leave it out to have that.',
  );
});
