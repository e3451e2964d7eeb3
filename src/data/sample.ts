import { Cells, type Cut, type Place } from './cells.js';

/** A line near the top of a text, cut into cells. */
export interface SampleLine extends Place {
  /** The first of them, trimmed and without quotes. */
  cells: string[];
  isQuoted: boolean[];
  /** How many there are. */
  width: number;
  next: Place;
}

export interface Sample {
  lines: SampleLine[];
  /** How many there are among them. */
  comments: number;
  /** The last one in front of the first line, without its mark: perhaps names. */
  comment: SampleLine | null;
}

/** The beginning of a text is looked at, so that a large file is not read twice. */
const MAX_LINES = 200;
const ENOUGH_CHARACTERS = 2 ** 17;
const ENOUGH_LINES = 5;
export const MAX_CELLS = 2000;

/** Cuts the first lines of a text. Blank lines are passed over, and those with separators only. */
export function takeSample(text: string, { separator, comment }: Cut, from: Place): Sample {
  const source = new Cells(text, separator, from, null);
  const sample: Sample = { lines: [], comments: 0, comment: null };
  while (source.hasMore && sample.lines.length < MAX_LINES) {
    if (source.at - from.at > ENOUGH_CHARACTERS && sample.lines.length >= ENOUGH_LINES) break;
    if (source.isBlankLine()) {
      source.skipLine();
      continue;
    }
    const place = { at: source.at, line: source.line };
    if (comment !== null && source.isComment(comment)) {
      source.skipLine();
      sample.comments++;
      if (sample.lines.length > 0) continue;
      const words = text.slice(text.indexOf(comment, place.at) + 1, source.at).replace(/^ +|[\r\n]+$/g, '');
      sample.comment = { ...place, ...cellsOf(new Cells(words, separator, { at: 0, line: 1 }, null)), next: { at: source.at, line: source.line } };
      continue;
    }
    const line = { ...place, ...cellsOf(source), next: { at: source.at, line: source.line } };
    if (line.width === 1 || line.cells.some((cell) => cell !== '')) sample.lines.push(line);
  }
  return sample;
}

/** All cells of one line, of which `takeSample` keeps the first. */
export function wholeLine(text: string, separator: string, from: Place): string[] {
  return cellsOf(new Cells(text, separator, from, null), Infinity).cells;
}

function cellsOf(source: Cells, limit = MAX_CELLS): Pick<SampleLine, 'cells' | 'isQuoted' | 'width'> {
  const cells: string[] = [];
  const isQuoted: boolean[] = [];
  let width = 0;
  do {
    source.next(width);
    if (width < limit) {
      cells.push(source.cell());
      isQuoted.push(source.isQuoted);
    }
    width++;
  } while (!source.isLast);
  return { cells, isQuoted, width };
}

/** The width that most lines have; of two as frequent, that of the line that comes first. */
export function widthOf(lines: readonly SampleLine[]): number {
  const counts = new Map<number, number>();
  for (const { width } of lines) counts.set(width, (counts.get(width) ?? 0) + 1);
  let best = 0;
  for (const [width, count] of counts) if (count > (counts.get(best) ?? 0)) best = width;
  return best;
}
