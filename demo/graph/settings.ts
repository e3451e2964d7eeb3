import { LAST_STEP } from './nodes.js';
import { drawn } from './presets.js';
import type { Inputs } from './trace.js';

/** What a link reproduces. */
export interface Settings {
  inputs: Inputs;
  step: number;
  /** The chosen element, from 0. */
  row: number;
  column: number;
}

export const MOST_ROWS = 6;
export const MOST_CHANNELS = 4;
/** Beyond, f32 and the picture have nothing to show. */
const LARGEST = 1e6;

export const DEFAULTS: Settings = { inputs: drawn('random', 1, 4, 3), step: 0, row: 0, column: 0 };

/** A value as it is edited, such as x[2, 1]; rows and columns count from 1. */
export function parseValue(name: string, text: string): number {
  const value = decimal(text);
  if (Math.abs(value) <= LARGEST) return value;
  throw new RangeError(
    `graph: "${name}" is ${JSON.stringify(text)}, needs a number from −${LARGEST} to ${LARGEST}. Correct it; the picture still shows what stood there.`,
  );
}

export function parseEps(text: string): number {
  const value = decimal(text);
  if (value >= 0 && value <= 1) return value;
  throw new RangeError(
    `graph: "eps" is ${JSON.stringify(text)}, needs a number from 0 to 1, such as 1e-5. Correct it; the picture still shows what stood there.`,
  );
}

/** NaN where the text is no plain decimal number. The page itself writes −. */
function decimal(text: string): number {
  const plain = text.trim().replace('−', '-');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

/**
 * @throws {RangeError} the link does not say a picture; it names the place.
 */
export function settingsOfLink(search: string): Settings {
  const query = new URLSearchParams(search);
  const link = linkValues(DEFAULTS);
  const text = (name: keyof typeof link) => query.get(name) ?? link[name];
  const table = text('x').split(';').map((row) => row.split(','));
  const rows = table.length;
  const channels = table[0].length;
  if (rows > MOST_ROWS || channels > MOST_CHANNELS) {
    throw new RangeError(`graph: "x" of this link has ${rows} rows and ${channels} columns, needs at most ${MOST_ROWS} and ${MOST_CHANNELS}. Shorten it.`);
  }
  const matrix = (name: 'x' | 'dy') => parseTable(name, text(name), rows, channels);
  const vector = (name: 'gamma' | 'beta') => parseTable(name, text(name), 1, channels);
  const [row, column, ...rest] = text('at').split(',').map((part) => parseInteger('at', part, 1, MOST_ROWS));
  if (!(row <= rows && column <= channels) || rest.length > 0) {
    throw new RangeError(
      `graph: "at" of this link is ${JSON.stringify(text('at'))}, needs a row of ${rows} and a column of ${channels}, such as 1,1. Correct it.`,
    );
  }
  return {
    inputs: { rows, channels, x: matrix('x'), dy: matrix('dy'), gamma: vector('gamma'), beta: vector('beta'), eps: parseEps(text('eps')) },
    step: parseInteger('step', text('step'), 0, LAST_STEP), row: row - 1, column: column - 1,
  };
}

/** The query of a link that gives these settings; defaults are left out. Commas and semicolons stay readable. */
export function linkOfSettings(settings: Settings): string {
  const left = linkValues(DEFAULTS);
  const changed = Object.entries(linkValues(settings)).filter(([name, value]) => value !== left[name as keyof typeof left]);
  return changed.length > 0 ? `?${changed.map(([name, value]) => `${name}=${value}`).join('&')}` : '';
}

function linkValues({ inputs, step, row, column }: Settings) {
  const { rows, channels, x, dy, gamma, beta, eps } = inputs;
  const line = (values: Float64Array) => Array.from(values, String).join(',');
  const table = (values: Float64Array) => Array.from({ length: rows }, (_, r) => line(values.subarray(r * channels, (r + 1) * channels))).join(';');
  return {
    x: table(x), dy: table(dy), gamma: line(gamma), beta: line(beta), eps: String(eps), step: String(step), at: `${row + 1},${column + 1}`,
  };
}

function parseTable(name: string, text: string, rows: number, channels: number): Float64Array {
  const table = text.split(';').map((row) => row.split(','));
  if (table.length !== rows || table.some((row) => row.length !== channels)) {
    throw new RangeError(
      `graph: "${name}" of this link is ${JSON.stringify(text)}, needs ${rows} × ${channels} numbers (rows by ; and columns by ,). Correct it.`,
    );
  }
  return Float64Array.from(table.flatMap((row, r) => row.map((cell, c) => parseValue(cellName(name, r, c), cell))));
}

/** x[2, 1], or gamma[1] */
export function cellName(name: string, row: number, column: number): string {
  return ['gamma', 'beta'].includes(name) ? `${name}[${column + 1}]` : `${name}[${row + 1}, ${column + 1}]`;
}

function parseInteger(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new RangeError(`graph: "${name}" of this link is ${JSON.stringify(text)}, needs an integer from ${least} to ${most}. Correct it.`);
}

export function parseSeed(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`graph: "seed" is ${JSON.stringify(text)}, needs an integer from 0 to 999999999. Correct it.`);
}
