import { type Activation, type ResolvedActivation, isActivated, resolveActivation } from './activations.js';
import { optionMeant, valueMeant } from './meant.js';
import { type Layout, MAX_CHANNELS, checkCount, checkLayout, describe } from './shape.js';
import { type Storage, checkStorage } from './storage.js';

/** Which variance the running statistics keep: ÷ rows, or ÷ (rows − 1). */
export type RunningVariance = 'biased' | 'unbiased';

/** What the kernels can be asked to do; each mode has calls of its own. */
export type Mode = 'train' | 'infer' | 'frozen' | 'phases';

/** How a call says which rows count: all; a number for each row, in (batch, spatial) order, 0 where it does not; the first so many. */
export type RowMask = 'none' | 'rows' | 'count';

/** The numbers of one batch norm. */
export interface Numbers {
  /** Added to the variance inside the root; below 1.2e-38, the smallest normal f32, it counts as 0. Default 1e-5. */
  eps: number;
  /**
   * Weight of the new batch in `running ← (1 − momentum) · running + momentum · batch`, or `'cumulative'`: 1 / (batches
   * so far), which makes the running statistics the mean of all batches'. Default 0.1.
   */
  momentum: number | 'cumulative';
  /** Default `'unbiased'`, as PyTorch. A batch itself is always normalized with its biased variance. */
  runningVariance: RunningVariance;
}

/**
 * Hardware hides latency with many workgroups. A software adapter runs a workgroup on one core, so it
 * wants few: there a barrier costs tens of trivial kernels.
 */
export type AdapterClass = 'hardware' | 'software';

/** One dispatch that does it all, or parts of the rows, their merge, and the elementwise pass. */
export type PlanKind = 'single' | 'split';

/** What of a device's limits plans and checks go by. */
export interface DeviceLimits {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly minStorageBufferOffsetAlignment: number;
}

/** The options that kernels and layer have alike. `Numbers` (eps, momentum, runningVariance) are PyTorch's where left out. */
export interface CommonOptions extends Partial<Numbers> {
  channels: number;
  /** Where a channel's values lie: in the last axis (NC, NHWC, …), or in the second (NCL, NCHW, …). Default `'channelsLast'`. */
  layout?: Layout;
  /** How x, y, dy, dx and the residual lie in memory: f32, or two f16 or bf16 a 32-bit word. Default `'f32'`. */
  storage?: Storage;
  /** What follows z = gamma · xHat + beta (+ residual) in the same pass: a name, or one's own. Default `'none'`. */
  activation?: Activation;
  /** Whether calls add a residual to gamma · xHat + beta, before the activation. Default false. */
  residual?: boolean;
  /** Whether calls say which rows count, and how: `'rows'` by `mask`, `'count'` by `validRows`. Default `'none'`. */
  mask?: RowMask;
  /** Whether y may be written over x where statistics are given, and dx over dy. Default false. */
  inPlace?: boolean;
  /** Whether there is a gamma; without one it is 1 and has no gradient. Default true. */
  gamma?: boolean;
  /** Whether there is a beta; without one it is 0 and has no gradient. Default true. */
  beta?: boolean;
  /** How the work is cut on a GPU. Default: read off the adapter. */
  adapterClass?: AdapterClass;
  /**
   * Forces a plan on a GPU: three dispatches, or one wherever eight buffers suffice and, in half storage, channels (channels-first
   * spatial) are a multiple of 4. With `'single'` a call that would have a thread read more than 16 384 times is refused.
   * Default: by shape and adapter class; `tune` finds the quicker.
   */
  plan?: PlanKind;
  /** Limits to keep to on a GPU, each at most the device's: tensors are then seen through smaller windows. Default the device's. */
  limits?: Partial<DeviceLimits>;
  /** Receives what WebGPU reports only after a call has returned. Without one the error is rethrown outside any call. */
  onError?: (error: Error) => void;
}

/** The options as every room takes them: checked, each with a value. */
export interface Settings extends Numbers {
  channels: number;
  layout: Layout;
  storage: Storage;
  activation: ResolvedActivation;
  residual: boolean;
  mask: RowMask;
  inPlace: boolean;
  gamma: boolean;
  beta: boolean;
  /** Undefined: as the adapter is. */
  adapterClass: AdapterClass | undefined;
  /** Undefined: as the planner chooses. */
  plan: PlanKind | undefined;
  /** Undefined: the device's. */
  limits: Partial<DeviceLimits> | undefined;
  onError: ((error: Error) => void) | undefined;
}

export const DEFAULTS: Numbers = { eps: 1e-5, momentum: 0.1, runningVariance: 'unbiased' };

const MODES: readonly Mode[] = ['train', 'infer', 'frozen', 'phases'];
const MASKS: readonly RowMask[] = ['none', 'rows', 'count'];

const CLASSES: readonly AdapterClass[] = ['hardware', 'software'];
const PLANS: readonly PlanKind[] = ['single', 'split'];
export const LIMIT_NAMES = [
  'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupsPerDimension', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage',
  'minStorageBufferOffsetAlignment',
] as const satisfies readonly (keyof DeviceLimits)[];
const COMMON_NAMES = [
  'channels', 'layout', 'storage', 'activation', 'residual', 'mask', 'inPlace', 'eps', 'momentum', 'runningVariance', 'gamma', 'beta', 'adapterClass', 'plan',
  'limits', 'onError',
] as const satisfies readonly (keyof CommonOptions)[];

/**
 * The options, checked and with their defaults.
 *
 * @param own - names of further options that `call` takes and checks itself.
 * @throws {TypeError} an option is of the wrong kind, or unknown.
 * @throws {RangeError} an option has a value that cannot be computed with.
 */
export function resolveOptions(call: string, options: CommonOptions, own: readonly string[]): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${call}: "options" is ${describe(options)}, needs an object with at least channels.`);
  }
  checkNames(call, options, [...COMMON_NAMES, ...own]);
  const {
    channels, layout = 'channelsLast', storage = 'f32', activation = 'none', residual = false, mask = 'none', inPlace = false, gamma = true, beta = true,
    eps = DEFAULTS.eps, momentum = DEFAULTS.momentum, runningVariance = DEFAULTS.runningVariance, adapterClass, plan, limits, onError,
  } = options;
  checkNumbers(call, { channels, eps, momentum, runningVariance });
  for (const [name, flag] of Object.entries({ gamma, beta, inPlace, residual })) checkFlag(call, name, flag);
  checkLayout(call, layout);
  checkStorage(call, storage);
  const resolved = resolveActivation(call, activation);
  checkRowMask(call, mask);
  if (adapterClass !== undefined) checkOneOf(call, 'adapterClass', adapterClass, CLASSES);
  if (plan !== undefined) checkOneOf(call, 'plan', plan, PLANS, ' Leave it out to have it chosen.');
  if (limits !== undefined) checkLimits(call, limits);
  if (onError !== undefined && typeof onError !== 'function') {
    throw new TypeError(`${call}: "onError" is ${describe(onError)}, needs a function.`);
  }
  return {
    channels, layout, storage, activation: resolved, residual, mask, inPlace, gamma, beta, eps, momentum, runningVariance, adapterClass, plan, limits, onError,
  };
}

/** The options, without limits that are the device's own object: that may have whatever it has. */
export function withoutOwnLimits<O extends CommonOptions>(options: O, device: { readonly limits: object } | null): O {
  return device && options?.limits === device.limits ? { ...options, limits: undefined } : options;
}

/** Throws unless limits are numbers that some device could have; whether this one does is seen where it is known. */
function checkLimits(call: string, limits: Partial<DeviceLimits>): void {
  if (typeof limits !== 'object' || limits === null) {
    throw new TypeError(`${call}: "limits" is ${describe(limits)}, needs an object such as device.limits. Leave it out to have those.`);
  }
  checkNames(call, limits, LIMIT_NAMES);
  for (const name of LIMIT_NAMES) {
    const value = limits[name]; // of a GPUSupportedLimits it is on the prototype
    if (value === undefined) continue;
    checkCount(call, `limits.${name}`, value);
    if (name === 'minStorageBufferOffsetAlignment' && !Number.isInteger(Math.log2(value))) {
      throw new RangeError(`${call}: "limits.${name}" is ${value}, needs a power of 2. Leave it out to have the device's.`);
    }
  }
}

/** Whether a backward writes the residual's gradient: where it is not dy to the bit, behind an activation or where rows are masked. */
export const hasResidualGradient = ({ activation, residual, mask }: Pick<Settings, 'residual' | 'mask'> & { activation: { readonly name: string } }): boolean =>
  residual && (isActivated(activation) || mask !== 'none');

/** Refuses an option nobody reads: a misspelt one would otherwise change nothing in silence. */
export function checkNames(call: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${call}: "options" is ${describe(options)}, needs an object with ${known.join(', ')}.`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      const meant = optionMeant(name, known);
      throw new TypeError(
        meant ? `${call}: "${name}" is not an option, needs ${meant} (so it is called here). Rename it.`
          : `${call}: "${name}" is not an option, needs one of ${known.join(', ')}. Remove or rename it.`,
      );
    }
  }
}

/** Throws unless channels, eps, momentum and running variance can be computed with. */
export function checkNumbers(call: string, options: { channels: number } & Numbers): void {
  checkCount(call, 'channels', options.channels);
  if (options.channels > MAX_CHANNELS) {
    throw new RangeError(`${call}: "channels" is ${options.channels}, needs at most ${MAX_CHANNELS} (6 words of each, indices are u32). Split them.`);
  }
  const { eps, momentum, runningVariance } = options;
  checkEps(call, eps);
  checkRunning(call, { momentum, runningVariance });
}

export function checkEps(call: string, eps: unknown): void {
  checkFinite(call, 'eps', eps);
  if ((eps as number) < 0) throw new RangeError(`${call}: "eps" is ${eps}, needs a finite number of at least 0.`);
}

/** What the running update goes by. */
export function checkRunning(call: string, { momentum, runningVariance }: Pick<Numbers, 'momentum' | 'runningVariance'>): void {
  if (momentum !== 'cumulative') checkMomentum(call, momentum);
  if (runningVariance !== 'biased' && runningVariance !== 'unbiased') {
    throw new RangeError(`${call}: "runningVariance" is ${describe(runningVariance)}, needs 'biased' or 'unbiased'.`);
  }
}

function checkMomentum(call: string, momentum: unknown): asserts momentum is number {
  if (typeof momentum === 'string' || momentum === null) {
    throw new RangeError(`${call}: "momentum" is ${describe(momentum)}, needs a number from 0 to 1, or 'cumulative'.${valueMeant(momentum, ['cumulative'])}`);
  }
  checkFinite(call, 'momentum', momentum);
  if ((momentum as number) < 0 || (momentum as number) > 1) {
    throw new RangeError(
      `${call}: "momentum" is ${momentum}, needs a number from 0 to 1 (weight of the new batch; Keras's 0.99 is 0.01 here).`,
    );
  }
}

export function checkRowMask(call: string, mask: unknown): asserts mask is RowMask {
  checkOneOf(call, 'mask', mask, MASKS);
}

function checkOneOf(call: string, name: string, value: unknown, known: readonly string[], advice = ''): void {
  if (!known.includes(value as string)) {
    const quoted = known.map((each) => `'${each}'`);
    const needed = quoted.length === 2 ? quoted.join(' or ') : `one of ${quoted.join(', ')}`;
    throw new RangeError(`${call}: "${name}" is ${describe(value)}, needs ${needed}.${valueMeant(value, known) || advice}`);
  }
}

export function checkFlag(call: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs true or false.`);
}

export function checkModes(call: string, modes: unknown): void {
  const list = MODES.map((mode) => `'${mode}'`).join(', ');
  if (!Array.isArray(modes)) throw new TypeError(`${call}: "modes" is ${describe(modes)}, needs an array of ${list}.`);
  if (modes.length === 0) throw new RangeError(`${call}: "modes" is empty, needs at least one of ${list}.`);
  for (const mode of modes) {
    if (!MODES.includes(mode)) throw new RangeError(`${call}: "modes" holds ${describe(mode)}, needs ${list}.`);
  }
}

/** One row has no unbiased variance: rows / (rows − 1) divides by zero. */
export function checkUnbiased(call: string, rows: number, runningVariance: RunningVariance): void {
  if (rows === 1 && runningVariance === 'unbiased') {
    throw new RangeError(
      `${call}: "rows" is 1, needs at least 2 (an unbiased running variance divides by rows − 1). ` +
        `Give more rows, or use runningVariance: 'biased'.`,
    );
  }
}

/** What turns the biased batch variance into the one `runningVar` keeps. */
export function runningVarianceFactor(rows: number, runningVariance: RunningVariance): number {
  return runningVariance === 'unbiased' && rows > 1 ? rows / (rows - 1) : 1;
}

function checkFinite(call: string, name: string, value: unknown): void {
  if (typeof value !== 'number') throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs a finite number.`);
  if (!Number.isFinite(Math.fround(value))) throw new RangeError(`${call}: "${name}" is ${value}, needs a finite number (f32).`);
}

/** Parts that a call may name: more would be a list no plan is made for. */
export const MAX_PARTS = 65535;
