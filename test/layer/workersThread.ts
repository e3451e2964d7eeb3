// One thread of workers.test.ts, bundled by it. Tells what it trained, or in a sentence why not.
import { parentPort, workerData } from 'node:worker_threads';
import { exchangeThrough } from '../../demo/workers/exchange.js';
import { type Share, train } from '../../demo/workers/train.js';
import { type Exchange, openBackend } from '../../src/index.js';

export interface ThreadData {
  share: Share;
  /** As `exchangeThrough` takes them: Node's ports have what it uses of the browser's. */
  ports: (MessagePort | null)[];
  seed: number;
  steps: number;
  /** Ends the thread at this call of the exchange, as a crash would. */
  endAt?: number;
  /** Control: normalizes by this part's own moments, as if there were no other. */
  alone?: boolean;
}

const { share, ports, seed, steps, endAt, alone } = workerData as ThreadData;
const exchange = exchangeThrough(ports);
let calls = 0;
const tampered: Exchange = async (part) => {
  const call = calls++;
  if (call === endAt) process.exit(1);
  const parts = await exchange(part);
  const moments = call % 3 === 0; // the first of a step's three parts
  return alone && moments ? [part] : parts;
};
const backend = await openBackend({ prefer: 'cpu' });
try {
  parentPort!.postMessage({ trained: await train(backend, share, tampered, { seed, steps }) });
} catch (error) {
  parentPort!.postMessage({ error: (error as Error).message });
} finally {
  for (const port of ports) port?.close(); // else the thread would wait for more
}
