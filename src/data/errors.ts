/** What kind of thing is wrong, for whoever acts on it: an error's sentence is for people. */
export type TableProblem =
  /** An option has no meaning for this file, or names no column of it. */
  | 'option'
  /** More bytes or elements than may be. */
  | 'size'
  /** A file of another kind. */
  | 'format'
  /** Cut short, changed on the way, or not what its header says. */
  | 'damaged'
  /** No row of numbers. */
  | 'empty'
  /** A line with more or fewer cells than the others. */
  | 'shape'
  /** A cell that is no number. */
  | 'cell'
  /** A cell without a value. */
  | 'missing'
  /** The file can be meant in two ways: `option` says which. */
  | 'ambiguous';

/** Where it is, and what would settle it. */
export interface ErrorDetails {
  problem: TableProblem;
  /** Of the text, from 1. */
  line?: number | undefined;
  /** Of the file, from 1. */
  column?: number | undefined;
  /** Name of the column. */
  name?: string | undefined;
  /** The cell as it stands there. */
  cell?: string | undefined;
  /** The option of `readTable` that settles it, the first of several. */
  option?: string | undefined;
  /** Values of that option to choose from; columns are indices. */
  choices?: readonly unknown[] | undefined;
}

/** A file that a reader refuses, or asks about: its sentence for people, its fields for programs. */
export class TableError extends RangeError {
  override readonly name = 'TableError';
  readonly file: string;
  readonly details: ErrorDetails;

  constructor(message: string, file: string, details: ErrorDetails) {
    super(message);
    this.file = file;
    this.details = details;
  }
}

/** Words for the errors of a reader. */
export interface SourceOptions {
  /** Name of the file; without it errors name the argument. */
  file?: string | undefined;
  /** The call that errors name; for a function that wraps the reader. */
  call?: string | undefined;
}

/** What an error is about. */
export interface Source {
  call: string;
  /** The file, or the argument it came in. */
  subject: string;
}

/** The error for a file: one sentence, then the remedy. */
export function malformed(
  { call, subject }: Source, found: string, needed: string, remedy: string, details: ErrorDetails = { problem: 'damaged' },
): TableError {
  return new TableError(`${call}: ${JSON.stringify(subject)} ${found}, needs ${needed}. ${remedy}`, subject, details);
}

/** The error for an option that this file has no use for. */
export function badOption({ call, subject }: Source, option: string, found: string, remedy: string, choices?: readonly unknown[]): TableError {
  return new TableError(`${call}: "${option}" ${found}. ${remedy}`, subject, { problem: 'option', option, choices });
}

/** A cell in an error: long ones are cut. */
export function quote(cell: string): string {
  return JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
}

export function quoteAll(cells: readonly string[]): string {
  return cells.slice(0, 20).map(quote).join(', ') + (cells.length > 20 ? ', …' : '');
}
