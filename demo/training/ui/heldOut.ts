import { byId, messageOf, scrollingTable } from '../../dom.js';
import type { Command, News } from '../messages.js';
import { parseCount } from './settings.js';
import { say } from './status.js';
import { percent, short } from './words.js';

type Tested<Kind extends News['kind']> = Extract<News, { kind: Kind }>;

const SIZES = [5, 10, 50];

const batchesRun = byId('batches-run', HTMLButtonElement);
const batchesStatus = byId('batches-status', HTMLElement);
const oneRun = byId('one-run', HTMLButtonElement);
const oneRow = byId('one-row', HTMLInputElement);
const oneStatus = byId('one-status', HTMLElement);

/** What becomes of held-out rows in small batches, and of one alone. */
export class HeldOut {
  /** Rows held out. */
  #rows = 1;

  constructor(send: (command: Command) => void) {
    batchesRun.addEventListener('click', () => {
      say(batchesStatus, 'Testing …');
      send({ kind: 'testBatches', sizes: SIZES });
    });
    oneRun.addEventListener('click', () => {
      try {
        const row = parseCount('testOne', 'row', oneRow.value.trim(), 0, this.#rows - 1);
        say(oneStatus, 'Testing …');
        send({ kind: 'testOne', row });
      } catch (error) {
        say(oneStatus, messageOf(error), true);
      }
    });
  }

  enable(isReady: boolean): void {
    batchesRun.disabled = oneRun.disabled = !isReady;
  }

  /** Other nets: what was found of those before is gone. */
  clear(rows: number): void {
    this.#rows = rows;
    say(batchesStatus, '');
    say(oneStatus, '');
    byId('batches-table', HTMLElement).replaceChildren();
  }

  /** @param step - where the nets stand; null while they run. */
  showBatches({ rows }: Tested<'testedBatches'>, step: number | null): void {
    say(batchesStatus, `The net with batch norm ${step === null ? 'on its way' : `at step ${step}`}:`);
    const numeric = (name: string) => ({ name, numeric: true });
    byId('batches-table', HTMLElement).replaceChildren(scrollingTable(
      'Batch sizes at test time',
      [numeric('rows a batch'), numeric('right, running'), numeric('right, each batch’s'), numeric('loss, running'), numeric('loss, each batch’s')],
      rows.map(({ size, running, own }) => [String(size), percent(running.accuracy), percent(own.accuracy), short(running.loss), short(own.loss)]),
    ));
  }

  showOne({ row, label, predicted, largestDifference, largestNormDifference }: Tested<'testedOne'>, labels: readonly string[]): void {
    const verdict = predicted === label ? 'which is right' : `and its label is ${labels[label]}`;
    const norm = largestNormDifference === 0 ? 'Each batch norm gives it the same bits alone and within a batch'
      : `The batch norms differ by up to ${short(largestNormDifference)} between alone and within a batch`;
    const scores = largestDifference === 0 ? 'so do the whole net’s scores'
      : `the whole net’s scores differ by ${short(largestDifference)}, which is the linear layers’ rounding`;
    say(oneStatus, `Row ${row} alone is taken for ${labels[predicted]}, ${verdict}. ${norm}; ${scores}.`);
  }

  refuse(command: 'testBatches' | 'testOne', why: string): void {
    say(command === 'testOne' ? oneStatus : batchesStatus, why, true);
  }
}
