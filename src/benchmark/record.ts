import { COPY_DST, MAP_READ, READ } from '../core/gpuFlags.js';
import { grid } from '../plan/plan.js';
import type { Contender } from './measure.js';

/** A row that records into one pass. */
export function inPass(
  name: string, bytes: number, dispatches: number | null, record: (pass: GPUComputePassEncoder) => void, check?: () => Promise<void>,
): Contender {
  return {
    name, kind: 'gpu', bytes, dispatches, check,
    run(encoder, timestampWrites) {
      const pass = encoder!.beginComputePass(timestampWrites ? { timestampWrites } : undefined);
      record(pass);
      pass.end();
    },
  };
}

/** One vec4 kernel over whole tensors; `inputs` are its first bindings, y its last. */
export async function elementwise(
  device: GPUDevice, name: string, code: string, inputs: readonly GPUBuffer[], y: GPUBuffer, bytes: number, elements: number,
): Promise<Contender> {
  const module = device.createShaderModule({ label: `batchnorm/benchmark ${name}`, code });
  const pipeline = await device.createComputePipelineAsync({ label: `batchnorm/benchmark ${name}`, layout: 'auto', compute: { module, entryPoint: 'main' } });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [...inputs, y].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const [columns, lines] = grid(Math.ceil(elements / 4 / 256), device.limits);
  return inPass(name, bytes, 1, (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(columns, lines);
  });
}

/** Records into one pass and submits. */
export function runOnce(device: GPUDevice, record: (pass: GPUComputePassEncoder) => void): void {
  const encoder = device.createCommandEncoder({ label: 'batchnorm/benchmark' });
  const pass = encoder.beginComputePass();
  record(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

export async function download(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const staging = device.createBuffer({ label: 'batchnorm/benchmark read', size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(READ);
  const values = new Float32Array(staging.getMappedRange()).slice();
  staging.destroy();
  return values;
}

