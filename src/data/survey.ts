import { Cells, cellText, type Place } from './cells.js';
import { malformed, quote, type Source } from './errors.js';
import { type Cell, classify, type Notation, scanEnd, scanNumber } from './values.js';

export interface SurveyForm {
  separator: string;
  notation: Notation;
  comment: string | null;
  /** Cells of a row. */
  width: number;
  /** Where the data begin. */
  body: Place;
  /** Where `width` comes from, for errors. */
  widthFrom: string;
  /** A column whose cells are kept as text, whatever they are. */
  textColumn: number | null;
}

/** A cell that is no plain number. */
export interface OddCell {
  row: number;
  /** From 0. */
  column: number;
  line: number;
  cell: Cell;
}

const QUOTE = 34, BLANK = 32;

/** All rows of a text, in one walk: the numbers, and where there is something else. */
export class Survey {
  readonly width: number;
  rows = 0;
  /** [rows, width]; NaN where there is no plain number. */
  readonly values = new Floats();
  /** Plain numbers in each column. */
  readonly numbers: Float64Array;
  /** Whole numbers that f32 cannot hold, in each column. */
  readonly rounded: Float64Array;
  readonly comments: number[] = [];
  readonly blanks: number[] = [];
  /** Lines with separators at their end that the others do not have. */
  trailing = 0;
  /** Row, column, line, start and end of each odd cell. */
  readonly #odd = new Words();
  readonly #source: Source;
  readonly #text: string;
  readonly #form: SurveyForm;
  readonly #cells: Cells;
  readonly #known = new Map<string, Cell>();

  constructor(source: Source, text: string, form: SurveyForm) {
    this.#source = source;
    this.#text = text;
    this.#form = form;
    this.width = form.width;
    this.numbers = new Float64Array(form.width);
    this.rounded = new Float64Array(form.width);
    this.#cells = new Cells(text, form.separator, form.body, source);
  }

  /** How much of the text is behind it. */
  get at(): number {
    return this.#cells.at;
  }

  /** Reads rows until at least `until` of the text is behind it. Says whether there are more. */
  read(until: number): boolean {
    const cells = this.#cells;
    const { comment } = this.#form;
    const isOne = this.width === 1;
    while (cells.at < until && cells.hasMore) {
      if (comment !== null && cells.isComment(comment)) {
        this.comments.push(cells.line);
        cells.skipLine();
      } else if (!isOne && cells.isBlankLine()) {
        this.blanks.push(cells.line);
        cells.skipLine();
      } else this.#row();
    }
    return cells.hasMore;
  }

  /** The odd cells, in the order of the file. */
  *odd(): Generator<OddCell> {
    const { length, values } = this.#odd;
    for (let i = 0; i < length; i += 5) {
      yield { row: values[i]!, column: values[i + 1]!, line: values[i + 2]!, cell: this.#classified(cellText(this.#text, values[i + 3]!, values[i + 4]!)) };
    }
  }

  #classified(text: string): Cell {
    let cell = this.#known.get(text);
    if (!cell) this.#known.set(text, (cell = classify(text, this.#form.notation)));
    return cell;
  }

  #row(): void {
    const cells = this.#cells;
    const text = this.#text;
    const { width, textColumn, notation } = this.#form;
    const { decimal, tokens, tokenNumbers } = notation;
    const mayBeToken = tokens.size > 0;
    const isBlanks = this.#form.separator === ' ';
    const { numbers, values } = this;
    const line = cells.line;
    const oddBefore = this.#odd.length;
    let filled = 0;
    let c = 0;
    for (; c < width; c++) {
      let { at } = cells;
      while (text.charCodeAt(at) === BLANK) at++;
      const isQuote = text.charCodeAt(at) === QUOTE;
      const value = scanNumber(text, isQuote ? at + 1 : at, decimal);
      let end = scanEnd;
      const isNumber = value === value && c !== textColumn && !(mayBeToken && tokenNumbers.has(value)) && (!isQuote || text.charCodeAt(end++) === QUOTE);
      if (isNumber && !isBlanks) while (text.charCodeAt(end) === BLANK) end++;
      if (isNumber && cells.isEnd(end)) {
        const single = Math.fround(value);
        if (single - single === 0) { // finite
          if (single !== value && (value > 16777216 || value < -16777216) && Number.isInteger(value)) this.rounded[c]!++;
          values.push(single);
          numbers[c]!++;
          filled++;
          cells.finish(end);
          if (cells.isLast) {
            c++;
            break;
          }
          continue;
        }
      }
      const cellLine = cells.line;
      cells.next(c);
      filled += this.#other(c, cellLine);
      if (cells.isLast) {
        c++;
        break;
      }
    }
    if (filled === 0 && width > 1) {
      values.length -= c;
      this.#odd.length = oddBefore;
      while (!cells.isLast) cells.next(c++);
      this.blanks.push(line);
      return;
    }
    if (c < width) this.#short(line, c);
    if (!cells.isLast) this.#long(line);
    this.rows++;
  }

  /** Takes the cell last read, which is no plain number or has to be looked at. Says whether something is in it. */
  #other(column: number, line: number): number {
    const { start, end } = this.#cells;
    const cell = start === end ? null : this.#classified(cellText(this.#text, start, end));
    const isNumber = cell?.kind === 'number';
    this.values.push(isNumber ? cell.value : NaN);
    if (isNumber && column !== this.#form.textColumn) {
      this.numbers[column]!++;
      return 1;
    }
    this.#odd.push(this.rows, column, line, start, end);
    return start === end ? 0 : 1;
  }

  #short(line: number, found: number): never {
    const { width, widthFrom } = this.#form;
    throw malformed(this.#source, `line ${line}, column ${found + 1} is missing`, `${width} cells (${widthFrom} ${width})`, 'Fill the line in, or remove it.', {
      problem: 'shape', line, column: found + 1,
    });
  }

  /** Cells behind the last column may be empty. */
  #long(line: number): void {
    const cells = this.#cells;
    const { width, widthFrom } = this.#form;
    for (let column = width; !cells.isLast; column++) {
      cells.next(column);
      if (cells.start === cells.end) continue;
      const found = `line ${line}, column ${column + 1} is ${quote(cells.cell())}`;
      const needed = `the end of the line after ${width} cells (${widthFrom} ${width})`;
      throw malformed(this.#source, found, needed, 'Quote a cell that holds a separator.', { problem: 'shape', line, column: column + 1, cell: cells.cell() });
    }
    this.trailing++;
  }
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

  /** The values themselves, with room behind them. */
  get array(): Float32Array<ArrayBuffer> {
    return this.#values;
  }
}

/** u32 values of unknown number, five at a time. */
class Words {
  length = 0;
  values = new Uint32Array(320);

  push(a: number, b: number, c: number, d: number, e: number): void {
    if (this.length === this.values.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    const { values, length } = this;
    values[length] = a;
    values[length + 1] = b;
    values[length + 2] = c;
    values[length + 3] = d;
    values[length + 4] = e;
    this.length += 5;
  }
}
