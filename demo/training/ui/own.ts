import { byId, messageOf } from '../../dom.js';
import type { DataSet } from '../messages.js';
import { say } from './status.js';
import type { ReadFile, TableCommand, TableNews } from './table.js';

const panel = byId('own', HTMLElement);
const picker = byId('own-file', HTMLInputElement);
const labelField = byId('own-label-field', HTMLElement);
const labelChoice = byId('own-label', HTMLSelectElement);
const status = byId('own-status', HTMLElement);

/** The visitor's file: read in a worker, split by the column chosen. A refusal says why and leaves what was read before. */
export class OwnData {
  readonly #chosen: () => void;
  #worker: Worker | null = null;
  #file: ReadFile | null = null;
  #answer: ((news: TableNews) => void) | null = null;
  #busy: Promise<unknown> = Promise.resolve();

  /** @param chosen - another file has been read, or another label column chosen. */
  constructor(chosen: () => void) {
    this.#chosen = chosen;
    picker.addEventListener('change', () => {
      void this.#read([...(picker.files ?? [])]);
      picker.value = ''; // so that the same file can be chosen again
    });
    labelChoice.addEventListener('change', () => this.#chosen());
    // Anywhere on the page, so that a file that misses the frame does not replace the page.
    addEventListener('dragover', (event) => {
      event.preventDefault();
      this.show(true);
      panel.classList.add('over');
    });
    addEventListener('dragleave', ({ relatedTarget }) => relatedTarget === null && panel.classList.remove('over'));
    addEventListener('drop', (event) => {
      event.preventDefault();
      panel.classList.remove('over');
      void this.#read([...(event.dataTransfer?.files ?? [])]);
    });
  }

  get hasFile(): boolean {
    return this.#file !== null;
  }

  show(isShown: boolean): void {
    panel.hidden = !isShown;
  }

  /**
   * @throws {Error} the file cannot be split so.
   */
  async dataSet(seed: number): Promise<DataSet> {
    const label = labelChoice.value === '' ? null : Number(labelChoice.value);
    const news = await this.#ask({ kind: 'split', label, seed });
    if (news.kind !== 'split') throw new Error(news.kind === 'refused' ? news.message : 'train: the file was read anew. Start again.');
    return news.set;
  }

  async #read(files: File[]): Promise<void> {
    if (files.length === 0) return;
    this.show(true);
    say(status, `Reading ${files.map(({ name }) => name).join(' and ')} …`);
    const news = await this.#ask({ kind: 'read', files }).catch((error: unknown) => ({ kind: 'refused' as const, message: messageOf(error) }));
    if (news.kind === 'refused') return say(status, news.message, true);
    if (news.kind !== 'read') return;
    const { name, rows, columns, label, problem } = (this.#file = news.file);
    labelChoice.replaceChildren(...columns.map((column) => new Option(column.name, String(column.index), column.index === label, column.index === label)));
    labelField.hidden = label === null;
    if (problem) return say(status, problem.message, true);
    say(status, label === null ? `${name}: ${rows} rows with their labels.` : `${name}: ${rows} rows × ${columns.length} columns.`);
    this.#chosen();
  }

  /** One question after the other. */
  #ask(command: TableCommand): Promise<TableNews> {
    const answer = this.#busy.then(() => new Promise<TableNews>((resolve) => {
      this.#answer = resolve;
      this.#open().postMessage(command);
    }));
    this.#busy = answer.catch(() => null); // whoever asked hears of it
    return answer;
  }

  #open(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('./tableWorker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<TableNews>) => this.#answer?.(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#worker = null;
      this.#file = null; // it went with the worker
      this.#answer?.(
        { kind: 'refused', message: `The reader of files broke down: ${event.message || 'the browser does not say why'}. Choose the file again.` },
      );
    };
    return (this.#worker = worker);
  }
}
