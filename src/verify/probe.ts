import probeOrder from '../../shaders/kernels/probe_order.wgsl?raw';
import opaque from '../../shaders/numerics/arithmetic_fence.wgsl?raw';
import twoSum from '../../shaders/numerics/two_sum.wgsl?raw';
import type { Backend } from '../backend/backend.js';

/** 1 + 2⁻³⁰ rounds to 1, so all of the second is what the sum loses. */
const A = 1;
const B = 2 ** -30;

/**
 * What a compiler does to floating-point operations: keeps their order, reassociates them but not past
 * the kernels' guards, or even past those, which leaves the plain f32 mean and its bounds.
 */
export type Order = 'kept' | 'guarded' | 'lost';

/** Asks the backend's compiler. ECMAScript keeps the order. */
export async function probeOrderOf(backend: Backend): Promise<Order> {
  const { device } = backend;
  if (!device) return 'kept';
  const code =
    'alias Value = f32;\nalias ValueWord = u32;\nalias Channel = f32;\nalias Word = u32;\nstruct Params { zero: u32 }\n' +
    '@group(0) @binding(0) var<uniform> params: Params;\n' +
    '@group(0) @binding(1) var<storage, read> values: array<f32>;\n' +
    '@group(0) @binding(2) var<storage, read_write> result: array<f32>;\n' +
    opaque + twoSum + probeOrder;
  const zero = device.createBuffer({ label: 'batchnorm/probe_order params', size: 16, usage: 0x40 }); // UNIFORM
  const values = backend.tensor([A, B], [2]);
  const result = backend.empty([2]);
  try {
    const module = device.createShaderModule({ label: 'batchnorm/probe_order', code });
    const pipeline = await device.createComputePipelineAsync({
      label: 'batchnorm/probe_order', layout: 'auto', compute: { module, entryPoint: 'main' },
    });
    const bindGroup = device.createBindGroup({
      label: 'batchnorm/probe_order buffers',
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: zero } },
        { binding: 1, resource: { buffer: values.buffer! } },
        { binding: 2, resource: { buffer: result.buffer! } },
      ],
    });
    const encoder = device.createCommandEncoder({ label: 'batchnorm/probe_order' });
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(1);
    pass.end();
    device.queue.submit([encoder.finish()]);
    const [plain, guarded] = await result.read();
    if (guarded !== B) return 'lost';
    return plain === B ? 'kept' : 'guarded';
  } finally {
    zero.destroy();
    values.dispose();
    result.dispose();
  }
}
