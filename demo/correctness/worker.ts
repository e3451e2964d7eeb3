// Does one job off the page's thread, where the f64 reference would freeze it.
import { random, readTable } from '../../src/data/index.js';
import { type Backend, openBackend } from '../../src/index.js';
import { verify, verifyNames, verifyOwn } from '../../src/verify/index.js';
import { messageOf } from '../dom.js';
import type { Job, News, Opened, Order, OwnFile, OwnShape, SelfTest } from './messages.js';

/** About a gigabyte while it is checked: its inputs, its outputs, and the reference's in f64. */
const MAX_ELEMENTS = 2 ** 24;

const stopped = new AbortController();

addEventListener('message', ({ data }: MessageEvent<Order>) => {
  if (data.kind === 'stop') stopped.abort();
  else work(data).catch((error: unknown) => tell({ kind: 'error', message: messageOf(error) }));
});

function tell(news: News): void {
  postMessage(news);
}

async function work(job: Job): Promise<void> {
  const backend = await openBackend({ prefer: job.backend });
  backend.lost.then(({ message, reason }) => tell({ kind: 'lost', why: message || reason }));
  try {
    if (job.kind === 'verify') await selfTest(backend, job);
    else await own(backend, job);
  } finally {
    backend.dispose();
  }
}

async function selfTest(backend: Backend, { seed, filter }: SelfTest): Promise<void> {
  const wanted = (name: string) => name.includes(filter);
  const names = verifyNames(backend.kind).filter(wanted);
  if (names.length === 0) {
    throw new RangeError(`verify: "filter" is ${JSON.stringify(filter)}, needs a part of a row's name. Leave it empty to run all.`);
  }
  tell({ kind: 'opened', opened: openedOf(backend), names });
  const report = await verify(backend, {
    seed,
    filter: wanted,
    signal: stopped.signal,
    onProgress({ order, result }) {
      tell(result ? { kind: 'result', result } : { kind: 'order', order });
    },
  });
  tell({ kind: 'report', report });
}

async function own(backend: Backend, job: OwnShape | OwnFile): Promise<void> {
  const table = job.kind === 'shape' ? draw(job) : await read(job);
  const { rows, channels, columns } = table;
  const elements = rows * channels;
  if (elements > MAX_ELEMENTS && elements <= 0xffffffff) {
    throw new RangeError(
      `verifyOwn: "shape" has ${elements} elements (rows ${rows} × columns ${channels}), needs at most ${MAX_ELEMENTS} ` +
        '(what a browser tab can hold in f64). Take fewer rows, or use the command line: npm run verify -- --input FILE.',
    );
  }
  const { seed, layout } = job;
  const spatial = job.spatial as number | undefined;
  const result = await verifyOwn(backend, table, { seed, layout, spatial });
  tell({ kind: 'own', opened: openedOf(backend), own: result, names: result.spatial === 1 ? (columns ?? null) : null });
}

/** Normal deviates around the offset. A shape that cannot be drawn comes without data: `verifyOwn` says what is wrong with it. */
function draw({ rows, columns, offset, seed }: OwnShape) {
  const shape = { rows: rows as number, channels: columns as number };
  const drawable = Number.isInteger(rows) && Number.isInteger(columns) && shape.rows > 0 && shape.channels > 0;
  const elements = drawable ? shape.rows * shape.channels : 0;
  const data = new Float32Array(elements <= MAX_ELEMENTS ? elements : 0);
  const source = random(seed);
  for (let i = 0; i < data.length; i++) data[i] = offset + source.normal();
  return { ...shape, data, columns: undefined };
}

async function read({ file, label }: OwnFile) {
  return readTable(new Uint8Array(await file.arrayBuffer()), { file: file.name, ...(label === undefined ? {} : { label }) });
}

function openedOf({ kind, reason, adapter }: Backend): Opened {
  return { kind, reason, adapter };
}
