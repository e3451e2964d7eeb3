import { checkFlag, checkNames } from '../core/options.js';
import { checkCount, describe } from '../core/shape.js';
import { lengthOf, numbersOf } from './entry.js';
import { type Entry, type Library, NAMES, TENSORS, checkLibrary, cut, entryOf, flatten, nameOf, namesOf, pathOf, whoseName } from './libraries.js';
import { type BatchNormState, type LoadableState, type StateTensor, checkState, floatsOf } from './state.js';

/** A state under another library's names: channels elements each, and PyTorch's count of batches as a number. */
export type NamedState = Record<string, Float32Array | number>;

/** Options of `fromNames`: the layer to load into, as it was created. */
export interface NamesOptions {
  /** Default: as many as the entries have. */
  channels?: number;
  gamma?: boolean;
  beta?: boolean;
  trackRunning?: boolean;
  /** What the names begin with, its separator included: `'features.1.'`. Entries that begin otherwise are left alone. */
  prefix?: string;
  /** Training batches the running statistics have seen, where the entries do not say. Default 0, as in PyTorch. */
  batches?: number;
  /** A gamma that is not among the entries is ones, a beta zeros. Default false: it is missing. */
  fill?: boolean;
}

/** A batch norm among named entries; `fromNames` takes it as options. */
export interface NamedBatchNorm {
  prefix: string;
  channels: number;
  /** Whether the entries have them. */
  gamma: boolean;
  beta: boolean;
}

/** What a layer without them computes with. */
const NEUTRAL = { gamma: 1, beta: 0 } as const;

/** How to do without an entry. */
const WITHOUT: Record<StateTensor, string> = {
  gamma: 'load into a layer with gamma: false, or ask for ones by fill: true', beta: 'load into a layer with beta: false, or ask for zeros by fill: true',
  runningMean: 'load into a layer with trackRunning: false', runningVar: 'load into a layer with trackRunning: false',
};

const OPTION_NAMES = ['channels', 'gamma', 'beta', 'trackRunning', 'prefix', 'batches', 'fill'];

/**
 * A layer's state under another library's names, copied.
 *
 * | here | `pytorch` | `keras` | `onnx` | `flax` | `webnn` |
 * | --- | --- | --- | --- | --- | --- |
 * | gamma | `weight` | `gamma` | `scale` | `params/…scale` | `scale` |
 * | beta | `bias` | `beta` | `B` | `params/…bias` | `bias` |
 * | runningMean | `running_mean` | `moving_mean` | `input_mean` | `batch_stats/…mean` | `mean` |
 * | runningVar | `running_var` | `moving_variance` | `input_var` | `batch_stats/…var` | `variance` |
 * | batches | `num_batches_tracked` | – | – | – | – |
 *
 * Entries come in this order, that of Keras's `get_weights()`: `Object.values()` of the result is what `set_weights()` takes, and in
 * ONNX the node's inputs after X. Flax's are flat, the prefix behind the collection: `traverse_util.unflatten_dict(…, sep='/')` nests them.
 * A gamma or beta the layer does not have is left out where the library can do without it; else it is ones or zeros, which compute
 * the same: ONNX always has both, PyTorch gets both or neither (most versions know no other). Only PyTorch keeps a count of
 * batches: elsewhere it is dropped.
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
  const both = library === 'onnx' || (library === 'pytorch' && ('gamma' in given || 'beta' in given));
  const named: NamedState = {};
  for (const name of TENSORS) {
    const values = given[name];
    if (values) named[nameOf(library, prefix, name)] = floatsOf(values);
    else if (both && (name === 'gamma' || name === 'beta')) named[nameOf(library, prefix, name)] = new Float32Array(channels).fill(NEUTRAL[name]);
  }
  if (tracked && NAMES[library].batches) named[nameOf(library, prefix, 'batches')] = given.batches!;
  return named;
}

/**
 * What `BatchNorm.load` takes, from entries under another library's names (table: `toNames`), copied and rounded to f32.
 *
 *     layer.load(fromNames(await readSafetensors(file), 'pytorch', { prefix: 'features.1.' }))
 *
 * Also read:
 * - `keras`: `gamma:0`, as TensorFlow and `.h5` files have it. Keras 3's `vars/0` … `vars/3` (a prefix that ends in `vars/` does too), which
 *   number the variables that the layer holds: without gamma, `vars/0` is beta.
 * - `onnx`: `mean` and `var`, as before opset 14. PyTorch's five names, which its exporter leaves on the initializers (`bn1.running_mean`);
 *   where it renamed or shared them, give the node's inputs after X in their order.
 * - `flax`: nested variables (`{ params, batch_stats }`) or flat ones, with `/` or `.`; the prefix is the module's path, `'BatchNorm_0/'`, with
 *   or without the collection. nnx has no collections.
 *
 * Says whether the entries are the layer's: each that it holds has to be there, once, and no other under the prefix. Only a
 * scale of ones or a shift of zeros may be there for a layer without it, which computes the same. With `fill`, a gamma or beta that
 * is not there is ones or zeros.
 *
 * `batches` counts in cumulative running statistics only. PyTorch says it; where the entries do not, as in the others and in PyTorch
 * before 0.4.1, it is the option, or 0, as in PyTorch. From 0 a cumulative average begins anew with the next batch.
 *
 * @param entries - an object: Float32Array, Float64Array, Float16Array or numbers, channels elements each, or `{ data, type }` with one
 *   of these or with halves as a Uint16Array (`NamedTensor`); `num_batches_tracked` a number, a bigint, or an array of one (a
 *   `BigInt64Array` too). With `'keras'` also the array that `get_weights()` gives, in its order; with `'onnx'` the node's four in theirs.
 * @throws {TypeError} {RangeError} an entry is missing, unknown, there twice, of the wrong kind or length, not finite, or a negative
 *   variance; an option is unknown or of the wrong kind.
 */
export function fromNames(
  entries: Readonly<Record<string, unknown>> | readonly unknown[],
  library: Library,
  options: NamesOptions = {},
): BatchNormState {
  const call = 'fromNames';
  checkLibrary(call, library);
  checkNames(call, options, OPTION_NAMES);
  const { gamma = true, beta = true, trackRunning = true, prefix = '', batches = 0, fill = false } = options;
  if (options.channels !== undefined) checkCount(call, 'channels', options.channels);
  checkFlag(call, 'gamma', gamma);
  checkFlag(call, 'beta', beta);
  checkFlag(call, 'trackRunning', trackRunning);
  checkFlag(call, 'fill', fill);
  checkPrefix(call, prefix);
  if (!isCount(batches)) throw new RangeError(`${call}: "batches" is ${describe(batches)}, needs an integer from 0 to ${Number.MAX_SAFE_INTEGER}.`);
  const holds: Record<StateTensor, boolean> = { gamma, beta, runningMean: trackRunning, runningVar: trackRunning };
  const given = Array.isArray(entries) ? inOrder(call, entries, library, holds, prefix) : recordOf(call, entries, library);
  const found = find(call, given, library, holds, prefix);

  // What the lengths are held to: the option, or the first entry there is.
  const first = TENSORS.map((name) => found.get(name)).find((key) => key !== undefined);
  const channels = options.channels ?? (first === undefined ? undefined : lengthOf(given[first]));
  const counted = { channels, from: options.channels === undefined ? `as many as ${first}` : 'one per channel' };
  const state: BatchNormState = {};
  for (const name of TENSORS) {
    const key = found.get(name);
    if (key !== undefined) {
      const values = read(call, key, given[key], counted, name === 'runningVar');
      if (holds[name]) state[name] = values;
      else checkNeutral(call, key, values, name as 'gamma' | 'beta');
    } else if (holds[name]) {
      if (!fill || (name !== 'gamma' && name !== 'beta')) throw missing(call, nameOf(library, prefix, name), channels, name);
      if (channels === undefined) throw new RangeError(`${call}: "channels" is undefined, needs an integer of at least 1 (no entry says how many to fill in).`);
      state[name] = new Float32Array(channels).fill(NEUTRAL[name]);
    }
  }
  if (trackRunning) {
    const key = found.get('batches');
    state.batches = key === undefined ? batches : readCount(call, key, given[key]);
  }
  return state;
}

/**
 * The batch norms among named entries, in their order, each by what its names begin with: options for `fromNames`.
 *
 *     for (const found of listBatchNorms(entries, 'pytorch')) states[found.prefix] = fromNames(entries, 'pytorch', found)
 *
 * A batch norm is told by its running mean and running variance of one length (Keras 3: by `vars/0` … `vars/3` of one length); gamma
 * and beta, where they are there, have that length too. One without running statistics cannot be told from a layer norm, nor one of Keras 3
 * with fewer variables: these are read by their prefix. An instance norm that tracks statistics has the same names in PyTorch.
 *
 * @param entries - as `fromNames` takes them by name; what is no batch norm's is passed over, whatever its kind.
 */
export function listBatchNorms(entries: Readonly<Record<string, unknown>>, library: Library): NamedBatchNorm[] {
  const call = 'listBatchNorms';
  checkLibrary(call, library);
  return batchNormsOf(recordOf(call, entries, library), library);
}

function batchNormsOf(given: Readonly<Record<string, unknown>>, library: Library): NamedBatchNorm[] {
  const lengths = new Map<string, Map<Entry | number, number | undefined>>();
  for (const [key, value] of Object.entries(given)) {
    const { prefix, end } = cut(library, key);
    const entry = entryOf(library, end);
    if (entry === undefined || (typeof entry === 'number' && !end.startsWith('vars/'))) continue;
    if (!lengths.has(prefix)) lengths.set(prefix, new Map());
    lengths.get(prefix)!.set(entry, lengthOf(value));
  }
  const list: NamedBatchNorm[] = [];
  for (const [prefix, all] of lengths) {
    const numbered = all.size === 4 && [0, 1, 2, 3].every((place) => all.has(place));
    const channels = all.get(numbered ? 0 : 'runningMean');
    const needed = numbered ? [0, 1, 2, 3] : ['runningVar', ...(['gamma', 'beta'] as const).filter((name) => all.has(name))];
    if (!channels || !needed.every((entry) => all.get(entry as Entry | number) === channels)) continue;
    list.push({ prefix, channels, gamma: numbered || all.has('gamma'), beta: numbered || all.has('beta') });
  }
  return list;
}

function recordOf(call: string, entries: unknown, library: Library): Record<string, unknown> {
  if (typeof entries !== 'object' || entries === null) {
    throw new TypeError(`${call}: "entries" is ${describe(entries)}, needs an object of entries by name.`);
  }
  if (entries instanceof Map) throw new TypeError(`${call}: "entries" is Map, needs an object. Give Object.fromEntries(entries).`);
  if (ArrayBuffer.isView(entries) || entries instanceof ArrayBuffer) {
    throw new TypeError(`${call}: "entries" is ${describe(entries)}, needs an object of entries by name. Of a file's bytes give what readSafetensors reads.`);
  }
  if (entries instanceof Promise) throw new TypeError(`${call}: "entries" is Promise, needs an object of entries by name. Await it.`);
  return library === 'flax' ? flatten(entries as Record<string, unknown>) : (entries as Record<string, unknown>);
}

/** Arrays without names: with Keras those the layer holds, with ONNX the node's four inputs. */
function inOrder(call: string, list: readonly unknown[], library: Library, holds: Record<StateTensor, boolean>, prefix: string): Record<string, unknown> {
  if (library !== 'keras' && library !== 'onnx') {
    throw new TypeError(`${call}: "entries" is an array, needs an object of entries by name (only Keras's get_weights() and ONNX's inputs go by order).`);
  }
  if (prefix !== '') throw new RangeError(`${call}: "prefix" is ${describe(prefix)}, needs none (an array has no names). Leave it out.`);
  const names = TENSORS.filter((name) => library === 'onnx' || holds[name]).map((name) => NAMES[library][name]);
  if (list.length !== names.length) {
    const from = library === 'keras' ? ', from the options' : '';
    const what = library === 'keras' ? 'what get_weights() of that layer gives' : `the node's inputs after X`;
    throw new RangeError(`${call}: "entries" has ${list.length} arrays, needs ${names.length} (${names.join(', ') || 'nothing'}${from}). Give ${what}.`);
  }
  return Object.fromEntries(names.map((name, i) => [name, list[i]]));
}

/** The key of each entry under the prefix. An entry nobody reads would be lost in silence. */
function find(call: string, given: Record<string, unknown>, library: Library, holds: Record<StateTensor, boolean>, prefix: string): Map<Entry, string> {
  const path = pathOf(library, prefix);
  const keys = Object.keys(given).filter((key) => pathOf(library, key).startsWith(path));
  const held = TENSORS.filter((name) => holds[name]);
  if (keys.length === 0 && prefix !== '' && held.length > 0) {
    throw new RangeError(
      `${call}: "prefix" is ${describe(prefix)}, needs one that entries begin with (none of ${Object.keys(given).length} does). ` +
        `Correct it${others(given, library, path)}.`,
    );
  }
  const found = new Map<Entry, string>();
  const numbered = new Map<number, string>();
  for (const key of keys) {
    const end = pathOf(library, key).slice(path.length);
    const entry = entryOf(library, end);
    if (typeof entry === 'number') {
      numbered.set(entry, key);
      continue;
    }
    if (entry === undefined) throw unknown(call, given, key, end, library, prefix);
    if (!holds.runningMean && entry !== 'gamma' && entry !== 'beta') {
      throw new RangeError(`${call}: "${key}" is there, needs a layer that keeps running statistics. Remove it, or load into a layer with trackRunning: true.`);
    }
    if (found.has(entry)) {
      throw new RangeError(
        `${call}: "${key}" and "${found.get(entry)}" are both there, needs one (both are the ${entry} here). Remove one.`,
      );
    }
    found.set(entry, key);
  }
  if (numbered.size > 0) {
    if (found.size > 0 || numbered.size !== held.length || held.some((_, place) => !numbered.has(place))) {
      const places = [...numbered.values(), ...found.values()].map((key) => `"${key}"`).join(', ');
      throw new RangeError(
        `${call}: ${places} are there, needs ${held.length} numbered from 0 (${held.map((name) => NAMES.keras[name]).join(', ') || 'nothing'}, ` +
          `from the options). Correct gamma and beta, or the prefix.`,
      );
    }
    held.forEach((name, place) => found.set(name, numbered.get(place)!));
  }
  return found;
}

function unknown(call: string, given: Record<string, unknown>, key: string, end: string, library: Library, prefix: string): RangeError {
  const theirs = whoseName(end, library);
  const remedy = theirs
    ? `Remove it, or say '${theirs}', whose name it is`
    : `Remove it, or ${prefix === '' ? 'give the prefix of one layer' : 'correct the prefix'}`;
  return new RangeError(
    `${call}: "${key}" is no entry of ${library}'s batch norm, needs only ${namesOf(library, pathOf(library, prefix)).join(', ')}. ` +
      `${remedy}${theirs ? '' : others(given, library, pathOf(library, prefix))}.`,
  );
}

/** A few of the prefixes that would do, but the one that was given. */
function others(given: Record<string, unknown>, library: Library, but: string): string {
  const list = batchNormsOf(given, library).filter(({ prefix }) => prefix !== but).map(({ prefix }) => describe(prefix));
  if (list.length === 0) return '';
  return `: there is a batch norm under ${list.slice(0, 3).join(', ')}${list.length > 3 ? ` and ${list.length - 3} more (listBatchNorms has them)` : ''}`;
}

/** What the lengths of entries are held to, and where that comes from. */
interface Counted {
  channels: number | undefined;
  from: string;
}

function read(call: string, key: string, value: unknown, { channels, from }: Counted, isVariance: boolean): Float32Array {
  const array = numbersOf(call, key, value, channels === undefined ? 'numbers' : `${channels} numbers`);
  if (array.length !== channels) {
    throw new RangeError(`${call}: "${key}" has ${array.length} elements, needs ${channels} (${from}). Give the entry of that layer.`);
  }
  if (channels === 0) throw new RangeError(`${call}: "${key}" has 0 elements, needs one per channel. Give the entry of a layer.`);
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
  const values = typeof value === 'object' && value !== null && 'data' in value && !ArrayBuffer.isView(value) ? (value as { data: unknown }).data : value;
  const isArray = Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView));
  const array = (isArray ? values : [values]) as ArrayLike<unknown>;
  const count = typeof array[0] === 'bigint' ? Number(array[0]) : array[0];
  if (array.length !== 1 || !isCount(count)) {
    const given = array.length !== 1 ? `has ${array.length} elements` : `is ${typeof array[0] === 'bigint' ? array[0] : describe(count)}`;
    throw new RangeError(`${call}: "${key}" ${given}, needs one integer from 0 to ${Number.MAX_SAFE_INTEGER}. Correct it before loading.`);
  }
  return count;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function checkPrefix(call: string, prefix: unknown): void {
  if (typeof prefix !== 'string') throw new TypeError(`${call}: "prefix" is ${describe(prefix)}, needs a string such as 'features.1.'.`);
}

function missing(call: string, key: string, channels: number | undefined, name: StateTensor): RangeError {
  const needed = channels === undefined ? 'a number per channel' : `${channels} numbers (one per channel)`;
  return new RangeError(`${call}: "${key}" is missing, needs ${needed}. Give it, or ${WITHOUT[name]}.`);
}
