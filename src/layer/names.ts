import { checkFlag, checkNames } from '../plan/options.js';
import { checkCount, describe } from '../plan/shape.js';
import { type BatchNormState, type LoadableState, type StateTensor, checkState } from './state.js';

/** Whose names a state goes by. */
export type Library = 'pytorch' | 'keras' | 'onnx';

/** A state under another library's names: channels elements each, and PyTorch's count of batches as a number. */
export type NamedState = Record<string, Float32Array | number>;

/** Options of `fromNames`: the layer to load into, as it was created. */
export interface NamesOptions {
  channels: number;
  gamma?: boolean;
  beta?: boolean;
  trackRunning?: boolean;
  /** What the names begin with, its separator included: `'features.1.'`. Entries that begin otherwise are left alone. */
  prefix?: string;
  /** Training batches the running statistics have seen, where the entries do not say. */
  batches?: number;
}

/** In the order of Keras's `get_weights()`, which the others share. */
const TENSORS = ['gamma', 'beta', 'runningMean', 'runningVar'] as const satisfies readonly StateTensor[];

const NAMES: Record<Library, Record<StateTensor, string> & { batches?: string }> = {
  pytorch: { gamma: 'weight', beta: 'bias', runningMean: 'running_mean', runningVar: 'running_var', batches: 'num_batches_tracked' },
  keras: { gamma: 'gamma', beta: 'beta', runningMean: 'moving_mean', runningVar: 'moving_variance' },
  onnx: { gamma: 'scale', beta: 'B', runningMean: 'input_mean', runningVar: 'input_var' },
};

/** What a layer without them computes with. */
const NEUTRAL = { gamma: 1, beta: 0 } as const;

/** The layer that does without an entry. */
const WITHOUT: Record<StateTensor, string> = {
  gamma: 'with gamma: false', beta: 'with beta: false', runningMean: 'with trackRunning: false', runningVar: 'with trackRunning: false',
};

const OPTION_NAMES = ['channels', 'gamma', 'beta', 'trackRunning', 'prefix', 'batches'];

/**
 * A layer's state under another library's names, copied.
 *
 * | here | `pytorch` | `keras` | `onnx` |
 * | --- | --- | --- | --- |
 * | gamma | `weight` | `gamma` | `scale` |
 * | beta | `bias` | `beta` | `B` |
 * | runningMean | `running_mean` | `moving_mean` | `input_mean` |
 * | runningVar | `running_var` | `moving_variance` | `input_var` |
 * | batches | `num_batches_tracked` | – | – |
 *
 * Entries come in this order, that of Keras's `get_weights()`: `Object.values()` of the result is what `set_weights()` takes.
 * A gamma or beta the layer does not have is left out where the library can do without it; else it is ones or zeros, which compute
 * the same: ONNX always has both, PyTorch gets both or neither (most versions know no other). Keras and ONNX keep no count of
 * batches: it is dropped.
 * eps and momentum are not state: see `presets`.
 *
 * @param state - what `BatchNorm.state()` gave.
 * @param prefix - put before each name: `'features.1.'`.
 * @throws {TypeError} {RangeError} an entry is unknown, of the wrong kind or length, or not finite; the state has no
 *   running statistics, and the library's batch norm always does.
 * @example Object.assign(stateDict, toNames(await layer.state(), 'pytorch', 'features.1.'));
 */
export function toNames(state: LoadableState, library: Library, prefix = ''): NamedState {
  const call = 'toNames';
  checkLibrary(call, library);
  checkPrefix(call, prefix);
  const given = (typeof state === 'object' && state !== null ? state : {}) as LoadableState;
  const tracked = 'runningMean' in given || 'runningVar' in given || 'batches' in given;
  const held = TENSORS.filter((name) => name in given || (tracked && name.startsWith('running')));
  const channels = held.map((name) => given[name]?.length).find((length) => length) ?? 1;
  checkState(call, state, held, tracked, channels);
  if (!tracked && library !== 'pytorch') {
    throw new RangeError(
      `${call}: "state" has no running statistics, needs them (${library}'s batch norm always has ${NAMES[library].runningMean} and ` +
        `${NAMES[library].runningVar}). Take it from a layer with trackRunning: true.`,
    );
  }
  const names = NAMES[library];
  const both = library === 'onnx' || (library === 'pytorch' && ('gamma' in given || 'beta' in given));
  const named: NamedState = {};
  for (const name of TENSORS) {
    const values = given[name];
    if (values) named[prefix + names[name]] = Float32Array.from(values);
    else if (both && (name === 'gamma' || name === 'beta')) named[prefix + names[name]] = new Float32Array(channels).fill(NEUTRAL[name]);
  }
  if (tracked && names.batches) named[prefix + names.batches] = given.batches!;
  return named;
}

/**
 * What `BatchNorm.load` takes, from entries under another library's names (table: `toNames`), copied and rounded to f32.
 *
 *     layer.load(fromNames(entries, 'pytorch', { channels: 64, prefix: 'features.1.' }))
 *
 * Says whether the entries are the layer's: each that it holds has to be there, and no other under the prefix. Only a
 * scale of ones or a shift of zeros may be there for a layer without it, which computes the same.
 *
 * `batches` counts in cumulative running statistics only. PyTorch says it; where the entries do not, as in Keras and ONNX, it is
 * the option, or 0 with Keras and ONNX. From 0 a cumulative average begins anew with the next batch.
 *
 * @param entries - an object: Float32Array, Float64Array or numbers, channels elements each; `num_batches_tracked` a number, a bigint,
 *   or an array of one (a `BigInt64Array` too). With `'keras'` also the array that `get_weights()` gives, in its order.
 * @throws {TypeError} {RangeError} an entry is missing, unknown, of the wrong kind or length, not finite, or a negative variance;
 *   an option is unknown or of the wrong kind.
 */
export function fromNames(
  entries: Readonly<Record<string, unknown>> | readonly unknown[],
  library: Library,
  options: NamesOptions,
): BatchNormState {
  const call = 'fromNames';
  checkLibrary(call, library);
  checkNames(call, options, OPTION_NAMES);
  const { channels, gamma = true, beta = true, trackRunning = true, prefix = '', batches } = options;
  checkCount(call, 'channels', channels);
  checkFlag(call, 'gamma', gamma);
  checkFlag(call, 'beta', beta);
  checkFlag(call, 'trackRunning', trackRunning);
  checkPrefix(call, prefix);
  if (batches !== undefined) checkBatches(call, batches);
  if (typeof entries !== 'object' || entries === null) {
    throw new TypeError(`${call}: "entries" is ${describe(entries)}, needs an object of entries by name.`);
  }
  if (entries instanceof Map) throw new TypeError(`${call}: "entries" is Map, needs an object. Give Object.fromEntries(entries).`);
  const holds: Record<StateTensor, boolean> = { gamma, beta, runningMean: trackRunning, runningVar: trackRunning };
  const given = Array.isArray(entries) ? inOrder(call, entries, library, holds, prefix) : (entries as Record<string, unknown>);
  const names = NAMES[library];
  checkKnown(call, given, library, holds, prefix);

  const state: BatchNormState = {};
  for (const name of TENSORS) {
    const key = prefix + names[name];
    if (holds[name]) {
      if (!Object.hasOwn(given, key)) throw missing(call, key, `${channels} numbers (one per channel)`, `load into a layer ${WITHOUT[name]}`);
      state[name] = read(call, key, given[key], channels, name === 'runningVar');
    } else if (Object.hasOwn(given, key)) {
      checkNeutral(call, key, read(call, key, given[key], channels, false), name as 'gamma' | 'beta');
    }
  }
  if (trackRunning) {
    const key = names.batches && prefix + names.batches;
    if (key && Object.hasOwn(given, key)) state.batches = readCount(call, key, given[key]);
    else if (key && batches === undefined) throw missing(call, key, 'an integer of at least 0', 'say it by the option "batches"');
    else state.batches = batches ?? 0;
  }
  return state;
}

/** `get_weights()` has no names: the arrays are those the layer holds, in order. */
function inOrder(call: string, list: readonly unknown[], library: Library, holds: Record<StateTensor, boolean>, prefix: string): Record<string, unknown> {
  if (library !== 'keras') {
    throw new TypeError(`${call}: "entries" is an array, needs an object of entries by name (only Keras's get_weights() goes by order).`);
  }
  if (prefix !== '') throw new RangeError(`${call}: "prefix" is ${describe(prefix)}, needs none (an array has no names). Leave it out.`);
  const names = TENSORS.filter((name) => holds[name]).map((name) => NAMES.keras[name]);
  if (list.length !== names.length) {
    throw new RangeError(
      `${call}: "entries" has ${list.length} arrays, needs ${names.length} (${names.join(', ') || 'nothing'}, from the options). ` +
        `Give what get_weights() of that layer gives.`,
    );
  }
  return Object.fromEntries(names.map((name, i) => [name, list[i]]));
}

/** An entry nobody reads would be lost in silence. */
function checkKnown(call: string, given: Record<string, unknown>, library: Library, holds: Record<StateTensor, boolean>, prefix: string): void {
  const known = new Map(Object.entries(NAMES[library]).map(([name, theirs]) => [prefix + theirs, name]));
  const keys = Object.keys(given).filter((key) => key.startsWith(prefix));
  if (keys.length === 0 && prefix !== '' && Object.values(holds).includes(true)) {
    throw new RangeError(
      `${call}: "prefix" is ${describe(prefix)}, needs one that entries begin with (none of ${Object.keys(given).length} does). Correct it.`,
    );
  }
  for (const key of keys) {
    const name = known.get(key);
    if (name === undefined) {
      throw new RangeError(
        `${call}: "${key}" is no entry of ${library}'s batch norm, needs only ${[...known.keys()].join(', ')}. ` +
          `Remove it, or ${prefix === '' ? 'give the prefix of one layer' : 'correct the prefix'}.`,
      );
    }
    if (!holds.runningMean && name !== 'gamma' && name !== 'beta') {
      throw new RangeError(`${call}: "${key}" is there, needs a layer that keeps running statistics. Remove it, or load into a layer with trackRunning: true.`);
    }
  }
}

function read(call: string, key: string, value: unknown, channels: number, isVariance: boolean): Float32Array {
  const array = value as Float32Array | Float64Array | readonly number[];
  if (!(value instanceof Float32Array) && !(value instanceof Float64Array) && !Array.isArray(value)) {
    throw new TypeError(`${call}: "${key}" is ${describe(value)}, needs a Float32Array, a Float64Array or an array of ${channels} numbers.`);
  }
  if (array.length !== channels) {
    throw new RangeError(`${call}: "${key}" has ${array.length} elements, needs ${channels} (one per channel). Give the entry of that layer.`);
  }
  for (let c = 0; c < channels; c++) {
    const number: unknown = array[c];
    if (typeof number !== 'number' || !Number.isFinite(Math.fround(number)) || (isVariance && number < 0)) {
      throw new RangeError(
        `${call}: "${key}" has ${describe(number)} at ${c}, needs finite f32 numbers${isVariance ? ' of at least 0' : ''}. Correct it before loading.`,
      );
    }
  }
  return Float32Array.from(array);
}

function checkNeutral(call: string, key: string, values: Float32Array, name: 'gamma' | 'beta'): void {
  const c = values.findIndex((value) => value !== NEUTRAL[name]);
  if (c >= 0) {
    throw new RangeError(
      `${call}: "${key}" has ${values[c]} at ${c}, needs only ${NEUTRAL[name]} (the layer has no ${name}). Load into a layer with ${name}: true.`,
    );
  }
}

/** PyTorch's count is an int64 of no dimension, which files give as a number, a bigint or an array of one. */
function readCount(call: string, key: string, value: unknown): number {
  const isArray = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  const array = (isArray ? value : [value]) as ArrayLike<unknown>;
  const count = typeof array[0] === 'bigint' ? Number(array[0]) : array[0];
  if (array.length !== 1 || !isCount(count)) {
    const given = array.length !== 1 ? `has ${array.length} elements` : `is ${typeof array[0] === 'bigint' ? array[0] : describe(count)}`;
    throw new RangeError(`${call}: "${key}" ${given}, needs one integer from 0 to ${Number.MAX_SAFE_INTEGER}. Correct it before loading.`);
  }
  return count;
}

function checkBatches(call: string, batches: unknown): void {
  if (!isCount(batches)) throw new RangeError(`${call}: "batches" is ${describe(batches)}, needs an integer from 0 to ${Number.MAX_SAFE_INTEGER}.`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function checkLibrary(call: string, library: unknown): asserts library is Library {
  if (typeof library !== 'string' || !Object.hasOwn(NAMES, library)) {
    const list = Object.keys(NAMES).map((name) => `'${name}'`).join(', ');
    throw new RangeError(`${call}: "library" is ${describe(library)}, needs one of ${list}.`);
  }
}

function checkPrefix(call: string, prefix: unknown): void {
  if (typeof prefix !== 'string') throw new TypeError(`${call}: "prefix" is ${describe(prefix)}, needs a string such as 'features.1.'.`);
}

function missing(call: string, key: string, needed: string, otherwise: string): RangeError {
  return new RangeError(`${call}: "${key}" is missing, needs ${needed}. Give it, or ${otherwise}.`);
}
