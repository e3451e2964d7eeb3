// Reads the visitor's file, so that a large one does not hold the page up.
import { type ColumnPreview, type Table, TableError, previewTable, readTable, split, withLabels } from '../../../src/data/index.js';
import { messageOf } from '../../dom.js';
import type { DataSet } from '../messages.js';
import type { ReadFile, TableCommand, TableNews } from './table.js';

interface Source {
  file: ReadFile;
  /** The table with this column as its labels; null: a second file's. */
  labelled(label: number | null): Promise<Table>;
}

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
  const tables = await Promise.all(files.map(({ name, bytes }) => readTable(bytes, { file: name })));
  const at = tables.findIndex(({ channels }) => channels === 1);
  const labels = at < 0 ? 1 : at;
  const table = withLabels(tables[1 - labels], tables[labels]);
  return { file: { name: files[1 - labels].name, rows: table.rows, columns: [], label: null, problem: null }, labelled: () => Promise.resolve(table) };
}

/** A file that asks is refused with its question; one that cannot be read with the likeliest label is shown, with what is wrong. */
async function openOne({ name, bytes }: Bytes): Promise<Source> {
  const { rows, columns, labels, questions } = await previewTable(bytes, { file: name });
  if (questions[0]) throw questions[0];
  const usable = columns.filter(({ role }) => role === 'channel' || role === 'text');
  const label = labels[0]?.column ?? usable.at(-1)!.index;
  let read: { label: number; table: Table } | null = null;
  const labelled = async (chosen: number | null) => {
    if (read?.label !== chosen) read = { label: chosen!, table: await readTable(bytes, { file: name, label: chosen! }) };
    return read!.table;
  };
  const problem = await labelled(label).then(() => null, (error: unknown) => {
    if (!(error instanceof TableError)) throw error;
    const { line = null, column = null } = error.details;
    return { message: error.message, line, column };
  });
  return { file: { name, rows, columns: usable.map((column) => ({ index: column.index, name: wordsOf(column) })), label, problem }, labelled };
}

function wordsOf({ index, name, kind }: ColumnPreview): string {
  return `${name || `column ${index + 1}`}${kind === 'text' || kind === 'date' ? ', text' : ''}`;
}
