/** What a cell of text can be beside a plain number. */
export type CellKind =
  | 'number'
  /** Digits in groups, as 1,234.5 or 1 234. */
  | 'grouped'
  | 'missing' | 'infinite'
  /** Beyond f32. */
  | 'overflow'
  | 'boolean' | 'date' | 'percent' | 'currency' | 'hexadecimal'
  /** Begins as a number does and is none. */
  | 'quantity'
  | 'word';

export interface Cell {
  text: string;
  kind: CellKind;
  /** Of a number, grouped, or boolean; else NaN. */
  value: number;
  /** Grouped, and a decimal number in the other notation: 1,234. */
  isAmbiguous: boolean;
}

export type Decimal = '.' | ',';

/** How numbers are written in a file. */
export interface Notation {
  decimal: Decimal;
  /** The decimal mark was said, or other cells of the file show it. */
  isSure: boolean;
  /** Words for a missing value beside the usual. */
  tokens: ReadonlySet<string>;
  /** Those of them that are numbers. */
  tokenNumbers: ReadonlySet<number>;
}

/** Where the last `scanNumber` ended. */
export let scanEnd = 0;

const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i); // all that an f64 holds exactly
const EXACT = 2 ** 53;
const PLUS = 43, COMMA = 44, MINUS = 45, POINT = 46, UPPER_E = 69, LOWER_E = 101, TRUE_MINUS = 0x2212;

/**
 * The number that begins at `at`, or NaN where none does; `scanEnd` is behind it. Linear in its digits.
 *
 * Up to 2⁵³ and with a power of ten that is exact, one multiplication or division rounds once, as `Number` does
 * (Clinger 1990, "How to read floating point numbers accurately"); the rest goes to `Number`.
 */
export function scanNumber(text: string, at: number, decimal: Decimal): number {
  const mark = decimal === ',' ? COMMA : POINT;
  const start = at;
  let unit = text.charCodeAt(at);
  const isNegative = unit === MINUS || unit === TRUE_MINUS;
  if (isNegative || unit === PLUS) unit = text.charCodeAt(++at);
  const first = at;
  let mantissa = 0;
  while (unit >= 48 && unit <= 57) {
    mantissa = mantissa * 10 + (unit - 48);
    unit = text.charCodeAt(++at);
  }
  let digits = at - first;
  let decimals = 0;
  if (unit === mark) {
    const point = at;
    unit = text.charCodeAt(++at);
    while (unit >= 48 && unit <= 57) {
      mantissa = mantissa * 10 + (unit - 48);
      unit = text.charCodeAt(++at);
    }
    decimals = at - point - 1;
    digits += decimals;
  }
  scanEnd = at;
  if (digits === 0) return NaN;
  let exponent = 0;
  if (unit === LOWER_E || unit === UPPER_E) {
    unit = text.charCodeAt(++at);
    const isSmall = unit === MINUS || unit === TRUE_MINUS;
    if (isSmall || unit === PLUS) unit = text.charCodeAt(++at);
    const from = at;
    while (unit >= 48 && unit <= 57) {
      exponent = Math.min(exponent * 10 + (unit - 48), 1e6);
      unit = text.charCodeAt(++at);
    }
    if (at === from) return NaN;
    if (isSmall) exponent = -exponent;
    scanEnd = at;
  }
  const scale = exponent - decimals;
  if (mantissa < EXACT && scale >= -22 && scale <= 22) {
    const size = scale < 0 ? mantissa / POWERS[-scale]! : mantissa * POWERS[scale]!;
    return isNegative ? -size : size;
  }
  const plain = text.slice(start, scanEnd).replaceAll('\u2212', '-');
  return Number(decimal === ',' ? plain.replace(',', '.') : plain);
}

/** The number that a whole cell is, or NaN. */
export function parseNumber(text: string, decimal: Decimal): number {
  const value = scanNumber(text, 0, decimal);
  return scanEnd === text.length ? value : NaN;
}

/** Beyond it nothing is looked for but a number: patterns are tried on short cells only, so that time stays linear. */
const LONGEST = 100;

/** Those that spreadsheets and statistics packages write; compared without case. */
const MISSING = new Set([
  '', '?', '-', '--', '---', '.', '..', '–', '—', 'na', 'n/a', 'n.a.', 'n.a', 'n/d', 'nd', 'nan', '-nan', '+nan', 'nat', 'null', 'nil', 'none', 'missing',
    '(null)', '<na>', '\\n',
  '#n/a', '#n/a n/a', '#na', '#div/0!', '#value!', '#ref!', '#name?', '#num!', '#null!', '-1.#ind', '1.#ind', '-1.#qnan', '1.#qnan', 'nan(ind)', '-nan(ind)',
]);
const INFINITE = /^[+-]?(?:inf|infinity|∞|1\.#inf)$/i;
const DATE = new RegExp([
  /^(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{1,2}[- ][a-z]{3,9}\.?[- ]\d{2,4}|[a-z]{3,9}\.? \d{1,2},? \d{4})(?:[T ,].*)?$/,
  /^\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?: ?[ap]m)?$/,
].map(({ source }) => source).join('|'), 'i');
const HEXADECIMAL = /^[+-]?0x[0-9a-f]+$/i;
const CURRENCY = /^[+-]?(?:[$€£¥₹]\s*[+-]?[\d.,]+|[\d.,]+\s*(?:[$€£¥₹]|EUR|USD|GBP|CHF))$/;
const GROUPED = {
  '.': /^([+-]?\d{1,3})([,'’ \u00a0\u2009\u202f_])\d{3}(?:\2\d{3})*(?:\.\d*)?$/,
  ',': /^([+-]?\d{1,3})([.'’ \u00a0\u2009\u202f_])\d{3}(?:\2\d{3})*(?:,\d*)?$/,
};

/** Says what a cell is. Its text is trimmed and without quotes. */
export function classify(text: string, notation: Notation): Cell {
  const as = (kind: CellKind, value = NaN, isAmbiguous = false): Cell => ({ text, kind, value, isAmbiguous });
  if (notation.tokens.has(text)) return as('missing');
  const value = parseNumber(text, notation.decimal);
  if (notation.tokenNumbers.has(value)) return as('missing');
  if (!Number.isNaN(value)) return Number.isFinite(Math.fround(value)) ? as('number', value) : as('overflow');
  if (text.length > LONGEST) return as(/^[+\-\u2212]?[\d.,]/.test(text) ? 'quantity' : 'word');
  if (MISSING.has(text.toLowerCase())) return as('missing');
  const plain = text.replaceAll('\u2212', '-');
  if (INFINITE.test(plain)) return as('infinite');
  if (/^(?:true|false)$/i.test(text)) return as('boolean', text.length === 4 ? 1 : 0);
  const grouped = GROUPED[notation.decimal].exec(plain);
  if (grouped) {
    const [, lead, mark] = grouped as unknown as [string, string, string];
    const isOther = mark === ',' || mark === '.';
    const isZero = /^[+-]?0/.test(lead); // 0,123 is no thousand
    if (!(isOther && isZero)) {
      const size = parseNumber(plain.replaceAll(mark, ''), notation.decimal);
      return as('grouped', size, isOther && !notation.isSure && /^[+-]?\d{1,3}[.,]\d{3}$/.test(plain));
    }
  }
  if (DATE.test(text)) return as('date');
  if (HEXADECIMAL.test(plain)) return as('hexadecimal');
  if (/^[+-]?[\d.,]+\s*%$/.test(plain)) return as('percent');
  if (CURRENCY.test(plain)) return as('currency');
  return as(/^[<>≤≥~≈=±]?\s*[+-]?[.,]?\d/.test(plain) ? 'quantity' : 'word');
}
