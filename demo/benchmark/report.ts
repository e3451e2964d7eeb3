import { type PeerReport, peerJson, peerMarkdown } from '../../src/benchmark/peers/index.js';
import { adapterLine } from '../../src/verify/index.js';
import { environment } from '../correctness/report.js';
import { byId, copyReport, downloadText } from '../dom.js';

export interface PageReport extends PeerReport {
  timestamps: boolean;
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
      on('copy-markdown', (report) => this.#copy('Markdown', peerMarkdown(report, factsOf(report)))),
      on('copy-json', (report) => this.#copy('JSON', peerJson(report, factsOf(report)))),
      on('download-json', (report) => downloadText('webgpu-batchnorm-benchmark.json', 'application/json', peerJson(report, factsOf(report)))),
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
