import { describe } from '../core/shape.js';
import { type Column, columnsOf } from './columns.js';
import { malformed, type Source, type SourceOptions } from './errors.js';
import { findForm, type Form, ONE_COLUMN } from './form.js';
import { checkText } from './foreign.js';
import { findHeading, type Heading } from './header.js';
import { checkTextOptions, type MissingAction, type TextAction, type TextOptions } from './options.js';
import { findColumn, type Role, type RowOptions, rolesOf, tableOf } from './rows.js';
import type { Sample } from './sample.js';
import { Survey } from './survey.js';
import type { ReadTable } from './table.js';

export interface CsvOptions extends TextOptions, SourceOptions {}

/**
 * Reads a table of numbers from text: comma-, semicolon-, tab-, bar- or blank-separated.
 *
 * What the text does not say outright is found out, and told in `notes`: the separator is the one that cuts most lines alike
 * and makes most cells numbers; lines that begin with `#` or `%` where others do not are comments, blank lines are passed
 * over; the first line is a header where words stand above numbers, names in quotes above numbers without, or 0, 1, 2, …
 * above decimals; a column in front without a name that counts or names the rows is left out, and an empty one at the end;
 * `sep=;`, numbers of rows and columns in front, R's header without a cell for row names, and lines of units are known.
 * **Where a text can be meant in two ways the error asks**, and names the option that says it.
 *
 * Cells may be "quoted"; lines end in LF, CRLF or CR. Numbers are read as f64 and rounded to the nearest f32; digits may be
 * in groups (1,234.5 where that can mean one thing only), the minus may be U+2212. A column of true and false is 1 and 0.
 * Missing values and text are refused, or taken as `missing` and `text` say; NaN and infinity never become data.
 * Format: RFC 4180 — https://www.rfc-editor.org/rfc/rfc4180
 *
 * Time is linear in the text, whatever stands in it.
 *
 * @param text - the whole file.
 * @returns the columns that are numbers, without the label's, in their order.
 * @throws {TypeError} an argument is of the wrong kind.
 * @throws {TableError} there is no row of numbers; a cell is missing, too many, or no number; an option is no column; the text can be meant in two ways.
 * @example parseCsv('width,height,kind\n1,2.5,iris\n', { label: 'kind' })
 */
export function parseCsv(text: string, options: CsvOptions = {}): ReadTable {
  const source = { call: options.call ?? 'parseCsv', subject: options.file ?? 'text' };
  if (typeof text !== 'string') {
    throw new TypeError(`${source.call}: "text" is ${describe(text)}, needs a string. Give bytes to readTable().`);
  }
  const reading = new TextReading(source, text, options, refuseToGuess);
  reading.read(Infinity);
  return reading.table();
}

/** Throws what is to be asked: nobody is there to answer. */
export function refuseToGuess(question: Error): never {
  throw question;
}

/** A text on its way to a table, that can be read a piece at a time. */
export class TextReading {
  readonly text: string;
  readonly form: Form & { sample: Sample };
  readonly heading: Heading;
  readonly survey: Survey;
  readonly #source: Source;
  readonly #options: RowOptions & { isKeyQuoted: boolean };
  readonly #ask: (question: Error) => void;
  #columns: { columns: Column[]; roles: Role[]; notes: string[] } | null = null;

  /** @param ask - is told where the text can be meant in two ways; where it returns, the likelier one is taken. */
  constructor(source: Source, whole: string, options: TextOptions, ask: (question: Error) => void) {
    const { action, tokens, text: textAction } = checkTextOptions(source.call, options);
    const text = trimBlankLines(whole);
    this.#source = source;
    this.#ask = ask;
    this.text = text;
    if (text === '') throw malformed(source, 'is empty', 'at least one line of numbers', 'Choose another file.', { problem: 'empty' });
    checkText(source, text);
    this.form = findForm(source, text, { ...options, tokens }, ask);
    const { sample, separator, notation, comment } = this.form;
    if (sample.lines.length === 0) {
      throw malformed(source, 'has no line but comments', 'at least one line of numbers', 'Choose another file.', { problem: 'empty' });
    }
    this.heading = findHeading(source, text, this.form, options, ask);
    const { names, width, body } = this.heading;
    if (body.at >= text.length) {
      const last = sample.lines[0]!.line;
      throw malformed(source, `ends after line ${last}, its header`, 'at least one line of numbers', 'Choose another file.', { problem: 'empty', line: last });
    }
    if (options.header === undefined && options.separator === undefined) askDecimalComma(source, this.form, this.heading, options, ask);
    const labelNames = names ?? (typeof options.label === 'string' ? sample.lines[0]!.cells : null);
    const label = options.label === undefined ? null : findColumn(source, 'label', options.label, labelNames, width);
    const omit = options.omit?.map((column) => findColumn(source, 'omit', column, names, width)) ?? null;
    this.#options = { label, omit, action: action satisfies MissingAction, text: textAction satisfies TextAction, isKeyQuoted: isKeyQuoted(sample) };
    const from = names && !this.heading.hasRowNames ? sample.lines.find(({ next }) => next.at <= body.at) ?? sample.lines[0]! : sample.lines[0]!;
    const widthFrom = from.width === width ? `line ${from.line} has` : 'the other lines have';
    this.survey = new Survey(source, text, { separator, notation, comment, width, body, widthFrom, textColumn: label });
  }

  /** Reads at least up to `until` of `text.length`. Says whether there is more. */
  read(until: number): boolean {
    return this.survey.read(until);
  }

  /** What the columns are, and what is taken for what; all has been read. */
  columns(): { columns: Column[]; roles: Role[]; notes: string[] } {
    if (this.#columns) return this.#columns;
    const { survey, heading, form } = this;
    if (survey.rows === 0) {
      throw malformed(this.#source, 'has no row of data', 'at least one line of numbers', 'Choose another file.', { problem: 'empty' });
    }
    if (heading.saidRows !== null && heading.saidRows !== survey.rows) {
      const { line } = form.sample.lines[0]!;
      throw malformed(this.#source, `says in line ${line} that it has ${heading.saidRows} rows and has ${survey.rows}`, 'as many',
        `Save or copy it again, or remove line ${line} if it is not that.`, {
        problem: 'damaged', line,
      });
    }
    const columns = columnsOf(survey, heading);
    if (columns.every(({ kind }) => kind === 'text' || kind === 'date' || kind === 'empty') && this.#options.text === 'refuse'
      && this.#options.label === null) {
      const [first] = columns.map(({ firstOdd, firstMissing }) => firstOdd ?? firstMissing);
      const place = first ? `line ${first.line}, column ${first.column + 1} is ${JSON.stringify(first.cell.text.slice(0, 40))}` : 'it is empty';
      throw malformed(this.#source, `has no column of numbers (${place})`, 'numbers between separators',
        'Choose another file, or give "separator" or "text".', {
          problem: 'cell', line: first?.line, column: first ? first.column + 1 : undefined, cell: first?.cell.text, option: 'separator',
        });
    }
    const notes = [...formNotes(form), ...heading.notes, ...surveyNotes(survey)];
    const roles = rolesOf(this.#source, survey, columns, heading, this.#options, notes, this.#ask);
    return (this.#columns = { columns, roles, notes });
  }

  /** All of it as a table; it has been read to its end. */
  table(): ReadTable {
    const { columns, roles, notes } = this.columns();
    return tableOf(this.#source, this.survey, columns, roles, this.heading, this.#options, notes);
  }
}

/** Without a byte order mark and without the blank lines at the end; the last line keeps its own end, blanks included. */
function trimBlankLines(text: string): string {
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  let end = text.length;
  while (end > start && (text.charCodeAt(end - 1) <= 32 || text.charCodeAt(end - 1) === 0x1a)) end--; // 1a: where DOS ends a text
  if (end <= start) return '';
  let line = end;
  while (line < text.length && text.charCodeAt(line) !== 10 && text.charCodeAt(line) !== 13 && text.charCodeAt(line) !== 0x1a) line++;
  return text.slice(start, line);
}

/** Names of rows in quotes, beside numbers without. */
function isKeyQuoted({ lines }: Sample): boolean {
  return lines.every(({ isQuoted }) => isQuoted[0] && isQuoted.some((quoted) => !quoted));
}

/** Digits, comma, digits on every line and no names: two columns, or one with a decimal comma. */
function askDecimalComma(source: Source, { separator, sample }: Form & { sample: Sample }, { width, names, body }: Heading, { decimal }: TextOptions,
  ask: (question: Error) => void): void {
  if (separator !== ',' || width !== 2 || names || decimal !== undefined) return;
  const lines = sample.lines.filter(({ at }) => at >= body.at);
  if (!lines.every(({ cells: [whole, part], width, isQuoted }) =>
    width === 2 && !isQuoted.some(Boolean) && /^[+-]?\d+$/.test(whole!) && /^\d+(?:[eE][+-]?\d+)?$/.test(part!))) {
    return;
  }
  const parts = lines.map(({ cells }) => cells[1]!);
  if (!parts.every((part) => /e/i.test(part)) && !areDecimals(parts.map((part) => part.split(/e/i)[0]!))) return;
  const found = `line ${lines[0]!.line} and the others are ${JSON.stringify(lines[0]!.cells.join(','))} and the like`;
  const needed = 'to be told whether the comma parts two columns or is a decimal one';
  ask(malformed(source, found, needed, 'Give "separator": "," for two columns, or "decimal": "," for one.', {
    problem: 'ambiguous', line: lines[0]!.line, option: 'decimal', choices: [','],
  }));
}

/**
 * Whether digits may be decimals: written as short as they go, or all as long. Single digits are, where most are halves or
 * there are many and they are no classes.
 */
function areDecimals(parts: readonly string[]): boolean {
  const isShortest = parts.every((part) => part === '0' || !part.endsWith('0'));
  const isFixed = parts.every((part) => part.length === parts[0]!.length);
  if (!isShortest && !isFixed) return parts.some((part) => part.length > 1 && part.startsWith('0'));
  if (parts.some((part) => part.length > 1)) return true;
  const halves = parts.filter((part) => part === '5').length;
  if (2 * halves >= parts.length) return true;
  const classes = new Set(parts);
  return parts.length >= 5 && classes.size > 3;
}

function formNotes({ separator, notation, comment, sample }: Form & { sample: Sample }): string[] {
  const notes: string[] = [];
  const words = { '\t': 'a tab', ' ': 'blanks', ';': 'a semicolon', '|': 'a bar', ',': '', [ONE_COLUMN]: '' }[separator] ?? JSON.stringify(separator);
  if (words) notes.push(`Cells are parted by ${words}.`);
  if (notation.decimal === ',') notes.push('The comma is a decimal one.');
  if (comment !== null && sample.comments > 0) notes.push(`Lines that begin with ${comment} are comments.`);
  return notes;
}

function surveyNotes({ blanks, trailing }: Survey): string[] {
  const notes: string[] = [];
  if (blanks.length > 0) {
    const shown = blanks.slice(0, 5).join(', ') + (blanks.length > 5 ? ', …' : '');
    notes.push(blanks.length === 1 ? `Line ${shown} is empty and left out.` : `Lines ${shown} are empty and left out.`);
  }
  if (trailing > 0) notes.push(`${trailing === 1 ? 'A line ends' : `${trailing} lines end`} in a separator that the others do not have.`);
  return notes;
}
