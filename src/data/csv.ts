import { describe } from '../plan/shape.js';
import { f32Problem, malformed, type Source, type SourceOptions, type Table } from './table.js';

export interface CsvOptions extends SourceOptions {
  /** Column taken out into `labels`: its name in the header line, or its index from 0. */
  label?: string | number | undefined;
}

/** One row of cells; a quoted cell may hold line ends, so it can span several lines of the text. */
interface Line {
  cells: string[];
  /** The line it begins on, from 1. */
  number: number;
  /** Where the next one begins in the text, and its number. */
  next: number;
  nextNumber: number;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NO_VALUE = /^(?:[+-]?(?:nan|inf|infinity)|na|n\/a|null|none|\?|)$/i;

/**
 * Reads comma-, semicolon- or tab-separated numbers.
 *
 * The separator is the one that splits the first two lines alike. The first line is a header when a cell of it, outside
 * the label column, is neither a number nor a missing one (empty, nan, inf, NA, null, none, ?), or when `label` is a
 * name; a first line of nothing but numbers is data. Cells may be "quoted"; lines end in LF, CRLF or CR; blank lines at
 * the end are ignored. Numbers have a decimal point, or an exponent, or neither; they are read as f64 and rounded to the
 * nearest f32. Missing values, nan and inf are refused.
 * Format: RFC 4180 — https://www.rfc-editor.org/rfc/rfc4180
 *
 * @param text - the whole file.
 * @returns the columns without the label's, in their order.
 * @throws {TypeError} `text` is no string, or `label` neither a string nor a number.
 * @throws {RangeError} there is no row of numbers; a cell is missing, too many, or no number; `label` is no column.
 * @example parseCsv('width,height,kind\n1,2.5,iris\n', { label: 'kind' })
 */
export function parseCsv(text: string, options: CsvOptions = {}): Table {
  const source = { call: options.call ?? 'parseCsv', subject: options.file ?? 'text' };
  if (typeof text !== 'string') {
    throw new TypeError(`${source.call}: "text" is ${describe(text)}, needs a string. Give bytes to readTable().`);
  }
  const body = trimBlankLines(text);
  if (body === '') throw malformed(source, 'is empty', 'at least one line of numbers', 'Choose another file.');

  const separator = findSeparator(body);
  const first = readLine(source, body, separator, 0, 1);
  const label = findLabel(source, first.cells, options.label);
  const hasHeader = typeof options.label === 'string' || first.cells.some((cell, i) => i !== label && isName(cell));
  if (hasHeader && first.next >= body.length) {
    throw malformed(source, 'ends after line 1, its header', 'at least one line of numbers', 'Choose another file.');
  }

  const values = new Floats();
  const labels: string[] = [];
  let rows = 0;
  let line = hasHeader ? readLine(source, body, separator, first.next, first.nextNumber) : first;
  for (;;) {
    checkWidth(source, line, first.cells.length);
    for (const [i, cell] of line.cells.entries()) {
      if (i === label) labels.push(readLabel(source, cell, line.number, i));
      else values.push(readNumber(source, cell, line.number, i));
    }
    rows++;
    if (line.next >= body.length) break;
    line = readLine(source, body, separator, line.next, line.nextNumber);
  }

  const table: Table = { rows, channels: values.length / rows, data: values.toArray() };
  if (hasHeader) table.columns = first.cells.filter((_, i) => i !== label);
  if (label !== undefined) table.labels = labels.every((text) => NUMBER.test(text)) ? labels.map(Number) : labels;
  return table;
}

/** Without a byte order mark and without the blank lines at the end; the last line keeps its own end, blanks included. */
function trimBlankLines(text: string): string {
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  const end = text.trimEnd().length;
  if (end <= start) return '';
  const blanks = text.slice(end).search(/[\r\n]/);
  return text.slice(start, blanks < 0 ? undefined : end + blanks);
}

/** Tab and semicolon before comma, which can stand inside their cells as a decimal or thousands mark. */
function findSeparator(body: string): string {
  const counts = ['\t', ';', ','].map((separator) => {
    const first = countSeparators(body, separator, 0);
    const second = first.next < body.length ? countSeparators(body, separator, first.next) : first;
    return { separator, first: first.count, second: second.count };
  });
  const present = counts.filter(({ first }) => first > 0);
  return (present.find(({ first, second }) => first === second) ?? present[0])?.separator ?? ',';
}

/** Separators outside quotes, from `at` to the end of its line. */
function countSeparators(body: string, separator: string, at: number): { count: number; next: number } {
  let count = 0;
  let quoted = false;
  while (at < body.length && (quoted || !isLineEnd(body, at))) {
    if (body[at] === '"') quoted = !quoted;
    else if (body[at] === separator && !quoted) count++;
    at++;
  }
  return { count, next: skipLineEnd(body, at) };
}

function readLine(source: Source, body: string, separator: string, start: number, number: number): Line {
  const cells: string[] = [];
  let at = start;
  let nextNumber = number + 1;
  for (;;) {
    let open = at;
    while (body[open] === ' ') open++;
    if (body[open] === '"') {
      const place = `line ${nextNumber - 1}, column ${cells.length + 1}`;
      const close = closingQuote(body, open);
      if (close < 0) throw malformed(source, `${place} opens a quote`, 'its closing quote', 'Double a quote inside a cell: "".');
      const cell = body.slice(open + 1, close);
      nextNumber += cell.match(/\r\n|\r|\n/g)?.length ?? 0;
      cells.push(cell.replaceAll('""', '"').trim());
      at = close + 1;
      while (body[at] === ' ') at++;
      if (at < body.length && body[at] !== separator && !isLineEnd(body, at)) {
        const needed = 'a separator or the end of the line there';
        throw malformed(source, `${place} goes on after its closing quote`, needed, 'Double a quote inside a cell: "".');
      }
    } else {
      while (at < body.length && body[at] !== separator && !isLineEnd(body, at)) at++;
      cells.push(body.slice(open, at).trim());
    }
    if (body[at] !== separator) return { cells, number, next: skipLineEnd(body, at), nextNumber };
    at++;
  }
}

/** Index of the quote that ends the cell opened at `open`, or −1; a doubled one is a quote inside it. */
function closingQuote(body: string, open: number): number {
  let at = body.indexOf('"', open + 1);
  while (at >= 0 && body[at + 1] === '"') at = body.indexOf('"', at + 2);
  return at;
}

function isLineEnd(body: string, at: number): boolean {
  const unit = body.charCodeAt(at);
  return unit === 10 || unit === 13;
}

function skipLineEnd(body: string, at: number): number {
  return at + (body[at] === '\r' && body[at + 1] === '\n' ? 2 : 1);
}

function isName(cell: string): boolean {
  return !NUMBER.test(cell) && !NO_VALUE.test(cell);
}

/** Index of the label column; checks that it is one of the first line's and not the only one. */
function findLabel(source: Source, first: string[], label: string | number | undefined): number | undefined {
  if (label === undefined) return undefined;
  const { call, subject } = source;
  if (typeof label !== 'string' && typeof label !== 'number') {
    throw new TypeError(`${call}: "label" is ${describe(label)}, needs the name of a column or its index.`);
  }
  const index = typeof label === 'number' ? label : first.indexOf(label);
  if (!Object.hasOwn(first, index)) {
    const needed = typeof label === 'number' ? `an integer from 0 to ${first.length - 1}` : `one of ${quoteAll(first)}`;
    throw new RangeError(`${call}: "label" is ${describe(label)}, needs ${needed} (the first line of ${JSON.stringify(subject)}).`);
  }
  if (typeof label === 'string' && first.indexOf(label, index + 1) >= 0) {
    const where = `of columns ${index} and ${first.indexOf(label, index + 1)} in ${JSON.stringify(subject)}`;
    throw new RangeError(`${call}: "label" is the name ${describe(label)} ${where}, needs one column. Give its index.`);
  }
  if (first.length === 1) {
    throw malformed(source, 'has no column but the label', 'at least one column of numbers', 'Leave "label" out.');
  }
  return index;
}

function checkWidth(source: Source, { cells, number }: Line, width: number): void {
  if (cells.length === width) return;
  const from = `(line 1 has ${width})`;
  if (cells.length === 1 && cells[0] === '') {
    throw malformed(source, `line ${number} is blank`, `${width} cells ${from}`, 'Remove the line.');
  }
  if (cells.length < width) {
    const found = `line ${number}, column ${cells.length + 1} is missing`;
    throw malformed(source, found, `${width} cells ${from}`, 'Fill the line in, or remove it.');
  }
  const found = `line ${number}, column ${width + 1} is ${quote(cells[width] ?? '')}`;
  throw malformed(source, found, `the end of the line after ${width} cells ${from}`, 'Quote a cell that holds a separator.');
}

function readLabel(source: Source, cell: string, line: number, column: number): string {
  if (cell === '') {
    throw malformed(source, `line ${line}, column ${column + 1} is empty`, 'a label', 'Fill it in, or leave the line out.');
  }
  return cell;
}

function readNumber(source: Source, cell: string, line: number, column: number): number {
  const value = NUMBER.test(cell) ? Number(cell) : NaN;
  const problem = f32Problem(value);
  if (!problem) return value;
  const found = `line ${line}, column ${column + 1} is ${cell === '' ? 'empty' : quote(cell)}`;
  if (NO_VALUE.test(cell)) throw malformed(source, found, 'a finite number', 'Fill it in, or leave the line out.');
  if (NUMBER.test(cell)) throw malformed(source, found, problem, 'Scale its column down.');
  const remedy = 'Correct it (a point before decimals; comma, semicolon or tab between cells), or take its column out with "label".';
  throw malformed(source, found, 'a number', remedy);
}

function quote(cell: string): string {
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
}

function quoteAll(cells: string[]): string {
  return cells.slice(0, 20).map(quote).join(', ') + (cells.length > 20 ? ', …' : '');
}

/** f32 values of unknown number, in an array that doubles. */
class Floats {
  length = 0;
  #values = new Float32Array(1024);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float32Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  toArray(): Float32Array<ArrayBuffer> {
    return this.#values.slice(0, this.length);
  }
}
