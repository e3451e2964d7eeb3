// The page's worker: both nets train here, so that nothing holds the page up.
import { Engine } from './engine.js';
import type { Command } from './messages.js';

const engine = new Engine((news) => postMessage(news));

addEventListener('message', ({ data }: MessageEvent<Command>) => engine.do(data));
