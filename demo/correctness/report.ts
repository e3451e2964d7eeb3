import manifest from '../../package.json';
import { type Report, reportJson, reportMarkdown } from '../../src/verify/index.js';
import { byId, copyReport, downloadText } from '../dom.js';

/** The buttons that hand a report out. */
export class ReportButtons {
  readonly #buttons: HTMLButtonElement[];
  readonly #fallback = byId('copy-fallback', HTMLElement);
  readonly #said = byId('copied', HTMLElement);
  #report: Report | null = null;

  constructor() {
    const markdown = byId('copy-markdown', HTMLButtonElement);
    const json = byId('copy-json', HTMLButtonElement);
    const download = byId('download-json', HTMLButtonElement);
    this.#buttons = [markdown, json, download];
    markdown.addEventListener('click', () => this.#copy('Markdown', reportMarkdown));
    json.addEventListener('click', () => this.#copy('JSON', reportJson));
    download.addEventListener('click', () => {
      if (!this.#report) return;
      downloadText('webgpu-batchnorm-self-test.json', 'application/json', reportJson(this.#report, environment()));
      this.#said.textContent = 'The report is downloaded as JSON.';
    });
    this.show(null);
  }

  show(report: Report | null): void {
    this.#report = report;
    this.#said.textContent = '';
    this.#fallback.hidden = true;
    for (const button of this.#buttons) button.disabled = report === null;
  }

  async #copy(format: string, write: (report: Report, environment: Record<string, string>) => string): Promise<void> {
    if (!this.#report) return;
    this.#said.textContent = await copyReport(format, write(this.#report, environment()));
  }
}

/** What a report cannot know of itself. */
export function environment(): Record<string, string> {
  return {
    library: `${manifest.name} ${manifest.version}`,
    page: location.href,
    userAgent: navigator.userAgent,
    date: new Date().toISOString(),
  };
}
