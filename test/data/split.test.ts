// Claim: a split keeps every row once, each beside its label, and each class in both parts where it can.
// Control: the values say which row they are, so that a row that is lost, doubled or mislabelled shows.
import { describe, expect, test } from 'vitest';
import { type Table, parseCsv, shuffled, split, withLabels } from '../../src/data/index.js';

/** Row r holds r and −r. */
function tableOf(labels: number[] | string[]): Table {
  return { rows: labels.length, channels: 2, data: Float32Array.from({ length: 2 * labels.length }, (_, at) => (at % 2 ? -1 : 1) * Math.floor(at / 2)),
    labels };
}

describe('split', () => {
  const labels = Array.from({ length: 100 }, (_, row) => ['rose', 'iris', 'aster'][row % 10 === 0 ? 2 : row % 2]);
  const table = tableOf(labels);

  test('control: every row once, with its own label', () => {
    const { features, classes, labels: names, train, test } = split(table, { seed: 1 });
    expect([features, classes, names]).toEqual([2, 3, ['aster', 'iris', 'rose']]);
    const rows = [train, test].flatMap(({ values, labels: own }) =>
      Array.from(own, (label, i) => {
        const row = values[2 * i];
        expect(values[2 * i + 1]).toBe(-row);
        expect(names[label]).toBe(labels[row]);
        return row;
      }),
    );
    expect(rows.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, row) => row));
  });

  test('each class gives its share', () => {
    const count = (values: Uint8Array) => [0, 1, 2].map((label) => values.filter((own) => own === label).length);
    expect(count(split(table, { seed: 1 }).test.labels)).toEqual([2, 10, 8]);
    expect(count(split(table, { seed: 1, share: 0.5 }).test.labels)).toEqual([5, 25, 20]);
    expect(count(split(table, { seed: 1, share: 0.001 }).test.labels)).toEqual([1, 1, 1]);
    expect(count(split(table, { seed: 1, share: 0.999 }).train.labels)).toEqual([1, 1, 1]);
  });

  test('the seed decides, and rows are mixed', () => {
    const first = split(table, { seed: 1 });
    expect(split(table, { seed: 1 })).toEqual(first);
    expect(split(table, { seed: 2 }).test.values).not.toEqual(first.test.values);
    const order = Array.from(first.train.labels, (_, i) => first.train.values[2 * i]);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
  });

  test('a class of one row is only learned from', () => {
    const { train, test } = split(tableOf([1, 2, 2, 2]), { seed: 1 });
    expect([...train.labels].toSorted()).toEqual([0, 1, 1]);
    expect([...test.labels]).toEqual([1]);
  });

  test('numbers are in rising order, whatever their number of digits', () => {
    expect(split(tableOf([10, 9, -1, 10, 9, -1]), { seed: 1 }).labels).toEqual(['-1', '9', '10']);
  });

  test('what readTable gives goes in as it is', () => {
    const csv = parseCsv('width,height,kind\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n', { label: 'kind' });
    const { features, labels: names } = split(csv, { seed: 1 });
    expect([features, names]).toEqual([2, ['a', 'b']]);
  });

  test('256 classes are as many as a byte tells apart', () => {
    const many = (classes: number) => tableOf(Array.from({ length: 2 * classes }, (_, row) => row % classes));
    const { classes, test } = split(many(256), { seed: 1 });
    expect([classes, test.labels.length, Math.max(...test.labels)]).toEqual([256, 256, 255]);
    expect(() => split(many(257), { seed: 1 })).toThrow(
      new RangeError('split: "table" has 257 different labels, needs at most 256 classes. Name another label column, or merge classes.'),
    );
  });

  test.each([
    [{ seed: 1, share: 0 }, '"share" is 0, needs a number between 0 and 1.'],
    [{ seed: 1, share: 1 }, '"share" is 1, needs a number between 0 and 1.'],
    [{ seed: 1, share: NaN }, '"share" is NaN, needs a number between 0 and 1.'],
    [{ seed: 1.5 }, '"seed" is 1.5, needs an integer from 0 to 4294967295 (u32).'],
  ])('%j is refused', (options, message) => {
    expect(() => split(table, options)).toThrow(new RangeError(`split: ${message}`));
  });

  test.each([
    [['a', 'a'], '"table" has one label only ("a"), needs at least 2 classes. Name another label column, or merge classes.'],
    [['a', 'b'], '"table" has 2 rows of as many classes, needs a class of at least 2 rows (to hold one out). Name another label column, or merge classes.'],
  ])('labels %j are refused', (own, message) => {
    expect(() => split(tableOf(own), { seed: 1 })).toThrow(new RangeError(`split: ${message}`));
  });

  test('labels that are not there, or too few, are refused', () => {
    const { labels: _, ...bare } = table;
    expect(() => split(bare, { seed: 1 })).toThrow(
      new TypeError('split: "table" has no labels, needs one for each row. Read it with a label column, or use withLabels.'),
    );
    expect(() => split({ ...table, labels: ['a', 'b'] }, { seed: 1 })).toThrow(
      new RangeError('split: "table" has 2 labels, needs 100 (one for each row). Give as many.'),
    );
  });
});

describe('withLabels', () => {
  const table: Table = { rows: 2, channels: 3, data: Float32Array.of(1, 2, 7, 4, 5, 8), columns: ['a', 'b', 'c'] };

  test('control: the last column is taken out', () => {
    const labelled = { rows: 2, channels: 2, data: Float32Array.of(1, 2, 4, 5), labels: [7, 8], columns: ['a', 'b'] };
    expect(withLabels(table, -1)).toEqual(labelled);
    expect(withLabels(table, 2)).toEqual(labelled);
  });

  test('the first column, of a table without names', () => {
    const { columns: _, ...bare } = table;
    expect(withLabels(bare, 0)).toEqual({ rows: 2, channels: 2, data: Float32Array.of(2, 7, 5, 8), labels: [1, 4] });
  });

  test('the labels of another file', () => {
    expect(withLabels(table, { rows: 2, channels: 1, data: Float32Array.of(3, 1) })).toEqual({ ...table, labels: [3, 1] });
  });

  test.each([
    [3, '"from" is 3, needs a column from -3 to 2.'],
    [-4, '"from" is -4, needs a column from -3 to 2.'],
    [0.5, '"from" is 0.5, needs a column from -3 to 2.'],
    [{ rows: 3, channels: 1, data: new Float32Array(3) }, '"from" is [3, 1], needs [2, 1] (a label for each row). Give the file that belongs to it.'],
    [{ rows: 2, channels: 2, data: new Float32Array(4) }, '"from" is [2, 2], needs [2, 1] (a label for each row). Give the file that belongs to it.'],
  ])('from %j is refused', (from, message) => {
    expect(() => withLabels(table, from)).toThrow(new RangeError(`withLabels: ${message}`));
  });

  test('nothing would be left to learn from', () => {
    expect(() => withLabels({ rows: 2, channels: 1, data: new Float32Array(2) }, 0)).toThrow(
      new RangeError('withLabels: "table" has 1 column, needs at least 2 (the label and something to learn from). Give the labels as another table.'),
    );
  });
});

describe('shuffled', () => {
  test('every row once, each place as likely', () => {
    expect([...shuffled(1, 1)]).toEqual([0]);
    expect([...shuffled(0, 1)]).toEqual([]);
    const counts = new Float64Array(5);
    for (let seed = 0; seed < 5000; seed++) {
      const order = shuffled(5, seed);
      expect([...order].toSorted()).toEqual([0, 1, 2, 3, 4]);
      counts[order.indexOf(0)]++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150); // 5 σ are 141
  });
});
