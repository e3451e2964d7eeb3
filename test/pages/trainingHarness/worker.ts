// As demo/training/worker.ts, and counting.
import { Engine } from '../../../demo/training/engine.js';
import type { Command } from '../../../demo/training/messages.js';
import { countDevice } from './count.js';

countDevice();
const engine = new Engine((news) => postMessage(news));

addEventListener('message', ({ data }: MessageEvent<Command>) => engine.do(data));
