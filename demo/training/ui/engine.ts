import { messageOf } from '../../dom.js';
import type { Command, News } from '../messages.js';

/** The worker in which both nets train. */
export class EngineWorker {
  #worker: Worker | null = null;
  #hear: (news: News) => void;

  /** @param hear - of what comes back; an 'error' is the last of it. */
  constructor(hear: (news: News) => void) {
    this.#hear = hear;
    let heard = false;
    try {
      this.#worker = new Worker(new URL('../worker.ts', import.meta.url), { type: 'module' });
    } catch (error) {
      queueMicrotask(() => this.#fail(noWorker(messageOf(error))));
      return;
    }
    this.#worker.onmessage = ({ data }: MessageEvent<News>) => {
      heard = true;
      this.#hear(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const why = event.message || 'the browser does not say why';
      this.#fail(heard ? `The worker broke down: ${why}.` : noWorker(why));
    };
  }

  send(command: Command): void {
    this.#worker?.postMessage(command);
  }

  /** Nothing more is heard. */
  end(): void {
    this.#hear = () => {};
    this.#worker?.terminate();
    this.#worker = null;
  }

  #fail(message: string): void {
    const hear = this.#hear;
    this.end();
    hear({ kind: 'error', message });
  }
}

function noWorker(why: string): string {
  return `This page needs a module web worker and could create none (${why}). Use a current browser.`;
}
