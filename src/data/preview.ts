import { arrayColumns } from './binary.js';
import type { ColumnPreview } from './columnPreview.js';
import type { Column } from './columns.js';
import { TextReading } from './csv.js';
import { decodeText } from './decode.js';
import { TableError } from './errors.js';
import { ONE_COLUMN } from './form.js';
import { guessLabels, type LabelGuess } from './labels.js';
import { CHARACTERS_AT_ONCE, ELEMENTS_AT_ONCE, encodingNote, openArray, openBytes, readAll, type ReadOptions } from './read.js';
import { type Role, shortest } from './rows.js';
import type { Decimal } from './values.js';

export interface TablePreview {
  format: 'text' | '.npy' | 'IDX';
  rows: number;
  /** How the text is written; null for an array of numbers. */
  form: { encoding: string; header: boolean; separator: string | null; decimal: Decimal } | null;
  columns: ColumnPreview[];
  /** The first rows, as they are written. */
  sample: string[][];
  /** The columns that may hold the labels, the likeliest first. */
  labels: LabelGuess[];
  notes: string[];
  /** Where the file can be meant in two ways: the errors `readTable` would throw. What is shown is the likelier. */
  questions: TableError[];
  /** What `readTable` with the same options throws, or null where it reads. */
  problem: TableError | null;
}

export const MAX_DISTINCT = 10_000;
export const MAX_CLASSES = 256;
const SAMPLE_ROWS = 10;
const SAMPLE_COLUMNS = 200;

/**
 * Says what a file is without reading it into a table: every column's kind, values and holes, a ranked guess of the label, and
 * what `readTable` would make of it with the same options.
 *
 * @param bytes - the whole file; read only, and nothing of it is kept.
 * @throws {TypeError} an argument is of the wrong kind.
 * @throws {TableError} there is no table in it, whatever the options; or an option names no column.
 * @example const { columns, labels, questions } = await previewTable(bytes, { file: file.name });
 */
export async function previewTable(bytes: Uint8Array, options: ReadOptions = {}): Promise<TablePreview> {
  const { source, content } = await openBytes('previewTable', bytes, options);
  const array = openArray(source, content);
  if (array) {
    const { reading, form } = array;
    const taken = arrayColumns(source, form, reading.channels, options);
    await readAll(reading, reading.total, ELEMENTS_AT_ONCE, options);
    const { rows, channels, data, notes } = reading.table();
    const columns = Array.from({ length: channels }, (_, index): ColumnPreview => {
      const facts = new Counts(data, rows, channels, index).facts();
      let isWhole = true;
      for (let at = index; at < data.length && isWhole; at += channels) isWhole = Number.isInteger(data[at]);
      const role = index === taken.label ? 'label' : taken.omit.includes(index) ? 'omitted' : 'channel';
      return { index, name: null, kind: isWhole ? 'whole' : 'number', role, ...facts, missing: 0, odd: 0, first: null };
    });
    const sample = Array.from({ length: Math.min(rows, SAMPLE_ROWS) }, (_, row) =>
      Array.from(data.subarray(row * channels, row * channels + Math.min(channels, SAMPLE_COLUMNS)), shortest),
    );
    return { format: form, rows, form: null, columns, sample, labels: guessLabels(columns, rows), notes, questions: [], problem: null };
  }
  const { text, encoding } = decodeText(source, content);
  const questions: TableError[] = [];
  const reading = new TextReading(source, text, options, (question) => questions.push(question as TableError));
  await readAll(reading, reading.text.length, CHARACTERS_AT_ONCE, options);
  const { columns: found, roles, notes } = reading.columns();
  const columns = textColumns(reading, found, roles);
  const { form, heading, survey } = reading;
  const { separator, notation } = form;
  const sample = form.sample.lines.filter(({ at }) => at >= heading.body.at).slice(0, SAMPLE_ROWS).map(({ cells }) => cells.slice(0, SAMPLE_COLUMNS));
  return {
    format: 'text', rows: survey.rows, columns, sample, labels: guessLabels(columns, survey.rows), questions,
    form: { encoding, header: heading.names !== null, separator: separator === ONE_COLUMN ? null : separator, decimal: notation.decimal },
    notes: encoding === 'UTF-8' ? notes : [encodingNote(encoding), ...notes],
    problem: questions[0] ?? problemOf(reading),
  };
}

/** What reading on would throw. It spoils what has been read, so it comes last. */
function problemOf(reading: TextReading): TableError | null {
  try {
    reading.table();
    return null;
  } catch (error) {
    if (error instanceof TableError) return error;
    throw error;
  }
}

function textColumns({ survey }: TextReading, columns: readonly Column[], roles: readonly Role[]): ColumnPreview[] {
  const counts = columns.map(({ index }) => new Counts(survey.values.array, survey.rows, survey.width, index));
  for (const { column, cell } of survey.odd()) {
    if (cell.kind !== 'missing' && cell.kind !== 'number') counts[column]!.add(cell.kind === 'grouped' ? Math.fround(cell.value) : cell.text);
  }
  return columns.map(({ index, name, kind, missing, odd, firstOdd, firstMissing }): ColumnPreview => {
    const first = firstOdd && firstMissing ? (firstOdd.row <= firstMissing.row ? firstOdd : firstMissing) : (firstOdd ?? firstMissing);
    return {
      index, name, kind, role: roles[index]!, ...counts[index]!.facts(), missing, odd,
      first: first && { line: first.line, column: index + 1, cell: first.cell.text },
    };
  });
}

/** The different values of a column, and how often each is there. */
class Counts {
  readonly #counts = new Map<number | string, number>();

  /** Those that are numbers. */
  constructor(values: Float32Array, rows: number, width: number, column: number) {
    for (let row = 0; row < rows; row++) {
      const value = values[row * width + column]!;
      if (value === value) this.add(value);
    }
  }

  add(value: number | string): void {
    const count = this.#counts.get(value);
    if (count !== undefined) this.#counts.set(value, count + 1);
    else if (this.#counts.size < MAX_DISTINCT) this.#counts.set(value, 1);
  }

  facts(): Pick<ColumnPreview, 'distinct' | 'classes'> {
    const { size } = this.#counts;
    if (size > MAX_CLASSES) return { distinct: size, classes: null };
    const classes = [...this.#counts].map(([value, count]) => ({ value: typeof value === 'number' ? shortest(value) : value, count }));
    return { distinct: size, classes: classes.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)) };
  }
}
