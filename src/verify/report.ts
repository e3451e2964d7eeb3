import type { Backend } from '../backend/backend.js';
import type { OwnData } from './own.js';
import type { Report, Result } from './verify.js';

/** A report as JSON, histograms included. `environment` says what the report itself cannot know: versions, the page. */
export function reportJson(report: Report, environment: Record<string, string> = {}): string {
  return JSON.stringify({ environment, ...report }, plainJson, 2);
}

/** What `verifyOwn` found as JSON; `names` are the columns', in order. */
export function ownJson(
  own: OwnData,
  { kind, reason, adapter }: Pick<Backend, 'kind' | 'reason' | 'adapter'>,
  names: readonly string[] | null,
  environment: Record<string, string> = {},
): string {
  const columns = own.columns.map((column, c) => ({ name: names?.[c] ?? String(c), ...column }));
  return JSON.stringify({ environment, backend: kind, reason, adapter, ...own, columns }, plainJson, 2);
}

function plainJson(name: string, value: unknown): unknown {
  if (name === 'byChannel') return undefined; // one for each of perhaps thousands of channels
  if (value instanceof Uint32Array) return [...value];
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value; // JSON has no NaN
}

/** A report as Markdown, for a bug report. */
export function reportMarkdown(report: Report, environment: Record<string, string> = {}): string {
  const facts = { ...environment, ...reportFacts(report) };
  const lines = [
    '# webgpu-batchnorm self-test',
    '',
    ...Object.entries(facts).map(([name, value]) => `- ${name}: ${value}`),
    '',
    '| result | case | shape | against | worst output | error / bound | ms |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...report.results.map((result) => {
      const cells = resultCells(result);
      return `| ${[cells.result, escape(cells.name), cells.shape, cells.against, cells.output, cells.ratio, cells.milliseconds].join(' | ')} |`;
    }),
  ];
  const failures = report.results.filter(({ passed }) => !passed);
  if (failures.length > 0) lines.push('', '## Failures', '', ...failures.map(({ name, detail }) => `- ${name}: ${detail}`));
  return `${lines.join('\n')}\n`;
}

const ORDER: Record<Report['order'], string> = {
  kept: 'kept',
  guarded: 'the compiler reassociates, the kernels hold against it',
  lost: 'the compiler reassociates past the kernels’ guards, the bounds are those of a plain f32 mean',
};

export function orderLine(order: Report['order']): string {
  return ORDER[order];
}

/** What a reader wants to know before the table. */
export function reportFacts(report: Report): Record<string, string> {
  const { backend, reason, adapter, order, seed, passed, failed, aborted, milliseconds } = report;
  return {
    backend: `${backend}. ${reason}`,
    adapter: adapter ? adapterLine(adapter) : 'none',
    'order of operations': orderLine(order),
    seed: String(seed),
    outcome: `${passed} passed, ${failed} failed${aborted ? ', stopped before the end' : ''}, ${(milliseconds / 1000).toFixed(1)} s`,
  };
}

export function adapterLine({ vendor, architecture, device, description, software }: NonNullable<Report['adapter']>): string {
  const parts = [vendor, architecture, device, description].filter(Boolean).join(', ') || 'of unknown make';
  return software ? `${parts} (software)` : parts;
}

/** A result as the text of its cells. */
export function resultCells({ name, shape, against, passed, worst, detail, milliseconds }: Result) {
  return {
    result: passed ? 'ok' : 'FAIL',
    name,
    shape: shape?.join('×') ?? '',
    against,
    output: worst ? worst.output : passed ? detail : '',
    ratio: worst ? (worst.ratio === 0 ? '0' : worst.ratio.toPrecision(2)) : '',
    milliseconds: milliseconds.toFixed(0),
  };
}

const escape = (text: string) => text.replace(/\|/g, '\\|');
