import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { openBackend } from '../backend/open.js';
import {
  BENCH_HEAD, type BenchShape, LARGE_SHAPES, SHAPES, type ShapeReport, benchCells, benchMarkdown, benchRows, benchmark, count,
} from '../benchmark/index.js';
import { adapterLine } from '../verify/index.js';
import { findGpu } from './adapter.js';
import { exit, runtime } from './process.js';
import { textTable } from './table.js';

const USAGE = `Usage: npm run bench -- [options]

Times forward, backward and inference on the best adapter, beside a copy, a vec4 pass, the staged backward and the
CPU. Every answer is checked before it is timed.

  --shapes TEXT     only the shapes whose name contains TEXT
  --large           shapes of at least 256 MiB instead, without the CPU and the staged backward
  --samples N       samples of each, default 9; medians are printed
  --plan KIND       force single or split
  --count           print what the plans of both adapter classes cost, and time nothing
  --markdown FILE   write the tables there too
  --json            print JSON
  --help            print this

Exit status: 0 done, 2 the command could not run or an answer was wrong.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      shapes: { type: 'string' }, large: { type: 'boolean', default: false }, samples: { type: 'string', default: '9' },
      plan: { type: 'string' }, count: { type: 'boolean', default: false }, markdown: { type: 'string' },
      json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { json, large, plan } = values;
  if (plan !== undefined && plan !== 'single' && plan !== 'split') throw new Error(`bench: "--plan" is ${plan}, needs single or split.`);
  if (!/^[1-9]\d{0,3}$/.test(values.samples)) throw new Error(`bench: "--samples" is ${values.samples}, needs an integer from 1 to 9999.`);
  const known = large ? LARGE_SHAPES : SHAPES;
  const shapes = known.filter(({ name }) => values.shapes === undefined || name.includes(values.shapes));
  if (shapes.length === 0) {
    throw new Error(`bench: "--shapes" is ${values.shapes}, needs a part of one of ${known.map(({ name }) => name).join(', ')}.`);
  }
  if (values.count) return printCounts(shapes, json);

  const { gpu, engine, why } = await findGpu();
  if (!gpu) throw new Error(`bench: there is no adapter. ${why}`);
  const backend = await openBackend({ device: await timedDevice(gpu) });
  const facts = {
    engine,
    runtime: runtime(),
    adapter: backend.adapter ? adapterLine(backend.adapter) : 'not told',
    machine: `${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    date: new Date().toISOString().slice(0, 10),
  };
  if (!json) for (const [name, value] of Object.entries(facts)) console.log(`${name}: ${value}`);
  const report = await benchmark(backend, {
    shapes, samples: Number(values.samples), plan, cpu: !large, staged: !large,
    onProgress: (shape) => json || console.log(`\n${shapeText(shape)}`),
  });
  if (json) console.log(JSON.stringify({ facts, ...report }, null, 2));
  if (values.markdown !== undefined) await writeFile(values.markdown, benchMarkdown(report, facts));
  backend.device?.destroy();
  return 0;
}

/** A device with the adapter's buffer limits, and timestamp queries where it has them. */
async function timedDevice(gpu: GPU): Promise<GPUDevice> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('bench: the adapter went away between two requests. Try again.');
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return adapter.requestDevice({
    requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
}

function shapeText(shape: ShapeReport): string {
  return [
    `${shape.shape}   recording forward + backward: ${shape.recordMicroseconds.toFixed(1)} µs of the CPU`,
    textTable(BENCH_HEAD, benchRows(shape).map(benchCells)),
  ].join('\n');
}

/** WebGPU's default limits: what a plan is made for where the device has no more. */
const LIMITS = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65535, maxStorageBufferBindingSize: 2 ** 27 };

function printCounts(shapes: readonly BenchShape[], json: boolean): number {
  const counts = shapes.flatMap((shape) => (['hardware', 'software'] as const).map((adapterClass) => count(shape, adapterClass, LIMITS)));
  if (json) {
    console.log(JSON.stringify(counts, null, 2));
    return 0;
  }
  console.log(textTable(
    ['shape', 'class', 'plan', 'dispatches f / b / i', 'workgroups', 'threads', 'visits', 'MiB f', 'MiB b', 'scratch MiB'],
    counts.map((c) => [
      c.shape, c.adapterClass, c.plan, c.dispatches, c.workgroups, String(c.threads), String(c.visits),
      c.forwardMiB.toPrecision(3), c.backwardMiB.toPrecision(3), c.scratchMiB.toPrecision(2),
    ]),
  ));
  return 0;
}

main().then(exit, (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  exit(2);
});
