import type { ArrayReading } from './elements.js';
import { badOption, type Source } from './errors.js';
import { checkTextOptions, type ColumnRef, type TextOptions } from './options.js';
import { findColumn } from './rows.js';
import type { ReadTable } from './table.js';

const TEXT_ONLY = ['header', 'separator', 'decimal', 'missing', 'text'] as const;

/** Refuses options that an array of numbers has no use for, and says which columns the others mean. */
export function arrayColumns(source: Source, form: string, channels: number, options: TextOptions): { label: number | null; omit: number[] } {
  checkTextOptions(source.call, options);
  for (const option of TEXT_ONLY) {
    if (options[option] === undefined || (option === 'missing' && isNothing(options.missing))) continue;
    throw badOption(source, option, `is given but ${JSON.stringify(source.subject)} is ${form}, needs a table of text`, 'Leave it out.');
  }
  const find = (option: string, column: ColumnRef) => {
    if (typeof column === 'string') {
      throw badOption(source, option, `is ${JSON.stringify(column)} but ${JSON.stringify(source.subject)} is ${form}, whose columns have no names, ` +
        `needs an index`, 'Give one from 0.');
    }
    return findColumn(source, option, column, null, channels);
  };
  return { label: options.label === undefined ? null : find('label', options.label), omit: options.omit?.map((column) => find('omit', column)) ?? [] };
}

/** The table of an array that has been read, without the columns that are labels or left out. */
export function arrayTable(source: Source, reading: ArrayReading, { label, omit }: { label: number | null; omit: readonly number[] }): ReadTable {
  const table = reading.table();
  if (label === null && omit.length === 0) return table;
  const { rows, channels: width, data, notes } = table;
  const kept = Array.from({ length: width }, (_, c) => c).filter((c) => c !== label && !omit.includes(c));
  if (kept.length === 0) {
    throw badOption(source, label === null ? 'omit' : 'label', `leaves no column of ${JSON.stringify(source.subject)}, needs at least one`, 'Leave it out.');
  }
  const values = new Float32Array(rows * kept.length);
  let to = 0;
  for (let row = 0; row < rows; row++) for (const c of kept) values[to++] = data[row * width + c]!;
  return {
    rows, channels: kept.length, data: values, notes,
    ...(label === null ? {} : { labels: Array.from({ length: rows }, (_, row) => data[row * width + label]!) }),
  };
}

/** Said without saying anything, as a command line does that passes on what it was given. */
function isNothing(missing: TextOptions['missing']): boolean {
  return typeof missing === 'object' && missing.action === undefined && !missing.tokens?.length;
}
