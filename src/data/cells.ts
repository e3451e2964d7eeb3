import { malformed, type Source } from './errors.js';

/** How a text is cut into cells. */
export interface Cut {
  /** One character; a blank stands for any run of blanks and tabs. */
  separator: string;
  /** A line that begins with it is none of the table; null: there is no such mark. */
  comment: string | null;
}

export interface Place {
  /** In the text. */
  at: number;
  /** From 1. */
  line: number;
}

const LINE_FEED = 10, RETURN = 13, BLANK = 32, TAB = 9, QUOTE = 34;

/**
 * Walks a text cell by cell. Cells may be "quoted", a quote inside doubled; lines end in LF, CRLF or CR.
 * Format: RFC 4180 — https://www.rfc-editor.org/rfc/rfc4180
 */
export class Cells {
  readonly text: string;
  at: number;
  /** The line of `at`. */
  line: number;
  /** The cell last read, its quotes included and the blanks around it not. */
  start = 0;
  end = 0;
  isQuoted = false;
  /** The cell last read is the last of its line, and `at` is on the next one. */
  isLast = false;
  readonly #separator: number;
  readonly #isBlanks: boolean;
  readonly #source: Source | null;

  /** @param source - for the errors of a malformed quote; null takes them as they come, for a text that may be cut anywhere. */
  constructor(text: string, separator: string, { at, line }: Place, source: Source | null) {
    this.text = text;
    this.at = at;
    this.line = line;
    this.#separator = separator.charCodeAt(0);
    this.#isBlanks = separator === ' ';
    this.#source = source;
  }

  get hasMore(): boolean {
    return this.at < this.text.length;
  }

  /** Reads the cell at `at`, of column `column` from 0, which errors name. */
  next(column: number): void {
    const { text } = this;
    let at = this.#skipBlanks(this.at);
    if (text.charCodeAt(at) === QUOTE) at = this.#quoted(at, column);
    else {
      const separator = this.#separator;
      this.isQuoted = false;
      this.start = at;
      let unit = text.charCodeAt(at);
      while (unit === unit && unit !== separator && unit !== LINE_FEED && unit !== RETURN && !(this.#isBlanks && unit === TAB)) unit = text.charCodeAt(++at);
      let end = at;
      while (end > this.start && isBlank(text.charCodeAt(end - 1))) end--;
      this.end = end;
    }
    this.finish(at);
  }

  /** Takes `at`, which is behind a cell, over what parts it from the next one. */
  finish(at: number): void {
    const { text } = this;
    if (this.#isBlanks) at = this.#skipBlanks(at);
    const unit = text.charCodeAt(at);
    if (unit !== unit) {
      this.isLast = true;
      this.at = text.length;
    } else if (unit === LINE_FEED || unit === RETURN) {
      this.isLast = true;
      this.line++;
      this.at = at + (unit === RETURN && text.charCodeAt(at + 1) === LINE_FEED ? 2 : 1);
    } else {
      this.isLast = false;
      this.at = this.#isBlanks ? at : at + 1;
    }
  }

  /** Whether `at`, which is behind a cell, is where the cell ends. */
  isEnd(at: number): boolean {
    const unit = this.text.charCodeAt(at);
    return unit !== unit || unit === this.#separator || unit === LINE_FEED || unit === RETURN || (this.#isBlanks && unit === TAB);
  }

  /** Takes `at` to the next line. */
  skipLine(): void {
    const { text } = this;
    let { at } = this;
    let unit = text.charCodeAt(at);
    while (unit === unit && unit !== LINE_FEED && unit !== RETURN) unit = text.charCodeAt(++at);
    this.finish(at);
  }

  /** Whether the line at `at`, a line's beginning, is none of the table's. */
  isComment(mark: string): boolean {
    const at = this.#skipBlanks(this.at);
    return this.text[at] === mark && !ERRORS.test(this.text.slice(at, at + 12));
  }

  /** Whether the line at `at`, a line's beginning, has blanks only. */
  isBlankLine(): boolean {
    const unit = this.text.charCodeAt(this.#skipBlanks(this.at));
    return unit !== unit || unit === LINE_FEED || unit === RETURN;
  }

  /** The cell last read, as text. */
  cell(): string {
    return cellText(this.text, this.start, this.end);
  }

  #skipBlanks(at: number): number {
    let unit = this.text.charCodeAt(at);
    while (unit === BLANK || (unit === TAB && unit !== this.#separator)) unit = this.text.charCodeAt(++at);
    return at;
  }

  /** The end of a quoted cell, over its line ends and the blanks behind it. */
  #quoted(open: number, column: number): number {
    const { text } = this;
    const line = this.line;
    let close = text.indexOf('"', open + 1);
    while (close >= 0 && text.charCodeAt(close + 1) === QUOTE) close = text.indexOf('"', close + 2);
    const details = { problem: 'shape' as const, line, column: column + 1 };
    if (close < 0) {
      if (this.#source) {
        throw malformed(this.#source, `line ${line}, column ${column + 1} opens a quote`, 'its closing quote', 'Double a quote inside a cell: "".', details);
      }
      close = text.length;
    }
    for (let at = open + 1; at < close; at++) {
      const unit = text.charCodeAt(at);
      if (unit === LINE_FEED || (unit === RETURN && text.charCodeAt(at + 1) !== LINE_FEED)) this.line++;
    }
    this.isQuoted = true;
    this.start = open;
    this.end = Math.min(close + 1, text.length);
    let at = this.#skipBlanks(this.end);
    if (!this.#isBlanks && !this.isEnd(at)) {
      if (this.#source) {
        const found = `line ${this.line}, column ${column + 1} goes on after its closing quote`;
        throw malformed(this.#source, found, 'a separator or the end of the line there', 'Double a quote inside a cell: "".', details);
      }
      while (!this.isEnd(at)) at++;
      this.end = at;
    }
    return at;
  }
}

/** What spreadsheets write for a value they could not compute begins as a comment does. */
const ERRORS = /^#(?:N\/A|NA|DIV\/0!|VALUE!|REF!|NAME\?|NUM!|NULL!)(?![A-Za-z])/;

/** A cell's text, its quotes taken off. */
export function cellText(text: string, start: number, end: number): string {
  if (text.charCodeAt(start) !== QUOTE || end - start < 2) return text.slice(start, end).trim();
  return text.slice(start + 1, end - 1).replaceAll('""', '"').trim();
}

function isBlank(unit: number): boolean {
  return unit === BLANK || unit === TAB;
}
