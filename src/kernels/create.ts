import { type DeviceLimits, LIMIT_NAMES, type Mode, type Settings, checkModes, resolveOptions, withoutOwnLimits } from '../core/options.js';
import { describe } from '../core/shape.js';
import { classOf } from '../plan/plan.js';
import { bindingsOf } from '../shader/kernels.js';
import type { BatchNormKernels, BatchNormOptions, PreparedShape } from './calls.js';
import { Kernels } from './kernels.js';
import { checkLoss, watchLoss } from './loss.js';
import { type KernelSettings, type ResolvedOperation, resolveOperations, variantOf } from './operations.js';

/**
 * Creates the batch norm kernels for a number of channels, and compiles those that `shapes` need; calls then only record.
 *
 * What is compiled is compiled once per device, whoever asks. The device stays the caller's: it is never destroyed here, and
 * nothing is submitted or read back.
 *
 * @throws {TypeError} an option is of the wrong kind, unknown, or `device` is no GPUDevice.
 * @throws {RangeError} an option has a value that cannot be computed with.
 * @throws {Error} a kernel that `shapes` need did not compile, or the device is lost.
 * @example const bn = await createBatchNorm(device, { channels: 256, modes: ['train', 'infer'], shapes: [{ rows: 128 }] });
 */
export async function createBatchNorm<const O extends BatchNormOptions>(
  device: GPUDevice, options: O & Record<Exclude<keyof O, keyof BatchNormOptions>, never>,
): Promise<BatchNormKernels<O>> {
  const call = 'createBatchNorm';
  if (typeof device?.createComputePipelineAsync !== 'function') {
    throw new TypeError(`${call}: "device" is ${describe(device)}, needs a GPUDevice. Request one from an adapter.`);
  }
  const settings = resolveOptions(call, withoutOwnLimits(options, device), ['modes', 'shapes']);
  const { modes = ['train', 'infer', 'frozen'], shapes = [] }: BatchNormOptions = options;
  checkModes(call, modes);
  return (await createKernels(call, device, settings, modes, shapes)) as BatchNormKernels as BatchNormKernels<O>;
}

/** `createBatchNorm` of checked options, in the name of `call`. */
export async function createKernels(
  call: string, device: GPUDevice, settings: Settings, modes: readonly Mode[], shapes: readonly PreparedShape[],
): Promise<Kernels> {
  const limits = limitsOf(call, device.limits, settings.limits);
  const kernelSettings: KernelSettings = { ...settings, adapterClass: settings.adapterClass ?? classOf(device.adapterInfo) };
  const loss = watchLoss(device);
  await Promise.resolve(); // a device lost before now says so only then
  checkLoss(call, loss);
  const operations = resolveOperations(kernelSettings, modes, limits.maxStorageBuffersPerShaderStage);
  checkBindings(call, operations, limits.maxStorageBuffersPerShaderStage, settings.limits !== undefined);
  const kernels = new Kernels(device, kernelSettings, limits, operations, loss);
  await kernels.compile(call, shapes);
  return kernels;
}

/** The device's limits, or lower ones. */
function limitsOf(call: string, device: DeviceLimits, given: Partial<DeviceLimits> | undefined): DeviceLimits {
  if (given === undefined || given === device) return device;
  const limits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, device[name]])) as Record<(typeof LIMIT_NAMES)[number], number>;
  for (const name of LIMIT_NAMES) {
    const value = given[name];
    if (value === undefined) continue;
    const alignment = name === 'minStorageBufferOffsetAlignment';
    if (alignment ? value < device[name] : value > device[name]) {
      throw new RangeError(
        `${call}: "limits.${name}" is ${value}, needs at ${alignment ? 'least' : 'most'} ${device[name]} (the device's). Leave it out to have that.`,
      );
    }
    limits[name] = value;
  }
  if (limits.maxStorageBufferBindingSize < LEAST_BINDING) {
    throw new RangeError(`${call}: "limits.maxStorageBufferBindingSize" is ${limits.maxStorageBufferBindingSize}, needs at least ${LEAST_BINDING}.`);
  }
  return limits;
}

/** Throws where a kernel that no other can stand in for binds more buffers than a stage may. */
function checkBindings(call: string, operations: readonly ResolvedOperation[], most: number, given: boolean): void {
  const tile = { width: 1, across: 'channels', groupSize: 1, grouped: true, registers: false, unrolled: false } as const;
  let [needed, needs] = [0, ''];
  for (const resolved of operations) {
    for (const step of [...resolved.split, ...(resolved.onePart ?? [])]) {
      const bound = bindingsOf(variantOf(resolved, step, tile, false)).length;
      if (bound > needed) [needed, needs] = [bound, step.kernel];
    }
  }
  if (needed <= most) return;
  throw new RangeError(
    `${call}: "${given ? 'limits' : 'device.limits'}.maxStorageBuffersPerShaderStage" is ${most}, needs at least ${needed} ` +
      `(${needs} binds them with these options). ${given ? 'Leave it out' : 'Request the device with a higher limit'}, or go without what needs it.`,
  );
}

/** Bytes below which no window is worth its dispatch. */
const LEAST_BINDING = 4096;
