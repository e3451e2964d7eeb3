import { createBatchNorm } from '../../src/index.js';

export async function run(): Promise<Float32Array> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error('There is no WebGPU adapter here.');
  const device = await adapter.requestDevice();
  const bn = await createBatchNorm(device, {
    channels: 2,
    modes: ['train'],
    shapes: [{ rows: 4, calls: ['forward'], running: false }], // compiled now
  });

  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const make = (elements: number, usage: number) =>
    device.createBuffer({ size: 4 * elements, usage });
  const x = make(8, STORAGE | COPY_DST); // 4 rows of 2 channels
  const gamma = make(2, STORAGE | COPY_DST);
  const beta = make(2, STORAGE | COPY_DST); // WebGPU fills it with zeros
  const y = make(8, STORAGE | COPY_SRC);
  const saved = bn.createSaved(); // for backward
  const download = make(8, COPY_DST | MAP_READ);
  const values = new Float32Array([1, 10, 2, 20, 3, 30, 4, 40]);
  device.queue.writeBuffer(x, 0, values);
  device.queue.writeBuffer(gamma, 0, new Float32Array([1, 1]));

  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  bn.forward(pass, { x, gamma, beta, y, saved }, { rows: 4 });
  pass.end();
  encoder.copyBufferToBuffer(y, 0, download, 0, y.size);
  device.queue.submit([encoder.finish()]);

  await download.mapAsync(GPUMapMode.READ);
  const result = new Float32Array(download.getMappedRange()).slice();
  device.destroy();
  return result;
}
