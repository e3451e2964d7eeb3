// The benchmark page's worker without the page: `npm run bench -- --browser` calls `start`, and is called as `hear`.
import type { Job, News } from '../../src/benchmark/peers/index.js';

declare global {
  interface Window {
    start(job: Job): void;
    hear(news: News): void;
  }
}

window.start = (job) => {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<News>) => window.hear(data));
  worker.addEventListener('error', ({ message }) => {
    window.hear({ kind: 'error', message: `The worker broke down: ${message || 'the browser does not say why'}.` });
  });
  worker.postMessage(job);
};
