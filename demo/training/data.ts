import { type Labelled, digits, shuffled, spiral } from '../../src/data/index.js';
import type { DataSet, Settings } from './messages.js';
import { type Place, type Tensor, upload } from './nets/tensors.js';

const SPIRAL = { arms: 3, train: 200, test: 100 }; // rows per arm
const DIGITS = { train: 4000, test: 1000 };
const HELD_OUT = 0x80000000; // a seed of its own for the rows held out

/**
 * @param own - the visitor's rows as they are in the file; each column is brought to mean 0 and deviation 1.
 * @throws {RangeError} the visitor's data are asked for and not there, or of lengths that do not belong together.
 */
export function dataSetOf({ data, seed }: Settings, own: DataSet | undefined): DataSet {
  if (data === 'own') return standardised(checkOwn(own));
  const [train, test] = [seed, seed + HELD_OUT].map((seed, i) =>
    data === 'digits' ? digits({ seed, count: i ? DIGITS.test : DIGITS.train })
      : spiral({ seed, arms: SPIRAL.arms, rowsPerArm: i ? SPIRAL.test : SPIRAL.train }),
  );
  // Mixed, so that a batch of them taken in a row is a sample of all classes.
  const part = ({ rows, channels, data, labels }: typeof train): Labelled => {
    const order = shuffled(rows, seed);
    const values = new Float32Array(data.length);
    order.forEach((row, at) => values.set(data.subarray(row * channels, (row + 1) * channels), at * channels));
    return { values, labels: Uint8Array.from(order, (row) => labels[row]) };
  };
  const labels = data === 'digits' ? Array.from('0123456789') : ['1', '2', '3'];
  return { name: data, features: train.channels, classes: labels.length, labels, train: part(train), test: part(test) };
}

function checkOwn(own: DataSet | undefined): DataSet {
  const call = 'train';
  if (!own) throw new RangeError(`${call}: "data" is "own" and there is no file, needs one with labels. Choose a file first.`);
  const { features, classes, train, test } = own;
  for (const [name, { values, labels }] of Object.entries({ train, test })) {
    if (values.length !== labels.length * features || labels.length === 0) {
      throw new RangeError(
        `${call}: "own.${name}" has ${values.length} values and ${labels.length} labels, needs ${features} values for each of at least 1 label.`,
      );
    }
    const wrong = labels.findIndex((label) => label >= classes);
    if (wrong >= 0) throw new RangeError(`${call}: "own.${name}" has label ${labels[wrong]} in row ${wrong}, needs one below ${classes} (classes).`);
  }
  return own;
}

/** (x − mean) / deviation of each feature over the rows to train on; a feature that is the same in all of them becomes 0. */
function standardised(set: DataSet): DataSet {
  const { features } = set;
  const { values, labels } = set.train;
  const mean = new Float64Array(features);
  const square = new Float64Array(features);
  values.forEach((value, at) => (mean[at % features] += value / labels.length));
  values.forEach((value, at) => (square[at % features] += (value - mean[at % features]) ** 2 / labels.length));
  const scaled = ({ values, labels }: DataSet['train']) => ({
    labels, values: values.map((value, at) => (square[at % features] > 0 ? (value - mean[at % features]) / Math.sqrt(square[at % features]) : 0)),
  });
  return { ...set, train: scaled(set.train), test: scaled(set.test) };
}

/** Rows on a device: x [rows, features], and targets [rows, classes] with a 1 in each row. */
export class DeviceRows {
  readonly x: Tensor;
  readonly targets: Tensor;
  readonly rows: number;

  constructor({ values, labels }: DataSet['train'], { features, classes }: DataSet, place: Place) {
    this.rows = labels.length;
    const targets = new Float32Array(this.rows * classes);
    labels.forEach((label, row) => (targets[row * classes + label] = 1));
    this.x = upload(values, [this.rows, features], place);
    this.targets = upload(targets, [this.rows, classes], place);
  }

  dispose(): void {
    this.x.dispose();
    this.targets.dispose();
  }
}

/** Which rows each step trains on: every row once an epoch, in an order of the epoch's; the rows left over wait for the next. */
export class Batches {
  readonly #rows: number;
  readonly #batch: number;
  readonly #seed: number;
  #epoch = -1;
  #order: Int32Array = new Int32Array();

  constructor(rows: number, batch: number, seed: number) {
    if (batch > rows) {
      throw new RangeError(`train: "batch" is ${batch}, needs at most ${rows} (the rows to train on).`);
    }
    this.#rows = rows;
    this.#batch = batch;
    this.#seed = seed;
  }

  /** @param step - from 0; the same step has the same rows, whatever came before. */
  of(step: number): Int32Array {
    const each = Math.floor(this.#rows / this.#batch);
    const epoch = Math.floor(step / each);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = Int32Array.from(shuffled(this.#rows, (this.#seed + Math.imul(epoch + 1, 0x9e3779b1)) >>> 0));
    }
    const from = (step % each) * this.#batch;
    return this.#order.slice(from, from + this.#batch);
  }
}
