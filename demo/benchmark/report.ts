import { BENCH_HEAD, type BenchReport, benchCells, benchMarkdown, benchRows } from '../../src/benchmark/index.js';
import { type ShapeWithPeers, peerRatios } from '../../src/benchmark/peers/index.js';
import { adapterLine } from '../../src/verify/index.js';
import { environment } from '../correctness/report.js';
import { byId, copyReport, downloadText } from '../dom.js';

export interface PageReport extends BenchReport {
  timestamps: boolean;
  shapes: ShapeWithPeers[];
}

export const HEAD = [...BENCH_HEAD, '× fastest peer'] as const;

/** The table of a shape, as text. */
export function cellsOf(shape: ShapeWithPeers): string[][] {
  const ratios = peerRatios(shape.timings);
  return benchRows(shape).map((row, i) => [...benchCells(row), ratios[i] === null ? '' : ratios[i].toPrecision(3)]);
}

function factsOf({ adapter, timestamps }: PageReport): Record<string, string> {
  const { library, page, userAgent, date } = environment();
  return {
    library, page, browser: userAgent, date,
    adapter: adapter ? adapterLine(adapter) : 'not told',
    'timestamp queries': timestamps ? 'yes' : 'none, so there is no GPU time',
    threads: `${navigator.hardwareConcurrency}`,
  };
}

export function markdownOf(report: PageReport): string {
  const peers = report.shapes.map((shape) => {
    const ratios = peerRatios(shape.timings);
    const lines = shape.timings.flatMap(({ name }, i) => (ratios[i] === null ? [] : [`- ${name}: ${ratios[i].toPrecision(3)} × the fastest peer`]));
    return [`### ${shape.shape}`, '', ...lines, ...shape.refused.map(({ name, reason }) => `- ${name}: **not timed** – ${reason}`), ''].join('\n');
  });
  const some = report.shapes.some(({ timings, refused }) => refused.length > 0 || peerRatios(timings).some((ratio) => ratio !== null));
  return benchMarkdown(report, factsOf(report)) + (some ? `\n## Against the fastest right peer\n\n${peers.join('\n')}` : '');
}

export function jsonOf(report: PageReport): string {
  const shapes = report.shapes.map((shape) => {
    const ratios = peerRatios(shape.timings);
    return { ...shape, timings: benchRows(shape).map((row, i) => ({ ...row, ofFastestPeer: ratios[i] })) };
  });
  return JSON.stringify({ facts: factsOf(report), ...report, shapes }, null, 2);
}

/** The buttons that hand a report out. */
export class ReportButtons {
  readonly #fallback = byId('copy-fallback', HTMLElement);
  readonly #said = byId('copied', HTMLElement);
  readonly #buttons: HTMLButtonElement[];
  #report: PageReport | null = null;

  constructor() {
    const on = (id: string, act: (report: PageReport) => void) => {
      const button = byId(id, HTMLButtonElement);
      button.addEventListener('click', () => this.#report && act(this.#report));
      return button;
    };
    this.#buttons = [
      on('copy-markdown', (report) => this.#copy('Markdown', markdownOf(report))),
      on('copy-json', (report) => this.#copy('JSON', jsonOf(report))),
      on('download-json', (report) => downloadText('webgpu-batchnorm-benchmark.json', 'application/json', jsonOf(report))),
    ];
    this.show(null);
  }

  show(report: PageReport | null): void {
    this.#report = report;
    this.#said.textContent = '';
    this.#fallback.hidden = true;
    for (const button of this.#buttons) button.disabled = report === null;
  }

  async #copy(format: string, text: string): Promise<void> {
    this.#said.textContent = await copyReport(format, text);
  }
}
