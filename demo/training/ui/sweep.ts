import { byId, messageOf, scrollingTable } from '../../dom.js';
import { BothPlot, type BothData } from '../charts/plot.js';
import type { Both, Command, News, Score } from '../messages.js';
import { SWEEP } from '../settings.js';
import { parseCount } from './settings.js';
import { both, percent, short } from './words.js';

type SweepNews = Extract<News, { kind: 'sweepProgress' | 'sweepPoint' | 'sweepDone' }>;

const section = byId('sweep', HTMLElement);
const steps = byId('sweep-steps', HTMLInputElement);
const run = byId('sweep-run', HTMLButtonElement);
const stop = byId('sweep-stop', HTMLButtonElement);
const refusal = byId('sweep-refusal', HTMLElement);
const progress = byId('sweep-progress', HTMLProgressElement);
const status = byId('sweep-status', HTMLElement);
const result = byId('sweep-result', HTMLElement);
const hosts = { accuracy: byId('sweep-accuracy', HTMLElement), loss: byId('sweep-loss', HTMLElement) };

const x = { label: 'weight scale', scale: 'log' as const, span: [1e-4, 1] as [number, number] };

/** Both nets trained anew at twenty scales of their first weights. */
export class Sweep {
  readonly #changed: () => void;
  #plots: { accuracy: BothPlot; loss: BothPlot } | null = null;
  #points: { scale: number; scores: Both<Score> }[] = [];
  #of = 0;
  /** What the next one would train, and what this one trains. */
  #next = { words: '', classes: 2 };
  #own = this.#next;
  isRunning = false;

  /** @param changed - whether one runs. */
  constructor(send: (command: Command) => void, changed: () => void) {
    this.#changed = changed;
    steps.value = String(SWEEP.steps);
    run.addEventListener('click', () => {
      refusal.textContent = '';
      try {
        this.#of = parseCount('sweep', 'steps', steps.value.trim(), SWEEP.least, SWEEP.most);
      } catch (error) {
        refusal.textContent = messageOf(error);
        return;
      }
      send({ kind: 'sweep', scales: SWEEP.scales, steps: this.#of });
      this.#begin();
    });
    stop.addEventListener('click', () => send({ kind: 'stopSweep' }));
  }

  /** @param words - what is trained. */
  describe(words: string, classes: number): void {
    this.#next = { words, classes };
  }

  /** @param isReady - whether there are nets. */
  enable(isReady: boolean): void {
    const [off, on] = this.isRunning ? [run, stop] : [stop, run];
    const isFocused = document.activeElement === off;
    off.disabled = true;
    on.disabled = !isReady;
    if (isFocused) on.focus(); // the keyboard stays where it was
  }

  hear(news: SweepNews): void {
    if (news.kind === 'sweepProgress') {
      progress.max = news.of;
      progress.value = news.done;
    } else if (news.kind === 'sweepPoint') {
      this.#points.push(news);
      this.#show();
      status.textContent = `${this.#points.length} of ${SWEEP.scales.length} scales.`;
    } else this.#end(news.stopped ? 'stopped' : 'done',
      `${news.stopped ? 'Stopped after' : 'Done:'} ${this.#points.length} of ${SWEEP.scales.length} scales, ${this.#own.words}.`);
  }

  /** It was not begun, or cannot go on. */
  refuse(why: string): void {
    refusal.textContent = why;
    if (this.isRunning) this.#end('stopped', this.#points.length > 0 ? `Broke off after ${this.#points.length} of ${SWEEP.scales.length} scales.` : '');
  }

  #begin(): void {
    this.isRunning = true;
    this.#own = this.#next;
    this.#points = [];
    section.dataset.state = 'running';
    progress.value = 0;
    progress.hidden = false;
    result.hidden = false;
    this.#plots ??= { accuracy: new BothPlot(hosts.accuracy, { x, y: 'share', marked: true }), loss: new BothPlot(hosts.loss, { x, y: 'log', marked: true }) };
    status.textContent = `Training at the first scale, ${this.#of} steps each …`;
    this.#show();
    this.#changed();
  }

  #end(state: 'done' | 'stopped', words: string): void {
    this.isRunning = false;
    section.dataset.state = state;
    progress.hidden = true;
    status.textContent = words;
    result.hidden = this.#points.length === 0;
    this.#changed();
  }

  #show(): void {
    const scales = this.#points.map(({ scale }) => scale);
    for (const kind of ['accuracy', 'loss'] as const) {
      const of = (net: keyof Both<unknown>) => this.#points.map(({ scores }) => (Number.isFinite(scores[net][kind]) ? scores[net][kind] : null));
      const data: BothData = [scales, of('batchNorm'), of('plain')];
      this.#plots![kind].show(data, kind === 'accuracy' ? 1 / this.#own.classes : null);
      const last = this.#points.at(-1);
      const say = kind === 'accuracy' ? percent : short;
      const name = kind === 'accuracy' ? 'Held-out rows that are right' : 'Held-out loss';
      const words =
        last ? `${scales.length} weight scales from ${short(scales[0])} to ${short(last.scale)}; at the last ` +
          `${both({ batchNorm: last.scores.batchNorm[kind], plain: last.scores.plain[kind] }, say)}. The table has all.` : 'No scale is done yet.';
      hosts[kind].setAttribute('aria-label', `${name}: ${words}`);
    }
    const numeric = (name: string) => ({ name, numeric: true });
    byId('sweep-table', HTMLElement).replaceChildren(scrollingTable(
      'Twenty weight scales',
      [numeric('weight scale'), numeric('right, with batch norm'), numeric('right, without'), numeric('loss, with batch norm'), numeric('loss, without')],
      this.#points.map(({ scale, scores: { batchNorm, plain } }) =>
        [short(scale), percent(batchNorm.accuracy), percent(plain.accuracy), short(batchNorm.loss), short(plain.loss)]),
    ));
  }
}
