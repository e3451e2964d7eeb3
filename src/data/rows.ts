import { type Column, isDistinct } from './columns.js';
import { badOption, malformed, quote, quoteAll, type Source } from './errors.js';
import type { Heading } from './header.js';
import type { ColumnRef, MissingAction, TextAction } from './options.js';
import type { OddCell, Survey } from './survey.js';
import type { ReadTable } from './table.js';

/** What becomes of a column. */
export type Role = 'channel' | 'label' | 'index' | 'empty' | 'omitted' | 'text';

export interface RowOptions {
  label: number | null;
  omit: readonly number[] | null;
  action: MissingAction;
  text: TextAction;
}

type Ask = (question: Error) => void;

/** The column that an option means. */
export function findColumn(source: Source, option: string, ref: ColumnRef, names: readonly string[] | null, width: number): number {
  const of = JSON.stringify(source.subject);
  if (typeof ref === 'number') {
    if (Number.isInteger(ref) && ref >= -width && ref < width) return ref < 0 ? ref + width : ref;
    throw badOption(source, option, `is ${ref}, needs an integer from 0 to ${width - 1} (the columns of ${of}), or a negative one from the end`,
      'Give one of these.');
  }
  const index = names?.indexOf(ref) ?? -1;
  if (index < 0) {
    const found = names ? `is ${quote(ref)}, needs one of ${quoteAll(names)} (the header of ${of})`
      : `is ${quote(ref)} and ${of} has no header, needs an index`;
    throw badOption(source, option, found, 'Give one of these, or an index from 0.', names ?? undefined);
  }
  const other = names!.indexOf(ref, index + 1);
  if (other >= 0) {
    throw badOption(source, option, `is the name ${quote(ref)} of columns ${index} and ${other} in ${of}, needs one column`, 'Give its index.', [index, other]);
  }
  return index;
}

/** Column 3 ("kind"). */
export function columnWords({ index, name }: { index: number; name: string | null }): string {
  return name ? `column ${index + 1} (${quote(name)})` : `column ${index + 1}`;
}

/** Decides what each column is for, says so, and asks where an unnamed one may be an index or data. */
export function rolesOf(source: Source, survey: Survey, columns: readonly Column[], heading: Heading, options: RowOptions & { isKeyQuoted: boolean },
  notes: string[], ask: Ask): Role[] {
  const { label, omit, text } = options;
  const roles = columns.map(({ index, kind }): Role => {
    if (index === label) return 'label';
    if (omit?.includes(index)) return 'omitted';
    return kind === 'text' || kind === 'date' ? 'text' : 'channel';
  });
  for (let c = columns.length - 1; c > 0 && columns[c]!.kind === 'empty' && !columns[c]!.name; c--) {
    if (roles[c] !== 'channel') continue;
    roles[c] = 'empty';
    notes.push(`Column ${c + 1}, which is empty throughout, is left out.`);
  }
  if (omit?.length !== 0) markIndex(source, survey, columns, roles, heading, options.isKeyQuoted, notes, ask);
  if (text === 'drop') {
    for (const column of columns) {
      if (roles[column.index] !== 'text') continue;
      roles[column.index] = 'omitted';
      notes.push(`${capital(columnWords(column))} is ${column.kind === 'date' ? 'dates' : 'text'} and left out.`);
    }
  }
  for (const column of columns) {
    if (column.kind === 'index' && roles[column.index] === 'channel' && columns.length > 1) {
      notes.push(`${capital(columnWords(column))} counts the rows and is a channel; leave it out with "omit".`);
    }
  }
  return roles;
}

/** The columns in front that count or name the rows and have no name. */
function markIndex(source: Source, survey: Survey, columns: readonly Column[], roles: Role[], { names, hasRowNames }: Heading, isKeyQuoted: boolean,
  notes: string[], ask: Ask): void {
  if (columns.length < 2) return;
  for (const column of columns) {
    const { index, name, kind } = column;
    if (roles[index] === 'omitted' || roles[index] === 'label') continue;
    const take = () => {
      roles[index] = 'index';
      notes.push(`${capital(columnWords(column))} counts or names the rows and is left out ("omit": [] keeps it).`);
    };
    if (names === null) {
      if (kind !== 'index') return;
      if (isKeyQuoted) return take();
      const found = `column 1 counts the rows from ${column.runsFrom}`;
      ask(malformed(source, found, 'to be told whether it is data or their number', 'Give "omit": [0] to leave it out, or "omit": [] to keep it.', {
        problem: 'ambiguous', column: 1, option: 'omit', choices: [[0], []],
      }));
      return;
    }
    if (hasRowNames && index === 0) {
      take();
      continue;
    }
    if (name !== '' && !/^Unnamed: \d+(?:\.\d+|_level_\d+)?$/.test(name!)) return;
    if (kind === 'empty') continue;
    if (kind === 'index' || kind === 'text' || kind === 'date'
      || (kind === 'whole' && column.missing === 0 && column.odd === 0 && isDistinct(survey, index))) take();
    else {
      const remedy = `Give "omit": [${index}] to leave it out, or "omit": [] to keep it.`;
      ask(malformed(source, `column ${index + 1} has no name`, 'to be told whether it is data or an index', remedy, {
        problem: 'ambiguous', column: index + 1, option: 'omit', choices: [[index], []],
      }));
    }
  }
}

/** The rows as a table: words as numbers, rows left out, values filled in. */
export function tableOf(source: Source, survey: Survey, columns: readonly Column[], roles: readonly Role[], heading: Heading, options: RowOptions,
  taken: string[]): ReadTable {
  const notes = [...taken];
  const channels = columns.filter(({ index }) => roles[index] === 'channel' || roles[index] === 'text');
  checkColumns(source, columns, roles, channels);
  const offence = firstOffence(columns, roles, options);
  if (offence) throw refuse(source, offence.odd, columns[offence.odd.column]!, roles[offence.odd.column]!, options);
  const { width } = survey;
  const { array } = survey.values;
  const categories = categoriesOf(survey, columns, roles);
  const labels: string[] | null = options.label === null ? null : [];
  let isNumbers = true;
  const dropped = new Set<number>();
  for (const { row, column, cell } of survey.odd()) {
    const role = roles[column]!;
    if (role === 'label') {
      if (cell.kind === 'missing') dropped.add(row);
      else isNumbers &&= cell.kind === 'number';
      labels!.push(cell.text);
    } else if (role === 'channel' || role === 'text') {
      if (cell.kind === 'missing') {
        if (options.action === 'drop') dropped.add(row);
      } else array[row * width + column] = role === 'text' ? categories.get(column)!.get(cell.text)! : cell.value;
    }
  }
  if (options.action === 'mean') fillIn(source, survey, channels, notes);
  if (dropped.size > 0) notes.push(`${count(dropped.size, 'row')} without a value ${dropped.size === 1 ? 'is' : 'are'} left out.`);
  const rows = survey.rows - dropped.size;
  if (rows === 0) {
    throw malformed(source, 'has no row without a missing value', 'at least one', 'Fill them in, or give "missing": "mean".',
      { problem: 'missing', option: 'missing', choices: ['mean'] });
  }
  noteNumbers(channels, survey, notes);

  const table: ReadTable = { rows, channels: channels.length, data: pick(survey, channels, dropped), notes };
  if (heading.names) table.columns = channels.map(({ name }) => name!);
  if (labels) {
    const kept = dropped.size === 0 ? labels : labels.filter((_, row) => !dropped.has(row));
    table.labels = isNumbers ? kept.map((text) => Number(text.replaceAll('\u2212', '-').replace(',', '.'))) : kept;
  }
  if (categories.size > 0) {
    table.categories = channels.flatMap(({ index }, channel) => (categories.has(index) ? [{ channel, values: [...categories.get(index)!.keys()] }] : []));
    for (const [index, words] of categories) {
      notes.push(`${capital(columnWords(columns[index]!))} is numbered: ${quoteAll([...words.keys()].slice(0, 20))}${words.size > 20 ? ', …' : ''} are 0 ` +
        `to ${words.size - 1}.`);
    }
  }
  return table;
}

function checkColumns(source: Source, columns: readonly Column[], roles: readonly Role[], channels: readonly Column[]): void {
  if (channels.length > 0) return;
  if (columns.length === 1 && roles[0] === 'label') {
    throw malformed(source, 'has no column but the label', 'at least one column of numbers', 'Leave "label" out.', { problem: 'option', option: 'label' });
  }
  throw malformed(source, 'has no column left', 'at least one column of numbers', 'Leave fewer out.', { problem: 'option', option: 'omit' });
}

/** The first cell of the file, line by line, that the options do not provide for. */
function firstOffence(columns: readonly Column[], roles: readonly Role[], { action, text }: RowOptions): { odd: OddCell } | null {
  let first: OddCell | null = null;
  const consider = (odd: OddCell | null) => {
    if (odd && (!first || odd.row < first.row || (odd.row === first.row && odd.column < first.column))) first = odd;
  };
  for (const column of columns) {
    const role = roles[column.index]!;
    if (role === 'label') {
      if (action !== 'drop') consider(column.firstMissing);
    } else if (role === 'text') {
      if (text === 'refuse') consider(column.firstOdd);
      else if (action !== 'drop') consider(column.firstMissing);
    } else if (role === 'channel') {
      consider(column.firstOdd);
      consider(column.ambiguous);
      if (action === 'refuse' || (column.kind === 'empty' && action === 'mean')) consider(column.firstMissing);
    }
  }
  return first && { odd: first };
}

/** The error for a cell that is no number. */
function refuse(source: Source, { line, cell }: OddCell, column: Column, role: Role, { action }: RowOptions): Error {
  const { text, kind } = cell;
  const found = `line ${line}, column ${column.index + 1} is ${text === '' ? 'empty' : quote(text)}`;
  const at = { line, column: column.index + 1, cell: text, ...(column.name ? { name: column.name } : {}) };
  const more = column.odd > 1 && kind !== 'missing' && role !== 'text' ? ` There are ${column.odd - 1} more in that column.` : '';
  if (kind === 'missing') {
    const details = { problem: 'missing' as const, ...at, option: 'missing', choices: ['drop', 'mean'] };
    if (role === 'label') {
      return malformed(source, found, 'a label', 'Fill it in, or leave the line out ("missing": "drop").', { ...details, choices: ['drop'] });
    }
    if (column.kind === 'empty') {
      return malformed(source, found, 'a finite number', 'Its column has no number at all: leave it out with "omit".',
        { ...details, option: 'omit', choices: [[column.index]] });
    }
    if (role === 'text' && action === 'mean') {
      return malformed(source, found, 'a word (words have no mean)', 'Give "missing": "drop", or leave the column out with "omit".',
        { ...details, choices: ['drop'] });
    }
    const others = column.missing > 1 ? ` There are ${column.missing - 1} more in that column.` : '';
    return malformed(source, found, 'a finite number', `Fill it in, or give "missing": "drop" (the row) or "mean" (of the column).${others}`, details);
  }
  if (role === 'text') {
    const what = column.kind === 'date' ? 'dates' : 'text';
    const sign = kind === 'percent' ? 'Take the % off. ' : kind === 'currency' ? 'Take the currency off. ' : '';
    const remedy = `${sign}Take its column, which is ${what}, out with "label" or "omit"; or give "text": "drop" or "categories".`;
    return malformed(source, found, 'a number', remedy, { problem: 'cell', ...at, option: 'text', choices: ['drop', 'categories'] });
  }
  if (kind === 'grouped') {
    return malformed(source, found, 'to be told whether its comma or point is a decimal mark or parts thousands', 'Give "decimal": "." or ",".', {
      problem: 'ambiguous', ...at, option: 'decimal', choices: ['.', ','],
    });
  }
  const details = { problem: 'cell' as const, ...at, option: 'missing' };
  if (kind === 'infinite') return malformed(source, found, 'a finite number', `Replace it, or name it as missing with "missing".${more}`, details);
  if (kind === 'overflow') {
    const isInfinite = !Number.isFinite(Number(text.replaceAll('\u2212', '-').replace(',', '.')));
    return malformed(source, found, isInfinite ? 'a finite number' : 'at most 3.4028235e38 in magnitude (f32)', `Scale its column down.${more}`,
      { ...details, option: undefined });
  }
  const why = {
    percent: 'Take the % off', currency: 'Take the currency off', hexadecimal: 'Write it in decimals', date: 'Dates are no numbers',
      boolean: 'The others of its column are numbers',
    quantity: /^[+-]?\d+,\d+$/.test(text) ? 'A decimal comma is said with "decimal"' : 'Write the number alone',
  }[kind as string] ?? 'Correct it';
  return malformed(source, found, 'a number', `${why}; a word for a missing value is named with "missing", a column left out with "label" or "omit".${more}`,
    details);
}

/** The words of the columns that are taken as numbers. */
function categoriesOf(survey: Survey, columns: readonly Column[], roles: readonly Role[]): Map<number, Map<string, number>> {
  const found = new Map<number, Set<string>>();
  for (const { index } of columns) if (roles[index] === 'text') found.set(index, new Set());
  if (found.size === 0) return new Map();
  // A column of words may hold some plain numbers: they are words there.
  for (const [index, words] of found) {
    const { array } = survey.values;
    for (let row = 0; row < survey.rows; row++) {
      const value = array[row * survey.width + index]!;
      if (value === value) words.add(shortest(value));
    }
  }
  for (const { column, cell } of survey.odd()) if (cell.kind !== 'missing') found.get(column)?.add(cell.text);
  const numbered = new Map([...found].map(([index, words]) => [index, new Map([...words].sort().map((word, i) => [word, i]))]));
  for (const [index, words] of numbered) {
    const { array } = survey.values;
    for (let row = 0; row < survey.rows; row++) {
      const at = row * survey.width + index;
      if (array[at] === array[at]) array[at] = words.get(shortest(array[at]!))!;
    }
  }
  return numbered;
}

/** Puts the mean of a column where it has no value. */
function fillIn(source: Source, { rows, width, values: { array } }: Survey, channels: readonly Column[], notes: string[]): void {
  for (const column of channels) {
    const { index, missing } = column;
    if (missing === 0) continue;
    let sum = 0;
    let known = 0;
    for (let at = index; at < rows * width; at += width) {
      if (array[at] !== array[at]) continue;
      sum += array[at]!;
      known++;
    }
    if (known === 0) {
      throw malformed(source, `has no number in ${columnWords(column)}`, 'at least one', 'Leave it out with "omit".',
        { problem: 'missing', column: index + 1, option: 'omit' });
    }
    const mean = sum / known;
    for (let at = index; at < rows * width; at += width) if (array[at] !== array[at]) array[at] = mean;
    notes.push(`${count(missing, 'missing value')} of ${columnWords(column)} ${missing === 1 ? 'is' : 'are'} its mean, ${Number(mean.toPrecision(6))}.`);
  }
}

function noteNumbers(channels: readonly Column[], survey: Survey, notes: string[]): void {
  for (const column of channels) {
    const { grouped, kind, index } = column;
    if (grouped) notes.push(`${capital(columnWords(column))} has digits in groups: ${quote(grouped.cell.text)} is ${grouped.cell.value}.`);
    if (kind === 'boolean') notes.push(`${capital(columnWords(column))} is 1 for true and 0 for false.`);
    const rounded = survey.rounded[index]!;
    if (rounded > 0) {
      notes.push(`${count(rounded, 'whole number')} of ${columnWords(column)} ${rounded === 1 ? 'is' : 'are'} beyond what f32 holds exactly, and rounded.`);
    }
  }
}

/** The channels of the rows that are kept. */
function pick({ rows, width, values }: Survey, channels: readonly Column[], dropped: ReadonlySet<number>): Float32Array<ArrayBuffer> {
  const { array, length } = values;
  if (channels.length === width && dropped.size === 0) return array.slice(0, length);
  const data = new Float32Array((rows - dropped.size) * channels.length);
  const from = channels.map(({ index }) => index);
  let to = 0;
  for (let row = 0; row < rows; row++) {
    if (dropped.size > 0 && dropped.has(row)) continue;
    for (const index of from) data[to++] = array[row * width + index]!;
  }
  return data;
}

/** The shortest decimal that is this f32. */
export function shortest(value: number): string {
  for (let digits = 7; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

function capital(words: string): string {
  return words[0]!.toUpperCase() + words.slice(1);
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
