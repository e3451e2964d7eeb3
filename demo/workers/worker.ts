// One worker: trains on its share with the others, or alone. Ending it frees its device.
import { openBackend } from '../../src/index.js';
import { messageOf } from '../dom.js';
import { exchangeThrough } from './exchange.js';
import type { Job, News } from './messages.js';
import { train } from './train.js';

const tell = (news: News) => postMessage(news);

addEventListener('message', ({ data }: MessageEvent<Job>) => {
  work(data).catch((error: unknown) => tell({ kind: 'error', message: messageOf(error) }));
});

async function work({ settings, share, ports }: Job): Promise<void> {
  const { seed, steps } = settings;
  const backend = await openBackend({ prefer: settings.backend });
  const { kind, reason, adapter } = backend;
  backend.lost.then(({ message, reason }) => tell({ kind: 'lost', why: message || reason }));
  tell({ kind: 'opened', opened: { kind, reason, adapter } });
  try {
    const exchange = ports && exchangeThrough(ports);
    const trained = await train(backend, share, exchange, { seed, steps, onStep: (loss) => tell({ kind: 'step', loss }) });
    tell({ kind: 'trained', trained });
  } finally {
    backend.dispose();
  }
}
