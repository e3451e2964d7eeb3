import { MAX_BATCHES } from '../core/saved.js';
import { describe } from '../core/shape.js';

/**
 * What a layer has learned, as plain values; entries the layer does not have are left out. It comes back through JSON, broken values
 * too: `layer.load(JSON.parse(JSON.stringify(await layer.state())))`.
 */
export interface BatchNormState {
  /** channels elements each. */
  gamma?: Float32Array;
  beta?: Float32Array;
  runningMean?: Float32Array;
  runningVar?: Float32Array;
  /** Training batches the running statistics have seen. */
  batches?: number;
}

/** A number as JSON gives it back; null, which it makes of an array's NaN, is NaN. */
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity' | '-0' | null;

/** The same with arrays of numbers allowed, as JSON gives them back. */
export type LoadableState = { [K in keyof BatchNormState]: K extends 'batches' ? number : Float32Array | readonly JsonNumber[] };

export type StateTensor = Exclude<keyof BatchNormState, 'batches'>;

/** What has no number in JSON. */
const WORDS: readonly unknown[] = ['NaN', 'Infinity', '-Infinity', '-0'];

/** Lets JSON write an array as numbers, and as words what JSON has no number for. */
export function withJson(values: Float32Array): Float32Array {
  const toJSON = function (this: Float32Array): JsonNumber[] {
    return Array.from(this, (value) => (Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : (String(value) as JsonNumber)));
  };
  return Object.defineProperty(values, 'toJSON', { value: toJSON });
}

/** An entry's numbers, checked, rounded to f32. */
export function floatsOf(values: Float32Array | readonly JsonNumber[]): Float32Array {
  return Float32Array.from(values as ArrayLike<JsonNumber>, (value) => (value === null ? NaN : Number(value)));
}

/** What a state may hold. */
export interface StateRules {
  /** NaN and infinity too, which a broken batch leaves. */
  broken: boolean;
  /** The count of batches is a u32. */
  cumulative: boolean;
}

const WHOLE: StateRules = { broken: false, cumulative: false };

/** Throws unless `state` has exactly the entries a layer holds, each of its length and of numbers. */
export function checkState(
  call: string, state: unknown, holds: readonly StateTensor[], tracked: boolean, channels: number, { broken, cumulative }: StateRules = WHOLE,
): void {
  if (typeof state !== 'object' || state === null) {
    throw new TypeError(`${call}: "state" is ${describe(state)}, needs what state() gave.`);
  }
  const names: string[] = [...holds, ...(tracked ? ['batches'] : [])];
  for (const name of Object.keys(state)) {
    if (!names.includes(name)) {
      throw new RangeError(
        `${call}: "${name}" is in the state, needs only ${names.join(', ') || 'nothing'} (from the layer's options). ` +
          `Remove it, or create the layer with it; fromNames() reads another library's names.`,
      );
    }
  }
  const entries = state as Record<string, unknown>;
  for (const name of holds) checkEntry(call, name, entries[name], channels, broken);
  const { batches } = entries;
  if (tracked && (typeof batches !== 'number' || !Number.isSafeInteger(batches) || batches < 0)) {
    throw new RangeError(`${call}: "batches" is ${describe(batches)}, needs an integer of at least 0.`);
  }
  if (tracked && cumulative && (batches as number) > MAX_BATCHES) {
    throw new RangeError(`${call}: "batches" is ${batches as number}, needs at most ${MAX_BATCHES} (cumulative averaging counts in u32).`);
  }
}

function checkEntry(call: string, name: StateTensor, value: unknown, channels: number, broken: boolean): void {
  if (!(value instanceof Float32Array) && !Array.isArray(value)) {
    throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs a Float32Array or an array of ${channels} numbers.`);
  }
  if (value.length !== channels) {
    throw new RangeError(`${call}: "${name}" has ${value.length} elements, needs ${channels} (one per channel).`);
  }
  const fits = (entry: unknown) => isNumber(entry) && (broken || Number.isFinite(entry)) && !(name === 'runningVar' && Number(entry) < 0);
  const bad = value.findIndex((entry: unknown) => !fits(entry));
  if (bad >= 0) {
    const numbers = `${broken ? '' : 'finite '}numbers${name === 'runningVar' ? ' of at least 0' : ''}`;
    throw new RangeError(`${call}: "${name}" has ${describe(value[bad])} at ${bad}, needs ${numbers}${broken ? ' (f32)' : ''}.`);
  }
}

/** A number that f32 holds, if only rounded, or what stands for one. */
function isNumber(value: unknown): value is JsonNumber {
  if (typeof value !== 'number') return value === null || WORDS.includes(value);
  return !Number.isFinite(value) || Number.isFinite(Math.fround(value));
}
