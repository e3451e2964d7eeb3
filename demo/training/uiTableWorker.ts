// Reads the visitor's file, so that a large one does not hold the page up.
import { type Table, readTable, split, withLabels } from '../../src/data/index.js';
import { messageOf } from '../dom.js';
import type { DataSet } from './messages.js';
import type { ReadFile, TableCommand, TableNews } from './uiTable.js';

interface Source {
  file: ReadFile;
  /** The table with this column as its labels; null: a second file's. */
  labelled(label: number | null): Promise<Table>;
}

/** What a column of labels is called by those who make tables. */
const LABEL_NAMES = /^(label|labels|class|target|kind|species|digit|category|y)$/i;

let source: Source | null = null;
/** Commands are carried out one after the other. */
let last: Promise<unknown> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<TableCommand>) => {
  last = last.then(async () => tell(await carryOut(data).catch((error: unknown) => ({ kind: 'refused' as const, message: messageOf(error) }))));
});

function tell(news: TableNews): void {
  postMessage(news);
}

async function carryOut(command: TableCommand): Promise<TableNews> {
  if (command.kind === 'read') {
    source = await open(command.files);
    return { kind: 'read', file: source.file };
  }
  return { kind: 'split', set: await splitBy(source!, command) };
}

async function splitBy({ file, labelled }: Source, { label, seed }: { label: number | null; seed: number }): Promise<DataSet> {
  return { name: file.name, ...split(await labelled(label), { seed }) };
}

async function open(files: File[]): Promise<Source> {
  if (files.length > 2) throw new RangeError(`train: ${files.length} files were given, needs one with a label column, or data and labels. Drop these alone.`);
  const read = await Promise.all(files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));
  return read.length === 2 ? openTwo(read) : openOne(read[0]);
}

interface Bytes {
  name: string;
  bytes: Uint8Array;
}

/** The one of a single column has the labels. */
async function openTwo(files: Bytes[]): Promise<Source> {
  const tables = await Promise.all(files.map(({ name, bytes }) => readTable(name, bytes)));
  const at = tables.findIndex(({ channels }) => channels === 1);
  const labels = at < 0 ? 1 : at;
  const table = withLabels(tables[1 - labels], tables[labels]);
  return { file: { name: files[1 - labels].name, rows: table.rows, columns: [], label: null }, labelled: () => Promise.resolve(table) };
}

async function openOne({ name, bytes }: Bytes): Promise<Source> {
  const { table, label } = await readNumbers(name, bytes).catch((error: unknown) => readText(name, bytes, error));
  const columns = Array.from({ length: table.channels + (label === null ? 0 : 1) }, (_, i) => `column ${i + 1}`);
  if (table.columns) {
    const named = [...table.columns];
    if (label !== null) named.splice(label, 0, ''); // the header's word for it is taken out with it
    named.forEach((column, i) => (columns[i] = column || columns[i]));
  }
  if (label !== null) columns[label] += ', text';
  const guess = columns.findIndex((column) => LABEL_NAMES.test(column));
  return {
    file: { name, rows: table.rows, columns, label: label ?? (guess < 0 ? columns.length - 1 : guess) },
    labelled: async (chosen) => (label === null ? withLabels(table, chosen!) : chosen === label ? table : readTable(name, bytes, { label: chosen! })),
  };
}

/** All columns are numbers, so that each may be the label. */
async function readNumbers(name: string, bytes: Uint8Array): Promise<{ table: Table; label: number | null }> {
  return { table: await readTable(name, bytes), label: null };
}

/** The column of text that the reader advises to take out is the label. */
async function readText(name: string, bytes: Uint8Array, refusal: unknown): Promise<{ table: Table; label: number | null }> {
  const advised = /column (\d+) is .* take its column out with "label"/.exec(messageOf(refusal));
  if (!advised) throw refusal;
  const label = Number(advised[1]) - 1;
  return { table: await readTable(name, bytes, { label }), label };
}
