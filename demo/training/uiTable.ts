import type { DataSet } from './messages.js';

/** A visitor's file as read: its columns, and the one that holds the labels until another is chosen. */
export interface ReadFile {
  name: string;
  rows: number;
  /** Names of the columns, the label's included; none where a second file has the labels. */
  columns: string[];
  label: number | null;
}

export type TableCommand =
  /** One file with a label column, or two: the data and their labels. */
  | { kind: 'read'; files: File[] }
  | { kind: 'split'; label: number | null; seed: number };

export type TableNews = { kind: 'read'; file: ReadFile } | { kind: 'split'; set: DataSet } | { kind: 'refused'; message: string };
