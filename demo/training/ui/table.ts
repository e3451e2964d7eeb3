import type { DataSet } from '../messages.js';

/** A visitor's file as read: its columns, and the one that holds the labels until another is chosen. */
export interface ReadFile {
  name: string;
  rows: number;
  /** What the columns are called, the label's included; none where a second file has the labels. */
  columns: { index: number; name: string }[];
  /** Index of the likeliest label. */
  label: number | null;
  /** Why it cannot be read with that label, and where. */
  problem: { message: string; line: number | null; column: number | null } | null;
}

export type TableCommand =
  /** One file with a label column, or two: the data and their labels. */
  | { kind: 'read'; files: File[] }
  | { kind: 'split'; label: number | null; seed: number };

export type TableNews = { kind: 'read'; file: ReadFile } | { kind: 'split'; set: DataSet } | { kind: 'refused'; message: string };
