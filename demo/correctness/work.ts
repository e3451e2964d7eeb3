import { messageOf } from '../dom.js';
import type { Job, News } from './messages.js';

/** A job in a worker of its own. */
export interface Work {
  /** Asks a self-test to end after the row under way; its report still comes. */
  stop(): void;
  /** Ends the worker at once; nothing more is heard. */
  end(): void;
}

const LAST: readonly News['kind'][] = ['report', 'own', 'error'];

export function startWork(job: Job, hear: (news: News) => void): Work {
  let worker: Worker | null = null;
  let heard = false;
  const end = () => {
    worker?.terminate();
    worker = null;
  };
  const fail = (message: string) => {
    end();
    hear({ kind: 'error', message });
  };
  try {
    worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  } catch (error) {
    queueMicrotask(() => fail(noWorker(messageOf(error))));
    return { stop: end, end };
  }
  worker.addEventListener('message', ({ data }: MessageEvent<News>) => {
    if (!worker) return; // ended with this one still on its way
    heard = true;
    if (LAST.includes(data.kind)) end();
    hear(data);
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    if (!worker) return;
    const why = event.message || 'the browser does not say why';
    fail(heard ? `The worker broke down: ${why}. Start again.` : noWorker(why));
  });
  worker.postMessage(job);
  return { stop: () => worker?.postMessage({ kind: 'stop' }), end };
}

function noWorker(why: string): string {
  return `This page needs a module web worker and could create none (${why}). Use a current browser, or the command line: npm run verify.`;
}
