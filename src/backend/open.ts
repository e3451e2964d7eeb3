import { classOf } from '../plan/plan.js';
import { checkNames } from '../plan/options.js';
import { describe } from '../plan/shape.js';
import type { AdapterDescription, Backend } from './backend.js';
import { CpuBackend } from './cpu.js';
import { GpuBackend } from './gpu.js';

export interface OpenOptions {
  /** A device of the caller's, used and never destroyed. Default: one is requested and owned. */
  device?: GPUDevice;
  /** Default `'gpu'`. `'cpu'` does not look for a GPU. */
  prefer?: 'gpu' | 'cpu';
  /** What to do where there is no GPU: run on the CPU (default), or throw. */
  fallback?: 'cpu' | 'throw';
  /** Called with the reason when the CPU takes over. */
  onFallback?: (why: string) => void;
  /** Where WebGPU is found. Default `navigator.gpu`; in Node, what the package `webgpu` creates. */
  gpu?: GPU;
  powerPreference?: GPUPowerPreference;
}

const OPTION_NAMES = ['device', 'prefer', 'fallback', 'onFallback', 'gpu', 'powerPreference'];

/**
 * Opens a backend: the given device, else one from the best adapter, else the CPU.
 *
 * Falling back is never silent: `backend.kind` and `backend.reason` say what runs, and `onFallback` is called.
 * A device requested here gets the adapter's own limits for buffer sizes, and belongs to the backend.
 *
 * @throws {TypeError} {RangeError} an option is unknown or has no meaning.
 * @throws {Error} there is no GPU and `fallback` is `'throw'`.
 * @example const backend = await openBackend({ onFallback: (why) => console.warn(why) });
 */
export async function openBackend(options: OpenOptions = {}): Promise<Backend> {
  const call = 'openBackend';
  checkNames(call, options, OPTION_NAMES);
  const { device, prefer = 'gpu', fallback = 'cpu', onFallback, powerPreference } = options;
  if (powerPreference !== undefined && powerPreference !== 'low-power' && powerPreference !== 'high-performance') {
    throw new RangeError(`${call}: "powerPreference" is ${describe(powerPreference)}, needs 'low-power' or 'high-performance'.`);
  }
  if (options.gpu !== undefined && typeof options.gpu?.requestAdapter !== 'function') {
    throw new TypeError(`${call}: "gpu" is ${describe(options.gpu)}, needs a GPU such as navigator.gpu. Leave it out to use that.`);
  }
  if (prefer !== 'gpu' && prefer !== 'cpu') throw new RangeError(`${call}: "prefer" is ${describe(prefer)}, needs 'gpu' or 'cpu'.`);
  if (fallback !== 'cpu' && fallback !== 'throw') {
    throw new RangeError(`${call}: "fallback" is ${describe(fallback)}, needs 'cpu' or 'throw'.`);
  }
  if (device !== undefined && typeof device?.createComputePipelineAsync !== 'function') {
    throw new TypeError(`${call}: "device" is ${describe(device)}, needs a GPUDevice. Leave it out to have one requested.`);
  }
  if (device !== undefined && prefer === 'cpu') {
    throw new RangeError(`${call}: "device" is given with prefer 'cpu', needs one or the other. Leave one out.`);
  }
  if (onFallback !== undefined && typeof onFallback !== 'function') {
    throw new TypeError(`${call}: "onFallback" is ${describe(onFallback)}, needs a function.`);
  }
  if (prefer === 'cpu') return new CpuBackend('The CPU was asked for.');
  if (device) {
    return new GpuBackend(device, { reason: 'The device was given.', adapter: describeAdapter(device.adapterInfo), owned: false });
  }
  const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  const found = await requestDevice(gpu, powerPreference);
  if (typeof found !== 'string') return found;
  if (fallback === 'throw') {
    throw new Error(`${call}: ${found} Enable WebGPU, or let fallback be 'cpu'.`);
  }
  const why = `${found} The CPU runs instead.`;
  onFallback?.(why);
  return new CpuBackend(why);
}

/** A backend on a device of its own, or why there is none. */
async function requestDevice(gpu: GPU | undefined, powerPreference: GPUPowerPreference | undefined): Promise<Backend | string> {
  if (!gpu) return 'This environment has no WebGPU (navigator.gpu is missing; on the web it needs https or localhost).';
  try {
    const adapter = await gpu.requestAdapter({ powerPreference });
    if (!adapter) return 'WebGPU has no adapter here.';
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
    const device = await adapter.requestDevice({
      label: 'batchnorm/device',
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
    });
    const description = describeAdapter(adapter.info);
    const reason = description?.software
      ? 'WebGPU has only a software adapter here: its kernels run on the CPU’s cores.'
      : 'WebGPU has an adapter here.';
    return new GpuBackend(device, { reason, adapter: description, owned: true });
  } catch (error) {
    return `WebGPU gave no device: ${error instanceof Error ? error.message : error}.`;
  }
}

function describeAdapter(info: GPUAdapterInfo | undefined): AdapterDescription | null {
  if (!info) return null;
  const { vendor, architecture, device, description } = info;
  return { vendor, architecture, device, description, software: classOf(info) === 'software' };
}
