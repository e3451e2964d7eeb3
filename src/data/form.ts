import type { Place } from './cells.js';
import { malformed, type Source } from './errors.js';
import { type Sample, type SampleLine, takeSample, widthOf } from './sample.js';
import { type Decimal, type Notation, parseNumber } from './values.js';

/** How the text of a table is written. */
export interface Form {
  separator: string;
  notation: Notation;
  comment: string | null;
  /** Where its lines begin, behind what spreadsheets put in front. */
  start: Place;
}

export interface FormOptions {
  separator?: string | undefined;
  decimal?: Decimal | undefined;
  tokens?: readonly string[] | undefined;
}

/** In this order where nothing else tells: a comma can stand inside the others' cells, a blank inside all. */
const SEPARATORS = ['\t', ';', '|', ',', ' '];
/** Each line is a cell. */
export const ONE_COLUMN = '\n';

/** `sep=;`, by which Excel is told; perhaps quoted. */
const TOLD = /^"?sep=(.)"?[ ,;\t]*(?:\r\n|\r|\n|$)/i;

interface Candidate {
  separator: string;
  sample: Sample;
  score: number;
  decimal: Decimal;
  isSure: boolean;
  /** All numbers with a comma are digits in groups of three. */
  mayBeGrouped: SampleLine | null;
}

/** Finds out how a text is written: that which makes lines of one width out of most of it, and numbers of most cells. */
export function findForm(source: Source, text: string, options: FormOptions, ask: (question: Error) => void): Form & { sample: Sample } {
  const told = TOLD.exec(text.slice(0, 20));
  const start: Place = told ? { at: told[0].length, line: 2 } : { at: 0, line: 1 };
  const said = options.separator ?? told?.[1];
  const comment = findComment(text, start);
  // With a decimal comma, a comma parts cells only where they are quoted.
  const separators = said !== undefined ? [said] : SEPARATORS;
  const candidates = separators.map((separator) => judge(text, separator, comment, start, options.decimal));
  if (said === undefined) candidates.push(judge(text, ONE_COLUMN, comment, start, options.decimal));
  let best = candidates[0]!;
  for (const candidate of candidates) if (candidate.score > best.score) best = candidate;
  if (options.decimal === ',' && said === undefined && best.separator === ',') {
    const others = candidates.filter(({ separator, score }) => separator !== ',' && score > 1);
    for (const candidate of others) if (best.separator === ',' || candidate.score > best.score) best = candidate;
  }
  const { separator, sample, decimal } = best;
  if (best.mayBeGrouped && options.decimal === undefined) {
    const { line, cells } = best.mayBeGrouped;
    const column = cells.findIndex((cell) => COMMA_GROUP.test(cell));
    const found = `line ${line}, column ${column + 1} is ${JSON.stringify(cells[column])}`;
    ask(malformed(source, found, 'to be told whether the comma is a decimal one or parts thousands', 'Give "decimal": "," or ".".', {
      problem: 'ambiguous', line, column: column + 1, cell: cells[column], option: 'decimal', choices: [',', '.'],
    }));
  }
  const tokens = options.tokens ?? [];
  const tokenNumbers = tokens.map((token) => parseNumber(token, decimal)).filter((value) => !Number.isNaN(value));
  const notation = { decimal, isSure: options.decimal !== undefined || best.isSure, tokens: new Set(tokens), tokenNumbers: new Set(tokenNumbers) };
  return { separator, notation, comment, start, sample };
}

/** The mark of comments, where lines begin with one and most do not. */
function findComment(text: string, start: Place): string | null {
  for (const mark of ['#', '%']) {
    const { lines, comments } = takeSample(text, { separator: ONE_COLUMN, comment: mark }, start);
    if (comments > 0 && lines.length > 0) return mark;
  }
  return null;
}

/** What parts thousands and is no decimal mark. */
const GROUPS = /(?<=\d)['’ \u00a0\u2009\u202f](?=\d{3}(?!\d))/g;
const COMMA_GROUP = /^[+-]?[1-9]\d{0,2}(?:,\d{3})+$/;
const POINT_GROUP = /^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$/;

function judge(text: string, separator: string, comment: string | null, start: Place, said: Decimal | undefined): Candidate {
  const sample = takeSample(text, { separator, comment }, start);
  return score(separator, sample, said);
}

function score(separator: string, sample: Sample, said: Decimal | undefined): Candidate {
  const { lines } = sample;
  const width = widthOf(lines);
  const consistent = lines.length === 0 ? 0 : lines.filter((line) => line.width === width).length / lines.length;
  const body = lines.length > 1 ? lines.slice(1) : lines;
  const counts = { all: 0, plain: 0, point: 0, comma: 0, surePoint: 0, sureComma: 0 };
  let grouped: SampleLine | null = null;
  for (const line of body) {
    for (const written of line.cells) {
      if (written === '') continue;
      counts.all++;
      const cell = written.length > 60 ? written : written.replace(GROUPS, '');
      if (cell.length > 60 || !/[.,]/.test(cell)) {
        if (!Number.isNaN(parseNumber(cell, '.'))) counts.plain++;
      } else if (!Number.isNaN(parseNumber(cell, '.'))) {
        counts.point++;
        if (!POINT_GROUP.test(cell)) counts.surePoint++;
      } else if (!Number.isNaN(parseNumber(cell, ','))) {
        counts.comma++;
        if (!COMMA_GROUP.test(cell)) counts.sureComma++;
        else grouped ??= line;
      }
    }
  }
  const decimal = said ?? (counts.comma > counts.point ? ',' : '.');
  const numbers = counts.plain + (decimal === ',' ? counts.comma : counts.point);
  const share = counts.all === 0 ? 0 : numbers / counts.all;
  const isOne = separator === ONE_COLUMN;
  // A header of several names, above what would be numbers with a decimal comma.
  const head = lines[0]?.cells[0] ?? '';
  const isCut = isOne && said === undefined && counts.comma > 0 && head.includes(',') && Number.isNaN(parseNumber(head, ','));
  return {
    separator, sample, decimal,
    score: width < 2 && !isOne ? 0 : isCut ? 0 : consistent * (0.2 + share),
    isSure: decimal === ',' ? counts.sureComma > 0 : counts.surePoint > 0,
    mayBeGrouped: decimal === ',' && counts.sureComma === 0 && counts.surePoint === 0 ? grouped : null,
  };
}
