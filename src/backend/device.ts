import { classOf } from '../plan/plan.js';
import type { AdapterDescription } from './backend.js';

/** Where each device requested here came from: the npm package `webgpu` ends the process once that is collected before its device. */
const sources = new WeakMap<GPUDevice, GPU>();

/** An adapter: any that offers all of WebGPU, else one of compatibility mode; null where there is none. */
export async function findAdapter(gpu: GPU, powerPreference?: GPUPowerPreference): Promise<GPUAdapter | null> {
  const options: GPURequestAdapterOptions = powerPreference ? { powerPreference } : {};
  return (await gpu.requestAdapter(options)) ?? gpu.requestAdapter({ ...options, featureLevel: 'compatibility' });
}

/** A device with the adapter's limits where a higher one saves dispatches: buffer sizes, and buffers a kernel may bind. */
export async function requestDeviceOf(gpu: GPU, adapter: GPUAdapter, descriptor: Pick<GPUDeviceDescriptor, 'label' | 'requiredFeatures'>): Promise<GPUDevice> {
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  const requiredLimits = { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage };
  const device = await adapter.requestDevice({ ...descriptor, requiredLimits });
  sources.set(device, gpu);
  return device;
}

/** What an adapter or a device says of itself; null where it does not. */
export function describeAdapter(info: GPUAdapterInfo | undefined): AdapterDescription | null {
  if (!info) return null;
  const { vendor, architecture, device, description } = info;
  return { vendor, architecture, device, description, software: classOf(info) === 'software' };
}
