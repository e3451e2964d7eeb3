import { byId } from '../../dom.js';
import { Curve } from './curve.js';
import { BothPlot } from './plot.js';
import type { Both, News, Score } from '../messages.js';
import { both, percent, short } from '../ui/words.js';

const lossHost = byId('loss-plot', HTMLElement);
const accuracyHost = byId('accuracy-plot', HTMLElement);

const step = { label: 'step', scale: 'linear' } as const;

/** Loss of the training batches and accuracy on the held-out rows, over the steps. */
export class Curves {
  readonly #lossPlot = new BothPlot(lossHost, { x: step, y: 'log' });
  readonly #accuracyPlot = new BothPlot(accuracyHost, { x: step, y: 'share' });
  #loss = new Curve();
  #accuracy = new Curve();
  #chance = 0;

  clear(classes: number): void {
    this.#loss = new Curve();
    this.#accuracy = new Curve();
    this.#chance = 1 / classes;
    this.#lossPlot.show(this.#loss.data());
    this.#accuracyPlot.show(this.#accuracy.data(), this.#chance);
    for (const name of ['loss', 'accuracy']) say(name, 'Nothing has been trained yet.');
  }

  progress({ step, losses, loss }: Extract<News, { kind: 'progress' }>): void {
    const steps = losses.batchNorm.length;
    losses.batchNorm.forEach((batchNorm, i) => this.#loss.push(step - steps + 1 + i, { batchNorm, plain: losses.plain[i] }));
    this.#lossPlot.show(this.#loss.data());
    say('loss', `Mean of the last ${steps === 1 ? 'step' : `${steps} steps`}, up to step ${step}: ${both(loss, short)}.`);
  }

  scores(step: number, { batchNorm, plain }: Both<Score>, settled: boolean): void {
    const accuracy = { batchNorm: batchNorm.accuracy, plain: plain.accuracy };
    this.#accuracy.push(step, accuracy);
    this.#accuracyPlot.show(this.#accuracy.data(), this.#chance);
    const early = settled ? '' : ' The running statistics are still near what they began with.';
    say('accuracy', `At step ${step}: ${both(accuracy, percent)}. Loss there: ${both({ batchNorm: batchNorm.loss, plain: plain.loss }, short)}.${early}`);
  }
}

/** Below a plot and as its label. */
function say(name: string, words: string): void {
  byId(`${name}-words`, HTMLElement).textContent = words;
  byId(`${name}-plot`, HTMLElement).setAttribute('aria-label', words);
}
