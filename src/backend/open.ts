import { checkNames } from '../core/options.js';
import { describe } from '../core/shape.js';
import type { Backend } from './backend.js';
import { CpuBackend } from './cpu.js';
import { describeAdapter, findAdapter, requestDeviceOf } from './device.js';
import { GpuBackend } from './gpu.js';

/** What to run on: whatever adapter WebGPU has; a hardware one, else the CPU; the CPU. */
export type Prefer = 'gpu' | 'fastest' | 'cpu';

export interface OpenOptions {
  /** A device of the caller's, used and never destroyed. Default: one is requested and owned. */
  device?: GPUDevice;
  /**
   * Default `'gpu'`: any adapter, even a software one. `'fastest'` takes a hardware adapter or else the CPU, which is quicker than
   * a software adapter. `'cpu'` does not look for a GPU.
   */
  prefer?: Prefer;
  /** What to do where there is no such GPU: run on the CPU (default), or throw. */
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
 * A device requested here gets the adapter's own limits for buffers, their sizes and their number, and belongs to the backend. Where
 * there is only an adapter of WebGPU's compatibility mode, that is taken.
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
  if (prefer !== 'gpu' && prefer !== 'fastest' && prefer !== 'cpu') {
    throw new RangeError(`${call}: "prefer" is ${describe(prefer)}, needs 'gpu', 'fastest' or 'cpu'.`);
  }
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
  const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  const found = device ? ofDevice(device, prefer) : await requestDevice(gpu, prefer, powerPreference);
  if (typeof found !== 'string') return found;
  if (fallback === 'throw') {
    throw new Error(`${call}: ${found} Enable WebGPU${prefer === 'fastest' ? ' on a hardware adapter' : ''}, or let fallback be 'cpu'.`);
  }
  const why = `${found} The CPU runs instead.`;
  onFallback?.(why);
  return new CpuBackend(why);
}

/** Kernels on a software adapter take longer than the CPU's own loops. */
const SOFTWARE = 'WebGPU has only a software adapter here, whose kernels are slower than the CPU’s own code.';

/** A backend on the caller's device, or why there is none. */
function ofDevice(device: GPUDevice, prefer: Prefer): Backend | string {
  const adapter = describeAdapter(device.adapterInfo);
  if (prefer === 'fastest' && adapter?.software) return SOFTWARE;
  return new GpuBackend(device, { reason: 'The device was given.', adapter, owned: false });
}

/** A backend on a device of its own, or why there is none. */
async function requestDevice(gpu: GPU | undefined, prefer: Prefer, powerPreference: GPUPowerPreference | undefined): Promise<Backend | string> {
  if (!gpu) return 'This environment has no WebGPU (navigator.gpu is missing; on the web it needs https or localhost).';
  try {
    const adapter = await findAdapter(gpu, powerPreference);
    if (!adapter) return 'WebGPU has no adapter here.';
    const description = describeAdapter(adapter.info);
    if (prefer === 'fastest' && description?.software) return SOFTWARE;
    const device = await requestDeviceOf(gpu, adapter, { label: 'batchnorm/device' });
    const reason = description?.software
      ? 'WebGPU has only a software adapter here: its kernels run on the CPU’s cores.'
      : 'WebGPU has an adapter here.';
    return new GpuBackend(device, { reason, adapter: description, owned: true });
  } catch (error) {
    return `WebGPU gave no device: ${error instanceof Error ? error.message : error}.`;
  }
}
