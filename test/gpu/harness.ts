import type { BatchNormOptions } from '../../src/index.js';
import { createBatchNorm } from '../../src/index.js';

/** Bytes past the end of every output. Bindings end where their argument does, so this guards the host's sizes. */
const TAIL = 64;
const SENTINEL = 12345.675;

let shared: Promise<GPUDevice> | null = null;

/** One device for a file's tests; errors nobody asked for make the test that caused them fail. */
export function sharedDevice(): Promise<GPUDevice> {
  return (shared ??= newDevice());
}

export async function newDevice(): Promise<GPUDevice> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    throw new Error('The GPU tests need an adapter. Install Chromium, which brings a software one (Debian: apt-get install chromium libvulkan1).');
  }
  const device = await adapter.requestDevice();
  device.addEventListener('uncapturederror', (event) => {
    errors.push((event as GPUUncapturedErrorEvent).error.message);
  });
  return device;
}

const errors: string[] = [];

/** What the device reported outside any error scope since the last call. */
export function takeErrors(): string[] {
  return errors.splice(0);
}

/** A buffer with values and, behind them, a sentinel. */
export function upload(device: GPUDevice, values: ArrayLike<number>, usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST): GPUBuffer {
  const size = values.length * 4 + TAIL;
  const buffer = device.createBuffer({ size, usage, mappedAtCreation: true });
  const all = new Float32Array(buffer.getMappedRange()).fill(SENTINEL);
  all.set(values);
  buffer.unmap();
  return buffer;
}

/** An output: sentinel throughout. */
export function blank(device: GPUDevice, length: number): GPUBuffer {
  return upload(device, new Float32Array(length).fill(SENTINEL));
}

/** Reads the values; throws when the sentinel behind them was overwritten. */
export async function download(device: GPUDevice, buffer: GPUBuffer, tail = TAIL): Promise<Float32Array> {
  const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const all = new Float32Array(staging.getMappedRange()).slice();
  staging.destroy();
  const values = all.subarray(0, all.length - tail / 4);
  const written = all.subarray(values.length).findIndex((value) => value !== Math.fround(SENTINEL));
  if (written >= 0) throw new Error(`written ${written + 1} elements past the end`);
  return values;
}

/** Records into one pass and submits. */
export function run(device: GPUDevice, record: (pass: GPUComputePassEncoder) => void): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  record(pass);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/** Kernels with every argument in a buffer of its own, for `rows` rows of random-looking data. */
export async function fixture(device: GPUDevice, rows: number, options: BatchNormOptions) {
  const { channels } = options;
  const matrix = (seed: number) => Float32Array.from({ length: rows * channels }, (_, i) => Math.sin(i * 1.7 + seed) * 2);
  const vector = (seed: number) => Float32Array.from({ length: channels }, (_, c) => 1 + 0.3 * Math.sin(c + seed));
  const bn = await createBatchNorm(device, options);
  return {
    bn,
    x: upload(device, matrix(1)),
    dy: upload(device, matrix(2)),
    gamma: upload(device, vector(3)),
    beta: upload(device, vector(4)),
    runningMean: upload(device, vector(5)),
    runningVar: upload(device, vector(6)),
    saved: bn.createSaved(),
    y: blank(device, rows * channels),
    dx: blank(device, rows * channels),
    dgamma: blank(device, channels),
    dbeta: blank(device, channels),
  };
}
