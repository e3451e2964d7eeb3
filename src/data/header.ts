import type { Place } from './cells.js';
import { malformed, type Source } from './errors.js';
import { type Form, ONE_COLUMN } from './form.js';
import { type Sample, type SampleLine, wholeLine, widthOf } from './sample.js';
import { type Cell, classify, type Notation } from './values.js';

/** What the lines above the data say. */
export interface Heading {
  /** Cells of a row of data. */
  width: number;
  /** Names of the columns; null: the file has none. */
  names: string[] | null;
  /** The first column, which the header leaves out: names of the rows. */
  hasRowNames: boolean;
  /** What the file says its rows are. */
  saidRows: number | null;
  /** Where the data begin. */
  body: Place;
  /** What was taken for what. */
  notes: string[];
}

export interface HeaderOptions {
  header?: boolean | undefined;
  /** Columns that say nothing of a header: index or name. */
  label?: string | number | undefined;
}

type Ask = (question: Error) => void;

/** Decides what the first lines are: names, units, counts, or data. Asks where they can be two things. */
export function findHeading(source: Source, text: string, form: Form & { sample: Sample }, options: HeaderOptions, ask: Ask): Heading {
  const { sample, separator, notation } = form;
  const notes: string[] = [];
  let { lines } = sample;
  let saidRows: number | null = null;
  const width = trueWidth(lines, notation);
  const counts = options.header === undefined ? countsOf(lines, width, notation) : null;
  if (counts !== null) {
    const line = lines[0]!;
    saidRows = counts;
    notes.push(`Line ${line.line} has the numbers of rows and columns, and perhaps names of classes.`);
    lines = lines.slice(1);
  }
  while (options.header === undefined && counts === null && lines.length > 2 && isTitle(lines[0]!, lines[1]!, width, notation)) {
    notes.push(`Line ${lines[0]!.line} is a title and left out.`);
    lines = lines.slice(1);
  }
  const first = lines[0]!;
  const below = lines.slice(1);
  const isNumeric = numericColumns(below, width, notation);
  const isShort = isShortHeader(first, below, width, isNumeric, notation);
  const kind = options.header ?? (typeof options.label === 'string' || isShort || isHeader(source, first, below, isNumeric, form, options, ask));
  if (!kind) {
    checkFirst(source, first, width, separator);
    const names = namesInComment(sample, width, notation);
    if (names) notes.push(`The names of the columns are those of the comment in line ${sample.comment!.line}.`);
    else notes.push(`There is no header: line ${first.line} is data.`);
    return { width, names, hasRowNames: false, saidRows, body: { at: first.at, line: first.line }, notes };
  }
  const names = wholeLine(text, separator, first);
  while (names.length > width && names.at(-1) === '') names.pop();
  if (names.length > width) {
    // A lone line that is wider than the header decides nothing: the reader of rows names it.
    checkFirst(source, first, width, separator);
  }
  const hasRowNames = isShort && names.length === width - 1;
  if (hasRowNames) names.unshift('');
  if (names.length < width) {
    const isEmptyBehind = below.every(({ cells }) => cells.slice(names.length).every((cell) => cell === ''));
    if (!isEmptyBehind) checkFirst(source, first, width, separator);
    while (names.length < width) names.push('');
  }
  notes.push(`Line ${first.line} is the header.`);
  let body = first.next;
  let rest = below;
  while (rest.length > 1 && below.length - rest.length < MAX_UNITS && isUnits(rest[0]!, rest.slice(1), notation)) {
    notes.push(`Line ${rest[0]!.line} has words above numbers (units, or more names) and is left out.`);
    body = rest[0]!.next;
    rest = rest.slice(1);
  }
  return { width, names, hasRowNames, saidRows, body, notes };
}

/** The width of most lines; where it ends in cells that are empty in all, still with them, as every line has them. */
function trueWidth(lines: readonly SampleLine[], notation: Notation): number {
  const width = widthOf(lines);
  // Two lines of two widths: names with row names below them, or a first line that is longer. The data decide.
  if (lines.length === 2 && lines[0]!.width !== lines[1]!.width && !lines[0]!.cells.some((cell) => isNumber(cell, notation))) return lines[1]!.width;
  return width;
}

function isNumber(cell: string, notation: Notation): boolean {
  const { kind } = classify(cell, notation);
  return kind === 'number' || kind === 'overflow' || kind === 'grouped';
}

/** Which columns are of numbers, by their first cells. */
function numericColumns(lines: readonly SampleLine[], width: number, notation: Notation): boolean[] {
  const columns = Math.min(width, Math.max(0, ...lines.map(({ cells }) => cells.length)));
  return Array.from({ length: columns }, (_, c) => {
    let numbers = 0;
    let others = 0;
    for (const { cells } of lines) {
      const cell = cells[c];
      if (cell === undefined) continue;
      const { kind } = classify(cell, notation);
      if (kind === 'number' || kind === 'overflow' || kind === 'grouped') numbers++;
      else if (kind !== 'missing' && kind !== 'infinite') others++;
    }
    return numbers > others;
  });
}

/**
 * How many rows a first line says there are, as scikit-learn's files do: rows, features, then names or nothing. The
 * second number is that of the other columns.
 */
function countsOf(lines: readonly SampleLine[], width: number, notation: Notation): number | null {
  const [first, second] = lines;
  if (!first || !second) return null;
  const [rows, columns, ...rest] = first.cells;
  if (rows === undefined || columns === undefined || !/^[1-9]\d{0,8}$/.test(rows) || !/^[1-9]\d{0,8}$/.test(columns)) return null;
  if (Number(columns) !== width - 1 && !(Number(columns) === width && first.width !== width)) return null;
  if (rest.length === 0) return first.width !== width ? Number(rows) : null;
  return rest.every((cell) => cell === '' || classify(cell, notation).kind === 'word') ? Number(rows) : null;
}

/** One cell of words above a line that has nothing but words in all columns. */
function isTitle(line: SampleLine, next: SampleLine, width: number, notation: Notation): boolean {
  const isWord = (cell: string) => classify(cell, notation).kind === 'word';
  const filled = line.cells.filter((cell) => cell !== '');
  return width > 2 && filled.length === 1 && isWord(filled[0]!) && next.width === width && next.cells.every(isWord);
}

/** R's `write.table`: the header has no cell for the names of the rows. */
function isShortHeader(first: SampleLine, below: readonly SampleLine[], width: number, isNumeric: boolean[], notation: Notation): boolean {
  if (first.width !== width - 1 || below.length === 0) return false;
  const rows = below.filter((line) => line.width === width);
  if (rows.every(({ cells }) => cells[width - 1] === '')) return false; // a separator at the end of each line
  const isNames = first.cells.every((cell, c) => first.isQuoted[c] || classify(cell, notation).kind === 'word');
  if (!isNames || !isNumeric.slice(1).some(Boolean)) return false;
  const keys = rows.map(({ cells }) => cells[0]!);
  const isKeyed = rows.every(({ isQuoted }) => isQuoted[0]) || !isNumeric[0];
  return isKeyed || keys.every((key, i) => Number(key) === Number(keys[0]) + i && (keys[0] === '1' || keys[0] === '0'));
}

/** Words above numbers. */
function isHeader(
  source: Source, first: SampleLine, below: readonly SampleLine[], isNumeric: boolean[], form: Form, { label }: HeaderOptions, ask: Ask,
): boolean {
  const { notation } = form;
  const own = first.cells.map((cell) => classify(cell, notation));
  if (below.length === 0) return own.length > 0 && !own.some(isData) && own.some(({ kind }) => kind === 'word');
  const skipped = typeof label === 'number' ? (label < 0 ? first.width + label : label) : -1;
  const above = own.map((cell, c) => ({ cell, c })).filter(({ c }) => isNumeric[c] && c !== skipped);
  if (!isNumeric.some(Boolean)) return own.every(({ kind }) => kind === 'word' || kind === 'missing');
  const words = above.filter(({ cell }) => cell.kind === 'word');
  const numbers = above.filter(({ cell }) => isData(cell));
  const odd = above.filter(({ cell }) => cell.kind !== 'word' && !isData(cell) && cell.kind !== 'missing');
  if (numbers.length === 0) {
    if (words.length > 0 || (odd.length > 2 && new Set(odd.map(({ cell }) => cell.text)).size === odd.length)) return true;
    if (odd.length === 0) return false;
    askHeader(source, first, odd[0]!.c, ask);
    return false;
  }
  // Names in quotes above numbers without.
  const bare = isNumeric.flatMap((is, c) => (is && (c > 0 || first.cells[0] !== '') ? [c] : []));
  if (first.isQuoted.every(Boolean) && bare.length > 0 && below.every(({ isQuoted }) => bare.every((c) => !isQuoted[c]))) return true;
  const isNamed = !isNumeric.every(Boolean)
    && first.cells.some((cell, c) => c !== skipped && !isNumeric[c] && own[c]!.kind === 'word' && !below.some(({ cells }) => cells[c] === cell));
  const verdict = sequence(first, below, isNumeric, numbers.map(({ c }) => c), words.length, isNamed);
  if (verdict === 'header') return true;
  if (verdict === 'ask') {
    askHeader(source, first, null, ask);
    return form.separator !== ONE_COLUMN;
  }
  if (words.length > 0) askHeader(source, first, words[0]!.c, ask);
  return false;
}

function isData({ kind }: Cell): boolean {
  return kind === 'number' || kind === 'overflow' || kind === 'grouped' || kind === 'infinite';
}

/**
 * Numbers in the first line that name columns: 0, 1, 2, … as pandas writes them, or in equal steps.
 *
 * Digits with a point in all rows of a column, and none above them, tell the two apart; where nothing does, it is asked.
 */
function sequence(
  first: SampleLine, below: readonly SampleLine[], isNumeric: boolean[], at: number[], words: number, isNamed: boolean,
): 'header' | 'data' | 'ask' {
  const cells = at.map((c) => first.cells[c]!);
  if (!cells.every((cell) => /^-?\d+$/.test(cell))) return 'data';
  const values = cells.map(Number);
  const offset = at[0]! - values[0]!;
  const isCount = cells[0] === '0' && (offset === 0 || offset === 1) && values.every((value, i) => at[i]! - value === offset);
  const columns = isNumeric.flatMap((is, c) => (is ? [c] : []));
  const fractional = columns.filter((c) => below.every(({ cells }) => cells[c] === undefined || cells[c] === '' || /[.,eE]/.test(cells[c]))).length;
  const rows = below.length;
  if (isCount) {
    if (values.length >= 2 && (words > 0 || (first.cells[0] === '' && offset === 1))) return 'header';
    if (values.length >= 10) return 'header';
    if (values.length === 1) return fractional === 1 && rows >= 2 && columns.length === 1 ? 'ask' : 'data';
    if (rows >= 2 && fractional > 0 && (values.length > 2 || fractional === columns.length)) return 'header';
    return 'ask';
  }
  const step = values.length > 2 ? values[1]! - values[0]! : 0;
  const isEven = (numbers: readonly number[]) => numbers.every((value, i) => i === 0 || value - numbers[i - 1]! === step);
  if (isNamed && values.length > 1 && values.every((value, i) => value >= 1900 && value <= 2100 && (i === 0 || value !== values[i - 1]))) return 'ask'; // years
  if (step === 0 || !isEven(values) || rows < 2) return 'data';
  if (fractional === columns.length || isNamed) return 'ask';
  return values.length >= 5 && !below.some(({ cells }) => isEven(at.map((c) => Number(cells[c])))) ? 'ask' : 'data';
}

function askHeader(source: Source, { line, cells }: SampleLine, column: number | null, ask: Ask): void {
  const details = { problem: 'ambiguous' as const, line, option: 'header', choices: [true, false] };
  const shown = cells.slice(0, 4).map((cell) => JSON.stringify(cell.slice(0, 40))).join(', ') + (cells.length > 4 ? ', …' : '');
  if (column === null) {
    const needed = 'to be told whether they name the columns or are data';
    ask(malformed(source, `line ${line} has the numbers ${shown}`, needed, 'Give "header": true or false.', details));
    return;
  }
  const cell = cells[column]!;
  const found = `line ${line}, column ${column + 1} is ${JSON.stringify(cell.slice(0, 40))} beside numbers`;
  const remedy = 'Give "header": true or false; a cell without a value can be named as such with "missing".';
  ask(malformed(source, found, 'a number there, or to be told that the line is a header', remedy, { ...details, column: column + 1, cell }));
}

/** Lines under the header that may hold units or more names. */
const MAX_UNITS = 2;
const UNIT = new RegExp([
  /^[([].*[)\]]$|[°µμ%/^²³]/,
  /^(?:[munpkMG]?(?:m|g|s|A|V|W|K|Pa|Hz|J|N|L|l|mol|bar|eV)|cm|dm|kg|min|h|d|yr?|years?|days?|hours?|seconds?|in|ft|lbs?|oz|px|deg[CF]?|rad|mmHg|ppm|dB|EUR|USD)$/,
].map(({ source }) => source).join('|'));

/** Words under a header and above numbers: words in two columns of numbers, or one that looks like a unit. */
function isUnits(line: SampleLine, below: readonly SampleLine[], notation: Notation): boolean {
  const isNumeric = numericColumns(below, line.width, notation);
  const above = line.cells.filter((_, c) => isNumeric[c]).map((cell) => classify(cell, notation));
  const isWord = ({ kind, text }: Cell) => kind === 'word' || (UNIT.test(text) && kind === 'quantity');
  if (!above.every((cell) => isWord(cell) || cell.kind === 'missing')) return false;
  const words = above.filter(isWord);
  return words.length > 1 || (words.length === 1 && UNIT.test(words[0]!.text));
}

/** Names of the columns as `numpy.savetxt` writes them. */
function namesInComment({ comment }: Sample, width: number, notation: Notation): string[] | null {
  if (!comment || comment.width !== width || comment.cells.length !== width || width < 2) return null;
  const names = comment.cells.map((cell) => cell.replace(/^[#%]\s*/, ''));
  return names.every((name) => name === '' || classify(name, notation).kind === 'word') && names.some((name) => name !== '') ? names : null;
}

function checkFirst(source: Source, first: SampleLine, width: number, separator: string): void {
  if (first.width === width || (first.width > width && first.cells.slice(width).every((cell) => cell === ''))) return;
  if (first.width > width && first.cells.length < first.width) return;
  const cells = (count: number) => `${count} cell${count === 1 ? '' : 's'}`;
  const found = `line ${first.line} is no header of these columns: it has ${cells(first.width)} where the lines below have ${width}`;
  const shown = { '\t': 'a tab', ' ': 'blanks', '\n': 'no separator' }[separator] ?? JSON.stringify(separator);
  throw malformed(source, found, `as many (cells are parted by ${shown})`, `Correct line ${first.line} or remove it, or give "separator".`, {
    problem: 'shape', line: first.line, option: 'separator',
  });
}
