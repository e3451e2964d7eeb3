import type { Timing } from './measure.js';
import type { BenchReport, ShapeReport } from './run.js';

/** A timing beside its ceilings; null where the ceiling was not timed. */
export interface BenchRow extends Timing {
  /** GB/s moved. */
  rate: number | null;
  /** Rate as a share of the vec4 copy kernel's. */
  ofCopy: number | null;
  /** Time as a multiple of `pass`'s. */
  ofPass: number | null;
}

export const BENCH_HEAD = ['contender', 'ms', 'fastest–slowest', 'GPU ms', 'GB/s', 'of copy', '× pass', 'dispatches'] as const;

export function benchRows({ timings }: ShapeReport): BenchRow[] {
  const wallOf = (name: string) => timings.find((timing) => timing.name.startsWith(name));
  const rateOf = ({ bytes, wall }: Timing) => (bytes === null ? null : bytes / wall / 1e6);
  const copy = wallOf('copy (vec4');
  const pass = wallOf('pass');
  const ceiling = copy ? rateOf(copy) : null;
  return timings.map((timing) => {
    const rate = rateOf(timing);
    return {
      ...timing, rate,
      ofCopy: rate !== null && ceiling !== null ? rate / ceiling : null,
      ofPass: pass ? timing.wall / pass.wall : null,
    };
  });
}

export function benchCells({ name, wall, wallRange, gpu, rate, ofCopy, ofPass, dispatches }: BenchRow): string[] {
  return [
    name, threeDigits(wall), `${threeDigits(wallRange[0])}–${threeDigits(wallRange[1])}`, gpu === null ? '' : threeDigits(gpu),
    rate === null ? '' : threeDigits(rate), ofCopy === null ? '' : `${(100 * ofCopy).toFixed(0)} %`,
    ofPass === null ? '' : ofPass.toFixed(2), dispatches === null ? '' : String(dispatches),
  ];
}

/** Three digits at least, and no exponent where whole numbers say it. */
export function threeDigits(value: number): string {
  return value < 999.5 ? value.toPrecision(3) : value.toFixed(0);
}

/** What is printed of a shape, wherever it is printed. */
export interface ShapeTable {
  head: readonly string[];
  rows: string[][];
  /** Lines to stand below it. */
  notes: string[];
}

export function benchTable(shape: ShapeReport): ShapeTable {
  return { head: BENCH_HEAD, rows: benchRows(shape).map(benchCells), notes: [] };
}

/** The report as Markdown; `facts` say what it cannot know: engine, versions, machine, date. */
export function benchMarkdown<S extends ShapeReport>(
  report: BenchReport & { shapes: S[] }, facts: Record<string, string>, tableOf: (shape: S) => ShapeTable = benchTable,
): string {
  const lines = ['# webgpu-batchnorm benchmark', '', ...Object.entries(facts).map(([name, value]) => `- ${name}: ${value}`)];
  lines.push(`- method: medians of ${report.samples} samples in turn, after a check of every answer and a warm-up; wall time from submit to done`);
  for (const shape of report.shapes) {
    const { head, rows, notes } = tableOf(shape);
    lines.push('', `## ${shape.shape}`, '', `Recording one forward and one backward takes ${shape.recordMicroseconds.toFixed(1)} µs of the CPU.`, '');
    lines.push(`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows.map((cells) => `| ${cells.join(' | ')} |`));
    if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${note}`));
  }
  return `${lines.join('\n')}\n`;
}
