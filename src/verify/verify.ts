import type { AdapterDescription, Backend } from '../backend/backend.js';
import { describe } from '../core/shape.js';
import { CASES, inputsOf } from './cases.js';
import { CHECKS } from './checks.js';
import type { Comparison } from './compare.js';
import { type Expected, type Inputs, expected } from './expected.js';
import { FIGURES } from './figures.js';
import { independent } from './independent.js';
import { type Order, probeOrderOf } from './probe.js';
import { compareAll, runCase } from './run.js';

/** What a case was held against. */
export type Against = 'reference' | 'second implementation' | 'PyTorch' | 'itself';

export interface Result {
  name: string;
  /** [rows, channels], or [batch, channels, spatial]; null for a check that has several shapes or none. */
  shape: readonly number[] | null;
  against: Against;
  passed: boolean;
  /** Every output compared; empty for checks, and for a case that threw. */
  comparisons: Comparison[];
  /** The comparison nearest its bound, or farthest beyond. */
  worst: Comparison | null;
  /** What was seen, or why it failed. */
  detail: string;
  milliseconds: number;
}

export interface Report {
  backend: 'gpu' | 'cpu';
  reason: string;
  adapter: AdapterDescription | null;
  /** Where it is lost the bounds are those of a plain f32 mean. */
  order: Order;
  seed: number;
  passed: number;
  failed: number;
  /** Stopped by its signal before the end. */
  aborted: boolean;
  milliseconds: number;
  results: Result[];
}

export interface VerifyOptions {
  /** Draws the data. Default 1. */
  seed?: number;
  /** Which rows of the table to run, by name. Default all. */
  filter?: (name: string) => boolean;
  /** Called after each row, and before the first with no result, once `order` is known. */
  onProgress?: (progress: { done: number; total: number; order: Order; result: Result | null }) => void;
  /** Stops after the row under way. */
  signal?: AbortSignal;
}

/** The names of the rows a backend runs, in order. */
export function verifyNames(kind: Backend['kind']): string[] {
  return rowsFor(kind).map(({ name }) => name);
}

/**
 * The self-test: every ability over a table of cases, on the given backend.
 *
 * A GPU is held against the CPU reference. The CPU, which is the reference, is held against a second
 * implementation that shares no code with it. Both are held against figures made by PyTorch in f64, and to
 * properties such as equal bits for equal input. A row that throws has failed; the run goes on.
 *
 * @returns the report; it has passed when `failed` is 0.
 * @example const { passed, failed } = await verify(await openBackend());
 */
export async function verify(backend: Backend, options: VerifyOptions = {}): Promise<Report> {
  if (typeof backend?.engine !== 'function') {
    throw new TypeError(`verify: "backend" is ${describe(backend)}, needs what openBackend() gave.`);
  }
  const { seed = 1, filter = () => true, onProgress, signal } = options;
  const start = performance.now();
  const order = await probeOrderOf(backend);
  const rows = rowsFor(backend.kind).filter(({ name }) => filter(name));
  const results: Result[] = [];
  onProgress?.({ done: 0, total: rows.length, order, result: null });
  for (const row of rows) {
    if (signal?.aborted) break;
    await new Promise((resolve) => setTimeout(resolve)); // lets a page draw
    const result = await runRow(row, backend, seed, order === 'lost');
    results.push(result);
    onProgress?.({ done: results.length, total: rows.length, order, result });
  }
  const passed = results.filter((result) => result.passed).length;
  return {
    backend: backend.kind, reason: backend.reason, adapter: backend.adapter, order, seed,
    passed, failed: results.length - passed, aborted: results.length < rows.length,
    milliseconds: performance.now() - start, results,
  };
}

/** One row: compares a case, or runs a check. */
interface Row {
  name: string;
  shape: readonly number[] | null;
  against: Against;
  run(backend: Backend, seed: number, plain: boolean): Promise<Comparison[] | string>;
}

function rowsFor(kind: Backend['kind']): Row[] {
  const twin = kind === 'gpu' ? { against: 'reference' as const, of: expected } : { against: 'second implementation' as const, of: independent };
  return [
    ...CASES.map((row, i): Row => ({
      name: row.name,
      shape: row.spatial === undefined ? [row.rows, row.channels] : [row.rows / row.spatial, row.channels, row.spatial],
      against: twin.against,
      run: (backend, seed, plain) => compareCase(backend, inputsOf(row, seed * 1000 + i), twin.of, plain),
    })),
    ...FIGURES.map(({ name, inputs, want }): Row => ({
      name: `PyTorch’s figures: ${name}`,
      shape: [inputs.rows, inputs.channels],
      against: 'PyTorch',
      run: (backend, _seed, plain) => compareCase(backend, inputs, () => want, plain),
    })),
    ...CHECKS.filter(({ gpu }) => kind === 'gpu' || !gpu).map((check): Row => ({
      name: check.name,
      shape: null,
      against: 'itself',
      run: (backend, seed, plain) => check.run(backend, seed, plain),
    })),
  ];
}

async function compareCase(backend: Backend, inputs: Inputs, want: (inputs: Inputs) => Expected, plain: boolean): Promise<Comparison[]> {
  return compareAll(inputs, await runCase(backend, inputs), want(inputs), plain);
}

async function runRow(row: Row, backend: Backend, seed: number, plain: boolean): Promise<Result> {
  const { name, shape, against } = row;
  const start = performance.now();
  const done = (rest: Pick<Result, 'passed' | 'comparisons' | 'worst' | 'detail'>): Result => ({
    name, shape, against, milliseconds: performance.now() - start, ...rest,
  });
  try {
    const seen = await row.run(backend, seed, plain);
    if (typeof seen === 'string') return done({ passed: true, comparisons: [], worst: null, detail: seen });
    const worst = seen.reduce((a, b) => (Number.isNaN(b.ratio) || b.ratio > a.ratio ? b : a));
    const failed = seen.filter(({ beyond }) => beyond > 0);
    return done({ passed: failed.length === 0, comparisons: seen, worst, detail: failed.map(describeFailure).join('; ') });
  } catch (error) {
    return done({ passed: false, comparisons: [], worst: null, detail: error instanceof Error ? error.message : String(error) });
  }
}

function describeFailure({ output, beyond, elements, row, channel, got, want, ratio }: Comparison): string {
  return `${output}: ${beyond} of ${elements} beyond, worst at row ${row}, channel ${channel}: ${digits(got)} for ${digits(want)}, ${ratio.toPrecision(3)} ` +
    `× its bound`;
}

/** As many digits as an f32 has. */
const digits = (value: number) => Number(value.toPrecision(9));
