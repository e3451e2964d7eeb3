import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { AdapterDescription } from '../backend/backend.js';
import { openBackend } from '../backend/open.js';
import {
  type BenchShape, type CallCount, type Calls, type Count, LARGE_SHAPES, OPERATIONS, SHAPES, type ShapeReport, type ShapeTable,
  benchMarkdown, benchTable, benchmark, count, countCalls, limitsFor, openTimedDevice, threeDigits,
} from '../benchmark/index.js';
import { type PeerReport, peerJson, peerMarkdown, peerTable } from '../benchmark/peers/report.js'; // not its index, which would bring the peers
import type { PlanKind } from '../core/options.js';
import { classOf } from '../plan/plan.js';
import { adapterLine } from '../verify/index.js';
import { findGpu } from './adapter.js';
import { openBrowser } from './browser.js';
import { firstTimes } from './first.js';
import { exit, runtime } from './process.js';
import { textTable } from './table.js';

const USAGE = `Usage: npm run bench -- [options]

Times forward, backward and inference on the best adapter, beside a copy, a vec4 pass, the staged backward and the
CPU. Every answer is checked before it is timed.

  --shapes TEXT     only the shapes whose name contains TEXT
  --large           shapes of at least 256 MiB instead, without the CPU and the staged backward
  --samples N       samples of each, default 9; medians are printed
  --plan KIND       force single or split
  --browser         run in a headless Chromium instead of Node; CHROMIUM_PATH names another than the system's
  --first           time and processor time from an empty profile to the first y and dx, ours and jax-js's, a browser started for
                    each of --samples (default 5); at [256, 64] and [4096, 256] where --shapes does not say
  --peers           time jax-js and tfjs too, in the browser; tfjs takes minutes at the largest shapes
  --abilities       time half storage, and fused activations beside the passes they replace, too
  --count           print what the plans of both adapter classes cost, and what the calls do on the adapter; time nothing
  --markdown FILE   write the tables there too
  --json            print JSON
  --help            print this

Exit status: 0 done, 2 the command could not run or an answer was wrong.`;

interface Settings {
  shapes: readonly BenchShape[];
  samples: number;
  plan: PlanKind | undefined;
  large: boolean;
  peers: boolean;
  abilities: boolean;
}

/** What a run says on its way. */
interface Listener {
  facts(facts: Record<string, string>): void;
  step(words: string): void;
  shape(text: string): void;
}

/** What a run ends with. */
interface Outcome {
  json: string;
  markdown: string;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      shapes: { type: 'string' }, large: { type: 'boolean', default: false }, samples: { type: 'string' },
      plan: { type: 'string' }, browser: { type: 'boolean', default: false }, peers: { type: 'boolean', default: false },
      abilities: { type: 'boolean', default: false }, count: { type: 'boolean', default: false }, first: { type: 'boolean', default: false },
      markdown: { type: 'string' },
      json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { json, large, plan, browser, peers, abilities } = values;
  if (plan !== undefined && plan !== 'single' && plan !== 'split') throw new Error(`bench: "--plan" is ${plan}, needs single or split.`);
  const samples = values.samples ?? (values.first ? '5' : '9');
  if (!/^[1-9]\d{0,3}$/.test(samples)) throw new Error(`bench: "--samples" is ${samples}, needs an integer from 1 to 9999.`);
  const other = (['large', 'plan', 'browser', 'peers', 'abilities', 'count'] as const).find((name) => values[name]);
  if (values.first && other) throw new Error(`bench: "--first" is given with --${other}, needs none: it starts browsers of its own. Leave one out.`);
  if (peers && !browser) throw new Error('bench: "--peers" is given without --browser, needs one to load them in. Add --browser.');
  if (browser && large) throw new Error('bench: "--large" is given with --browser, needs more memory than a tab has. Leave one out.');
  if (browser && values.count) throw new Error('bench: "--count" is given with --browser, needs none: it times nothing. Leave one out.');
  const known = large ? LARGE_SHAPES : SHAPES;
  const shapes = known.filter(({ name }) => values.shapes === undefined || name.includes(values.shapes));
  if (shapes.length === 0) {
    throw new Error(`bench: "--shapes" is ${values.shapes}, needs a part of one of ${known.map(({ name }) => name).join(', ')}.`);
  }
  if (values.count) return printCounts(shapes, plan, json);
  if (values.first) return printFirst(values.shapes === undefined ? FIRST_SHAPES : shapes.map(({ name }) => name), Number(samples), json);

  const live = !json && process.stderr.isTTY;
  const clear = live ? '\r\x1b[K' : '';
  const listener: Listener = {
    facts: (facts) => json || console.log(Object.entries(facts).map(([name, value]) => `${name}: ${value}`).join('\n')),
    step: (words) => live && process.stderr.write(`${clear}${words}`),
    shape: (text) => {
      process.stderr.write(clear);
      if (!json) console.log(`\n${text}`);
    },
  };
  const settings: Settings = { shapes, samples: Number(samples), plan, large, peers, abilities };
  const outcome = await (browser ? timeInBrowser : timeHere)(settings, listener);
  if (json) console.log(outcome.json);
  if (values.markdown !== undefined) await writeFile(values.markdown, outcome.markdown);
  return 0;
}

async function timeHere({ shapes, samples, plan, large, abilities }: Settings, listener: Listener): Promise<Outcome> {
  const { gpu, engine, why } = await findGpu();
  if (!gpu) throw new Error(`bench: there is no adapter. ${why}`);
  const device = await openTimedDevice(gpu);
  if (!device) throw new Error('bench: the adapter went away between two requests. Try again.');
  const backend = await openBackend({ device });
  const facts = factsOf({ engine, runtime: runtime() }, backend.adapter);
  listener.facts(facts);
  const report = await benchmark(backend, {
    shapes, samples, plan, cpu: !large, staged: !large, abilities,
    onProgress: (shape) => listener.shape(shapeText(shape, benchTable(shape))),
  });
  device.destroy();
  return { json: JSON.stringify({ facts, ...report }, null, 2), markdown: benchMarkdown(report, facts) };
}

async function timeInBrowser({ shapes, samples, plan, peers, abilities }: Settings, listener: Listener): Promise<Outcome> {
  listener.step('building the page');
  const browser = await openBrowser();
  try {
    let facts: Record<string, string> = {};
    const report: PeerReport = { adapter: null, adapterClass: 'hardware', samples, shapes: [] };
    await browser.run({ shapes: shapes.map(({ name }) => name), samples, plan, peers: peers ? 'all' : [], abilities }, (news) => {
      if (news.kind === 'opened') {
        const { adapter } = news.opened;
        Object.assign(report, { adapter, adapterClass: adapter?.software ? 'software' : 'hardware' });
        facts = factsOf({ engine: browser.engine }, adapter);
        listener.facts(facts);
      } else if (news.kind === 'step') {
        listener.step(`${news.shape}: ${news.words}`);
      } else if (news.kind === 'shape') {
        const { done } = news;
        report.shapes.push(done);
        listener.shape(shapeText(done, peerTable(done)));
      }
    });
    return { json: peerJson(report, facts), markdown: peerMarkdown(report, facts) };
  } finally {
    await browser.close();
  }
}

function factsOf(where: Record<string, string>, adapter: AdapterDescription | null): Record<string, string> {
  return {
    ...where,
    adapter: adapter ? adapterLine(adapter) : 'not told',
    machine: `${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    date: new Date().toISOString().slice(0, 10),
  };
}

function shapeText(shape: ShapeReport, { head, rows, notes }: ShapeTable): string {
  return [`${shape.shape}   recording forward + backward: ${shape.recordMicroseconds.toFixed(1)} µs of the CPU`, textTable(head, rows), ...notes].join('\n');
}

async function printCounts(shapes: readonly BenchShape[], kind: PlanKind | undefined, json: boolean): Promise<number> {
  const plans = shapes.flatMap((shape) =>
    (['hardware', 'software'] as const).map((adapterClass): Count => count(shape, { adapterClass, kind }, limitsFor(shape))));
  const { gpu, why } = await findGpu();
  const device = await openTimedDevice(gpu);
  const adapterClass = device && classOf(device.adapterInfo);
  const calls: { shape: string; calls: Awaited<ReturnType<typeof countCalls>> }[] = [];
  if (device && adapterClass) {
    for (const shape of shapes) calls.push({ shape: shape.name, calls: await countCalls(device, shape, { adapterClass, kind }) });
    device.destroy();
  }
  if (json) {
    console.log(JSON.stringify({ plans, adapterClass, calls }, null, 2));
    return 0;
  }
  console.log(textTable(
    ['shape', 'class', 'plan', 'workgroups', 'threads', 'visits', 'MiB f', 'MiB b', 'scratch MiB'],
    plans.map((c) => [
      c.shape, c.adapterClass, c.plan, c.workgroups, String(c.threads), String(c.iterations),
      threeDigits(c.forwardMiB), threeDigits(c.backwardMiB), c.scratchMiB.toPrecision(2),
    ]),
  ));
  if (!device) {
    console.log(`\nCalls are counted on an adapter, and there is none. ${why}`);
    return 0;
  }
  console.log(`
What ${OPERATIONS.join(' / ')} call on this adapter, of class ${adapterClass}:
GPU objects created, buffer writes and submits of the first call with its shape and buffers, and of each after it.
`);
  console.log(textTable(
    ['shape', 'dispatches', 'first: objects', 'writes', 'submits', 'steady: objects', 'writes', 'submits'],
    calls.map(({ shape, calls: of }) => {
      const each = (when: keyof CallCount, what: keyof Calls) => OPERATIONS.map((name) => of[name][when][what]).join(' / ');
      const kinds = (when: keyof CallCount) => (['objects', 'writes', 'submits'] as const).map((what) => each(when, what));
      return [shape, each('steady', 'dispatches'), ...kinds('first'), ...kinds('steady')];
    }),
  ));
  return 0;
}

/** As in benchmark/peers/first.ts, whose import would bring the peers. */
const FIRST_SHAPES = ['[256, 64]', '[4096, 256]'];
const TRAVELLERS = ['this library', 'jax-js: two passes, jit and vjp', 'a device alone'];

async function printFirst(shapes: readonly string[], samples: number, json: boolean): Promise<number> {
  const live = !json && process.stderr.isTTY;
  const onStep = (words: string) => live && process.stderr.write(`\r\x1b[K${words}`);
  const { engine, rows } = await firstTimes({ shapes, names: TRAVELLERS, samples, onStep });
  const { adapter: _adapter, ...facts } = factsOf({ engine }, null); // each browser finds its own
  if (live) process.stderr.write('\r\x1b[K');
  if (json) {
    console.log(JSON.stringify({ facts, samples, rows }, null, 2));
    return 0;
  }
  console.log(Object.entries(facts).map(([name, value]) => `${name}: ${value}`).join('\n'));
  console.log(`\nFrom an empty profile to the first y and on to the first dx, both read back; medians of ${samples} browsers each.\n`);
  console.log(textTable(
    ['shape', '', 'ms to y', 'ms to dx', 'processor s', 'least to most', '× jax-js'],
    rows.map(({ shape, name, toY, toDx, processorSeconds, all }) => {
      const peer = rows.find((row) => row.shape === shape && row.name === TRAVELLERS[1])!;
      return [
        shape, name, toY.toFixed(0), toDx.toFixed(0), processorSeconds.toFixed(2), `${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)}`,
        (processorSeconds / peer.processorSeconds).toFixed(2),
      ];
    }),
  ));
  return 0;
}

main().then(exit, (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  exit(2);
});
