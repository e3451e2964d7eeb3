import type { AdapterDescription } from '../../src/index.js';
import type { OwnData, Report, Result } from '../../src/verify/index.js';

export type Prefer = 'gpu' | 'cpu';

/** What decides a run of the self-test; a link carries all of it. */
export interface Settings {
  backend: Prefer;
  seed: number;
  /** Part of a row's name; empty for all. */
  filter: string;
}

export interface SelfTest extends Settings {
  kind: 'verify';
}

/** Text that is no number goes as it is: the library's own sentence says what is wrong with it. */
interface Own {
  backend: Prefer;
  seed: number;
  layout: 'channelsLast' | 'channelsFirst';
  /** Channels-first only. */
  spatial: number | string | undefined;
}

export interface OwnShape extends Own {
  kind: 'shape';
  rows: number | string;
  columns: number | string;
  /** Mean of every column, whose deviation is 1. */
  offset: number;
}

export interface OwnFile extends Own {
  kind: 'file';
  file: File;
  label: string | number | undefined;
}

export type Job = SelfTest | OwnShape | OwnFile;

/** From the page to its worker: one job, and for a self-test perhaps a stop. */
export type Order = Job | { kind: 'stop' };

export interface Opened {
  kind: Prefer;
  reason: string;
  adapter: AdapterDescription | null;
}

/** From the worker to its page; `report`, `own` and `error` are the last of a job. */
export type News =
  | { kind: 'opened'; opened: Opened; names: string[] }
  | { kind: 'order'; order: Report['order'] }
  | { kind: 'result'; result: Result }
  | { kind: 'lost'; why: string }
  | { kind: 'report'; report: Report }
  /** `names` are the columns', where a column is a channel. */
  | { kind: 'own'; opened: Opened; own: OwnData; names: string[] | null }
  | { kind: 'error'; message: string };
