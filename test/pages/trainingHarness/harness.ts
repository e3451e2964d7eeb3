// A page without anything on it: gives a test the training demo's engine, in its worker or in the page, where the heap can be measured.
import { Engine } from '../../../demo/training/engine.js';
import type { Command, News } from '../../../demo/training/messages.js';
import { digits, spiral } from '../../../src/data/index.js';
import { digestOf } from '../../data/digest.js';
import { type Counts, countDevice } from './count.js';

/** What a page does for a test. */
export interface Harness {
  open(where: 'worker' | 'page'): void;
  /** All news from now on, up to the first of such a kind. */
  send(command: Command, until: News['kind'][]): Promise<News[]>;
  /** News that come without a command. */
  hear(until: News['kind'][]): Promise<News[]>;
  counts(): Promise<Counts>;
  digests(): { spiral: string; digits: string };
}

declare global {
  interface Window {
    harness: Harness;
  }
}

let post: (command: Command) => void;
let heard: News[] = [];
let waiting: { until: News['kind'][]; resolve: (news: News[]) => void } | null = null;

function receive(news: News): void {
  heard.push(news);
  wake();
}

function wake(): void {
  if (!waiting) return;
  const { until, resolve } = waiting;
  const end = heard.findIndex(({ kind }) => until.includes(kind) || kind === 'error');
  if (end < 0) return;
  waiting = null;
  resolve(heard.splice(0, end + 1));
}

function hear(until: News['kind'][]): Promise<News[]> {
  return new Promise((resolve) => {
    waiting = { until, resolve };
    wake();
  });
}

window.harness = {
  open(where) {
    if (where === 'page') {
      countDevice();
      const engine = new Engine(receive);
      post = (command) => engine.do(command);
      return;
    }
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<News>) => receive(data);
    worker.onerror = ({ message }) => receive({ kind: 'error', message });
    post = (command) => worker.postMessage(command);
  },
  send(command, until) {
    heard = [];
    post(command);
    return hear(until);
  },
  hear,
  counts() {
    const channel = new BroadcastChannel('counts');
    return new Promise((resolve) => {
      channel.onmessage = ({ data }: MessageEvent<Counts>) => {
        channel.close();
        resolve(data);
      };
      channel.postMessage('count');
    });
  },
  digests: () => ({ spiral: digestOf(spiral({ seed: 1, rowsPerArm: 100 }).data), digits: digestOf(digits({ seed: 1, count: 100 }).data) }),
};
