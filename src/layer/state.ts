import { describe } from '../plan/shape.js';

/** What a layer has learned, as plain values; entries the layer does not have are left out. */
export interface BatchNormState {
  /** channels elements each. */
  gamma?: Float32Array;
  beta?: Float32Array;
  runningMean?: Float32Array;
  runningVar?: Float32Array;
  /** Training batches the running statistics have seen. */
  batches?: number;
}

/** The same with arrays of numbers allowed, as JSON gives them back. */
export type LoadableState = { [K in keyof BatchNormState]: K extends 'batches' ? number : Float32Array | readonly number[] };

export type StateTensor = Exclude<keyof BatchNormState, 'batches'>;

/** Throws unless `state` has exactly the entries a layer holds, each of its length and finite. */
export function checkState(call: string, state: unknown, holds: readonly StateTensor[], tracked: boolean, channels: number): void {
  if (typeof state !== 'object' || state === null) {
    throw new TypeError(`${call}: "state" is ${describe(state)}, needs what state() gave.`);
  }
  const names: string[] = [...holds, ...(tracked ? ['batches'] : [])];
  for (const name of Object.keys(state)) {
    if (!names.includes(name)) {
      throw new RangeError(
        `${call}: "${name}" is in the state, needs only ${names.join(', ') || 'nothing'} (from the layer's options). Remove it, or create the layer with it.`,
      );
    }
  }
  const entries = state as Record<string, unknown>;
  for (const name of holds) checkEntry(call, name, entries[name], channels);
  const { batches } = entries;
  if (tracked && (typeof batches !== 'number' || !Number.isInteger(batches) || batches < 0)) {
    throw new RangeError(`${call}: "batches" is ${describe(batches)}, needs an integer of at least 0.`);
  }
}

function checkEntry(call: string, name: StateTensor, value: unknown, channels: number): void {
  if (!(value instanceof Float32Array) && !Array.isArray(value)) {
    throw new TypeError(`${call}: "${name}" is ${describe(value)}, needs a Float32Array or an array of ${channels} numbers.`);
  }
  if (value.length !== channels) {
    throw new RangeError(`${call}: "${name}" has ${value.length} elements, needs ${channels} (one per channel).`);
  }
  const bad = value.findIndex(
    (entry: unknown) => typeof entry !== 'number' || !Number.isFinite(Math.fround(entry)) || (name === 'runningVar' && (entry as number) < 0),
  );
  if (bad >= 0) {
    throw new RangeError(
      `${call}: "${name}" has ${describe(value[bad])} at ${bad}, needs ${name === 'runningVar' ? 'finite numbers of at least 0' : 'finite numbers'}.`,
    );
  }
}
