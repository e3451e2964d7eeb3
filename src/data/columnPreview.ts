import type { ColumnKind } from './columns.js';
import type { Role } from './rows.js';

export interface ColumnPreview {
  /** In the file, from 0: what `label` and `omit` take. */
  index: number;
  /** Null where the file has no names, empty where this column has none. */
  name: string | null;
  kind: ColumnKind;
  /** What `readTable` with the same options makes of it; `'text'` is what it refuses or numbers. */
  role: Role;
  /** Different values, the missing not counted; no more than `MAX_DISTINCT` are. */
  distinct: number;
  /** The different values and how often each is there, the most frequent first; null where there are more than `MAX_CLASSES`. */
  classes: { value: string; count: number }[] | null;
  missing: number;
  /** Cells that do not go with its kind. */
  odd: number;
  /** The first cell that is missing or odd: line and column from 1, the line null in an array. */
  first: { line: number | null; column: number; cell: string } | null;
}
