import { describe } from '../core/shape.js';

/** What to do about cells without a value: refuse the file, leave their rows out, or put the mean of the column's other values there. */
export type MissingAction = 'refuse' | 'drop' | 'mean';

/** What to do about columns of text: refuse the file, leave them out, or number their words 0, 1, 2, … in the order of the alphabet. */
export type TextAction = 'refuse' | 'drop' | 'categories';

/** A column: its name in the header, or its index in the file from 0, negative from the end as −1 for the last. */
export type ColumnRef = string | number;

/** What a table of text cannot say of itself. Each is found out where it is left out, and asked where it cannot be. */
export interface TextOptions {
  /** Column taken out into `labels`. */
  label?: ColumnRef | undefined;
  /** Whether the first line names the columns. A label by name says that it does. */
  header?: boolean | undefined;
  /** Columns left out. Without it, one that counts or names the rows and has no name itself is left out too; with an empty list none is. */
  omit?: readonly ColumnRef[] | undefined;
  /** What stands between cells: one character. A blank stands for any run of blanks and tabs. */
  separator?: string | undefined;
  /** The decimal mark. Said outright, the other mark parts thousands: 1,234 is 1234 where it is a point. */
  decimal?: '.' | ',' | undefined;
  /** What to do about cells without a value, and what stands for one beside empty cells, NA, nan, null, ? and their kin. Default refuse. */
  missing?: MissingAction | { action?: MissingAction | undefined; tokens?: readonly string[] | undefined } | undefined;
  /** Default refuse. */
  text?: TextAction | undefined;
}

export interface ReadProgress {
  stage: 'unzip' | 'read';
  /** Of the file, in a unit of the stage's own. */
  done: number;
  total: number;
}

/** Options of a table of text that must be of the right kind. */
export function checkTextOptions(call: string, options: TextOptions): { action: MissingAction; tokens: readonly string[]; text: TextAction } {
  const { label, header, omit, separator, decimal, missing, text } = options;
  const isColumn = (column: unknown) => typeof column === 'string' || typeof column === 'number';
  if (label !== undefined && !isColumn(label)) throw new TypeError(`${call}: "label" is ${describe(label)}, needs the name of a column or its index.`);
  if (header !== undefined && typeof header !== 'boolean') throw new TypeError(`${call}: "header" is ${describe(header)}, needs true or false.`);
  if (omit !== undefined && !(Array.isArray(omit) && omit.every(isColumn))) {
    throw new TypeError(`${call}: "omit" is ${describe(omit)}, needs a list of names of columns or their indices.`);
  }
  if (separator !== undefined && (typeof separator !== 'string' || !/^[^"\r\n\0\d.+-]$/.test(separator))) {
    throw new TypeError(`${call}: "separator" is ${describe(separator)}, needs one character that numbers, quotes and lines do not have.`);
  }
  if (decimal !== undefined && decimal !== '.' && decimal !== ',') throw new TypeError(`${call}: "decimal" is ${describe(decimal)}, needs "." or ",".`);
  if (text !== undefined && !['refuse', 'drop', 'categories'].includes(text)) {
    throw new TypeError(`${call}: "text" is ${describe(text)}, needs "refuse", "drop" or "categories".`);
  }
  const { action = 'refuse', tokens = [] } = typeof missing === 'object' && missing !== null ? missing : { action: missing };
  if (missing === null || !['refuse', 'drop', 'mean'].includes(action)) {
    throw new TypeError(`${call}: "missing" is ${describe(missing === null ? missing : action)}, needs "refuse", "drop" or "mean".`);
  }
  if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string')) {
    throw new TypeError(`${call}: "missing.tokens" is ${describe(tokens)}, needs a list of words.`);
  }
  return { action, tokens, text: text ?? 'refuse' };
}
