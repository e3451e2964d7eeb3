import { describe } from '../core/shape.js';
import { random } from './random.js';
import { checkSeed } from './spiral.js';
import type { Table } from './table.js';

/** Rows with their classes: [rows, features] values, row by row, and as many labels. */
export interface Labelled {
  values: Float32Array<ArrayBuffer>;
  /** 0 … classes − 1. */
  labels: Uint8Array<ArrayBuffer>;
}

/** A table cut into rows to learn from and rows held out. */
export interface Split {
  features: number;
  classes: number;
  /** What the classes are called in the table: numbers in rising order, else text in that of the alphabet. */
  labels: string[];
  train: Labelled;
  test: Labelled;
}

export interface SplitOptions {
  /** Of the rows of each class, how many are held out: between 0 and 1. Default 0.2. */
  share?: number;
  /** From 0 to 2³² − 1. */
  seed: number;
}

const MAX_CLASSES = 256; // a label is one byte
const LABEL_REMEDY = 'Name another label column, or merge classes.';

/**
 * Shuffles a table's rows and holds a share of each class out. Labels become classes, whether numbers or text.
 *
 * A class of two rows or more has at least one in each part; a class of one row is learned from only.
 *
 * @param table - what `readTable` gave with a label column, or `withLabels`.
 * @throws {TypeError} there are no labels.
 * @throws {RangeError} an option has no meaning; there is one class only, more than 256, or no class has two rows.
 * @example const { train, test } = split(await readTable(bytes, { label: 'species' }), { seed: 1 });
 */
export function split(table: Pick<Table, 'rows' | 'channels' | 'data' | 'labels'>, { share = 0.2, seed }: SplitOptions): Split {
  const call = 'split';
  checkSeed(call, seed);
  if (!(share > 0 && share < 1)) throw new RangeError(`${call}: "share" is ${describe(share)}, needs a number between 0 and 1.`);
  const { rows, channels, data } = table;
  const given: readonly (number | string)[] | undefined = table.labels;
  if (!given) throw new TypeError(`${call}: "table" has no labels, needs one for each row. Read it with a label column, or use withLabels.`);
  if (given.length !== rows) throw new RangeError(`${call}: "table" has ${given.length} labels, needs ${rows} (one for each row). Give as many.`);
  const names = namesOf(given);
  if (names.length < 2) throw new RangeError(`${call}: "table" has one label only (${describe(names[0])}), needs at least 2 classes. ${LABEL_REMEDY}`);
  if (names.length > MAX_CLASSES) {
    throw new RangeError(`${call}: "table" has ${names.length} different labels, needs at most ${MAX_CLASSES} classes. ${LABEL_REMEDY}`);
  }
  const classOf = new Map(names.map((name, i) => [name, i]));
  const classes = Uint8Array.from(given, (label) => classOf.get(label)!);
  const order = shuffled(rows, seed);
  const held = new Uint8Array(rows);
  for (let c = 0; c < names.length; c++) {
    const own = order.filter((row) => classes[row] === c);
    const count = Math.min(own.length - 1, Math.max(1, Math.round(share * own.length)));
    for (const row of own.slice(0, count)) held[row] = 1;
  }
  if (!held.includes(1)) {
    throw new RangeError(`${call}: "table" has ${rows} rows of as many classes, needs a class of at least 2 rows (to hold one out). ${LABEL_REMEDY}`);
  }
  const part = (isHeld: number): Labelled => {
    const own = order.filter((row) => held[row] === isHeld);
    const values = new Float32Array(own.length * channels);
    own.forEach((row, at) => values.set(data.subarray(row * channels, (row + 1) * channels), at * channels));
    return { values, labels: Uint8Array.from(own, (row) => classes[row]) };
  };
  return { features: channels, classes: names.length, labels: names.map(String), train: part(0), test: part(1) };
}

/**
 * A table whose labels are one of its columns, which is taken out, or the only column of another table, such as MNIST's file of labels.
 *
 * @param from - index of the column from 0, negative from the end as −1 for the last; or the other table.
 * @throws {RangeError} there is no such column, or no other to learn from; the other table has not one column of as many rows.
 * @example const table = withLabels(await readTable(bytes, { file: 'iris.npy' }), -1);
 */
export function withLabels(table: Table, from: number | Table): Table & { labels: number[] } {
  const call = 'withLabels';
  const { rows, channels, data } = table;
  if (typeof from === 'object') {
    if (from.rows !== rows || from.channels !== 1) {
      throw new RangeError(`${call}: "from" is [${from.rows}, ${from.channels}], needs [${rows}, 1] (a label for each row). Give the file that belongs to it.`);
    }
    return { ...table, labels: [...from.data] };
  }
  if (!Number.isInteger(from) || from < -channels || from >= channels) {
    throw new RangeError(`${call}: "from" is ${describe(from)}, needs a column from ${-channels} to ${channels - 1}.`);
  }
  if (channels < 2) {
    throw new RangeError(`${call}: "table" has 1 column, needs at least 2 (the label and something to learn from). Give the labels as another table.`);
  }
  const column = from < 0 ? from + channels : from;
  const labels = Array.from({ length: rows }, (_, row) => data[row * channels + column]);
  const { columns } = table;
  return {
    rows, channels: channels - 1, labels, data: data.filter((_, at) => at % channels !== column),
    ...(columns ? { columns: columns.filter((_, i) => i !== column) } : {}),
  };
}

/** The rows 0 … count − 1 in an order of the seed's. Fisher and Yates. */
export function shuffled(count: number, seed: number): Uint32Array<ArrayBuffer> {
  const source = random(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(source.uniform() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

function namesOf(labels: readonly (number | string)[]): (number | string)[] {
  const names = [...new Set(labels)];
  return names.sort((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1));
}
