/**
 * Rows of data read from a file, in the channels-last order of x: element `row·channels + channel`.
 *
 * Every value is finite: a reader refuses NaN and infinity, since one of them takes its whole channel along.
 */
export interface Table {
  /** At least 1. */
  rows: number;
  /** At least 1. */
  channels: number;
  /** [rows, channels], channels innermost. */
  data: Float32Array<ArrayBuffer>;
  /** Names of the channels, when the file has a header line. */
  columns?: string[];
  /** One per row, when a label column was asked for: numbers where all of them are, else all text. */
  labels?: number[] | string[];
  /** Channels that were text, taken as 0, 1, 2, …: what each number stands for. */
  categories?: { channel: number; values: string[] }[];
}

/** A table as a reader gives it. */
export interface ReadTable extends Table {
  /** What was taken for what, a sentence each: the header, columns and lines left out, values filled in or rounded. */
  notes: string[];
}

/** What a number must be and is not, or null where it rounds to a finite f32. */
export function f32Problem(value: number): string | null {
  if (!Number.isFinite(value)) return 'a finite number';
  return Number.isFinite(Math.fround(value)) ? null : 'at most 3.4028235e38 in magnitude (f32)';
}
