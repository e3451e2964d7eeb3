import { messageOf } from '../dom.js';
import type { Job, News, Settings } from './messages.js';
import { BATCH } from './train.js';

/** One worker with whole batches, and two that share them. */
export const MEMBERS = ['one worker', 'first of two', 'second of two'] as const;
export type Member = 0 | 1 | 2;

/** Starts all three; they end when the last has trained or one has failed. Gives what ends them before. */
export function startTeam(settings: Settings, hear: (member: Member, news: News) => void): () => void {
  const { port1, port2 } = new MessageChannel();
  const jobs: Job[] = [
    { settings, share: { from: 0, to: BATCH }, ports: null },
    { settings, share: { from: 0, to: settings.rows }, ports: [null, port1] },
    { settings, share: { from: settings.rows, to: BATCH }, ports: [port2, null] },
  ];
  let workers: Worker[] = [];
  let running = jobs.length;
  const end = () => {
    for (const worker of workers) worker.terminate();
    workers = [];
    running = 0;
  };
  const fail = (member: Member, message: string) => {
    if (running === 0) return; // what comes of ending the others
    end();
    hear(member, { kind: 'error', message });
  };
  jobs.forEach((job, i) => {
    const member = i as Member;
    let heard = false;
    try {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
      workers.push(worker);
      worker.addEventListener('message', ({ data }: MessageEvent<News>) => {
        if (running === 0) return; // ended with this one still on its way
        heard = true;
        if (data.kind === 'error') return fail(member, data.message);
        if (data.kind === 'trained' && --running === 0) end();
        hear(member, data);
      });
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        const why = event.message || 'the browser does not say why';
        fail(member, heard ? `The worker broke down: ${why}. Start again.` : noWorker(why));
      });
      worker.postMessage(job, (job.ports ?? []).filter((port) => port !== null));
    } catch (error) {
      queueMicrotask(() => fail(member, noWorker(messageOf(error))));
    }
  });
  return end;
}

function noWorker(why: string): string {
  return `This page needs module web workers and could create none (${why}). Use a current browser.`;
}
