// Times off the page's thread, where a CPU row would freeze it. Ending the worker frees all devices.
import { type Job, type News, runJob } from '../../src/benchmark/peers/index.js';
import { messageOf } from '../dom.js';

const tell = (news: News) => postMessage(news);

addEventListener('message', ({ data }: MessageEvent<Job>) => {
  runJob(data, tell).then(() => tell({ kind: 'end' }), (error: unknown) => tell({ kind: 'error', message: messageOf(error) }));
});
