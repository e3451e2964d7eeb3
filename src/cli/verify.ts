import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Backend } from '../backend/backend.js';
import { openBackend } from '../backend/open.js';
import { type ColumnRef, type MissingAction, type ReadOptions, type ReadTable, readTable, TableError, type TextAction } from '../data/index.js';
import { type Report, adapterLine, ownJson, reportFacts, reportJson, resultCells, verify, verifyNames, verifyOwn } from '../verify/index.js';
import type { OwnOptions } from '../verify/own.js';
import { type FoundGpu, findGpu } from './adapter.js';
import { exit, runtime } from './process.js';
import { textTable } from './table.js';

const USAGE = `Usage: npm run verify -- [options]

Runs the self-test on the best adapter, or on the CPU where there is none.

  --backend gpu|cpu   run on this one only; gpu fails where there is no adapter
  --compatibility     run on a device of feature level 'compatibility': 128 invocations a workgroup
  --input FILE        run a matrix of your own instead: CSV, .npy, IDX, each also .gz
  --label COLUMN      column to leave out as the labels, by name or index; --label=-1 is the last
  --header yes|no     whether line 1 of a CSV names the columns; found out where it is not given, like the next three
  --omit COLUMN       a column to leave out, by name or index; may be repeated. none: leave out no index column either
  --separator TEXT    what stands between cells: a character, comma, semicolon, tab, bar or space
  --decimal MARK      point or comma
  --missing ACTION    what to do about cells without a value: refuse (default), drop the row, or mean of the column
  --missing-word TEXT stands for a missing value, beside NA, nan, null and their kin; may be repeated
  --text ACTION       what to do about columns of text: refuse (default), drop, or categories, numbered from 0
  --layout LAYOUT     how it is read: channelsLast, each column a channel (default), or channelsFirst, each row
                      [channels, spatial]
  --spatial N         columns of one channel, channels-first: height · width of an image
  --filter TEXT       only the rows whose name contains TEXT
  --seed N            draws the data, default 1
  --json              print JSON
  --help              print this

Exit status: 0 all passed, 1 something failed, 2 the command could not run.`;

/** Columns of --input that are printed; JSON has all. */
const MAX_COLUMNS = 40;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string' }, input: { type: 'string' }, label: { type: 'string' }, layout: { type: 'string' }, spatial: { type: 'string' },
      header: { type: 'string' }, omit: { type: 'string', multiple: true }, separator: { type: 'string' }, decimal: { type: 'string' },
      missing: { type: 'string' }, 'missing-word': { type: 'string', multiple: true }, text: { type: 'string' },
      filter: { type: 'string' },
      seed: { type: 'string', default: '1' }, json: { type: 'boolean', default: false }, compatibility: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const { json, filter, layout, spatial, compatibility } = values;
  const kind = values.backend ?? (compatibility ? 'gpu' : undefined); // the CPU would show nothing of it
  if (kind !== undefined && kind !== 'gpu' && kind !== 'cpu') throw new Error(`verify: "--backend" is ${kind}, needs gpu or cpu.`);
  if (kind === 'cpu' && compatibility) throw new Error('verify: "--compatibility" is given with --backend cpu, needs the GPU. Leave one out.');
  if (!/^\d{1,9}$/.test(values.seed)) throw new Error(`verify: "--seed" is ${values.seed}, needs an integer of at least 0.`);
  for (const name of [...READ_FLAGS, 'layout', 'spatial'] as const) {
    if (values[name] !== undefined && values.input === undefined) {
      throw new Error(`verify: "--${name}" is given without --input, needs a file to take it from.`);
    }
  }
  if (layout !== undefined && layout !== 'channelsLast' && layout !== 'channelsFirst') {
    throw new Error(`verify: "--layout" is ${layout}, needs channelsLast or channelsFirst.`);
  }
  if (spatial !== undefined && !/^[1-9]\d{0,9}$/.test(spatial)) throw new Error(`verify: "--spatial" is ${spatial}, needs an integer of at least 1.`);
  if ((layout === 'channelsFirst') !== (spatial !== undefined)) {
    const [one, other] = spatial === undefined ? ['"--layout" is channelsFirst', '--spatial'] : ['"--spatial" is given', '--layout channelsFirst'];
    throw new Error(`verify: ${one} without ${other}, needs both. Add it.`);
  }
  if (filter !== undefined && values.input !== undefined) throw new Error('verify: "--filter" is given with --input, needs the table of cases. Leave one out.');
  const seed = Number(values.seed);
  const table = values.input === undefined ? null : await readInput(values.input, values);
  const options: OwnOptions = { seed, ...(layout ? { layout } : {}), ...(spatial ? { spatial: Number(spatial) } : {}) };

  const found: FoundGpu = kind === 'cpu' ? { gpu: undefined, engine: 'none', why: '' } : await findGpu();
  if (found.gpu && compatibility) found.gpu = compatible(found.gpu);
  const backend = await open(kind, found);
  const environment: Record<string, string> = {
    engine: backend.kind === 'gpu' ? found.engine : 'the CPU',
    runtime: runtime(),
    platform: `${process.platform} ${process.arch}`,
    ...(compatibility ? { level: `compatibility, ${backend.device!.limits.maxComputeInvocationsPerWorkgroup} invocations a workgroup` } : {}),
  };
  if (!json) for (const [name, value] of Object.entries(environment)) console.log(`${name}: ${value}`);
  try {
    if (table) return await own(backend, table, options, json, environment);
    return await selfTest(backend, seed, json, filter, environment);
  } finally {
    backend.dispose();
  }
}

/** The same, with every adapter of feature level 'compatibility'. */
function compatible(gpu: GPU): GPU {
  const requestAdapter: GPU['requestAdapter'] = (options) => gpu.requestAdapter({ ...options, featureLevel: 'compatibility' });
  return { requestAdapter } as GPU;
}

async function open(kind: 'gpu' | 'cpu' | undefined, { gpu, why }: FoundGpu): Promise<Backend> {
  if (kind === 'cpu') return openBackend({ prefer: 'cpu' });
  if (kind === 'gpu' && !gpu) throw new Error(`verify: "--backend" is gpu, and there is none. ${why}`);
  const announce = (reason: string) => console.error(`${reason} ${why}`.trim());
  return openBackend({ gpu, fallback: kind === 'gpu' ? 'throw' : 'cpu', onFallback: announce });
}

async function selfTest(
  backend: Backend, seed: number, json: boolean, filter: string | undefined, environment: Record<string, string>,
): Promise<number> {
  if (filter !== undefined && !verifyNames(backend.kind).some((name) => name.includes(filter))) {
    throw new Error(`verify: "--filter" is ${filter}, needs a part of a row's name. Run without it to see them.`);
  }
  const live = !json && process.stderr.isTTY;
  const report = await verify(backend, {
    seed,
    filter: (name) => filter === undefined || name.includes(filter),
    onProgress: ({ done, total, result }) => {
      if (live) process.stderr.write(`\r\x1b[K${done}/${total} ${result?.name ?? ''}`);
    },
  });
  if (live) process.stderr.write('\r\x1b[K');
  console.log(json ? reportJson(report, environment) : reportText(report));
  return report.failed === 0 ? 0 : 1;
}

function reportText(report: Report): string {
  const { outcome, ...facts } = reportFacts(report);
  const rows = report.results.map((result) => {
    const { name, shape, against, output, ratio, milliseconds, result: outcome } = resultCells(result);
    return [outcome, shape, name, against, ratio, output, milliseconds];
  });
  const failures = report.results.filter(({ passed }) => !passed).map(({ name, detail }) => `FAIL ${name}: ${detail}`);
  return [
    ...Object.entries(facts).map(([name, value]) => `${name}: ${value}`),
    '',
    textTable(['', 'shape', 'case', 'against', 'error/bound', 'worst at', 'ms'], rows),
    '',
    ...failures,
    outcome,
  ].join('\n');
}

const READ_FLAGS = ['label', 'header', 'omit', 'separator', 'decimal', 'missing', 'missing-word', 'text'] as const;
type ReadFlags = Partial<Record<(typeof READ_FLAGS)[number], string | string[] | undefined>>;

/** What each flag that is one of few words stands for. */
const WORDS = {
  header: { yes: true, no: false, true: true, false: false },
  separator: { comma: ',', semicolon: ';', tab: '\t', bar: '|', space: ' ' },
  decimal: { point: '.', comma: ',', '.': '.', ',': ',' },
  missing: { refuse: 'refuse', drop: 'drop', mean: 'mean' },
  text: { refuse: 'refuse', drop: 'drop', categories: 'categories' },
} as const;

function readOptions(flags: ReadFlags): ReadOptions {
  const one = (name: keyof typeof WORDS): unknown => {
    const given = flags[name];
    if (typeof given !== 'string') return undefined;
    const words: Record<string, unknown> = WORDS[name];
    if (Object.hasOwn(words, given)) return words[given];
    if (name === 'separator' && given.length === 1) return given;
    throw new Error(`verify: "--${name}" is ${given}, needs ${name === 'separator' ? 'one character, or ' : ''}one of ${Object.keys(words).join(', ')}.`);
  };
  const column = (text: string): ColumnRef => (/^-?\d+$/.test(text) ? Number(text) : text);
  const { label, omit } = flags;
  const tokens = flags['missing-word'];
  const omitted = Array.isArray(omit) ? omit.filter((name) => name !== 'none').map(column) : undefined;
  return {
    ...(typeof label === 'string' ? { label: column(label) } : {}),
    header: one('header') as boolean | undefined, separator: one('separator') as string | undefined, decimal: one('decimal') as '.' | ',' | undefined,
    missing: { action: one('missing') as MissingAction | undefined, ...(Array.isArray(tokens) ? { tokens } : {}) },
    text: one('text') as TextAction | undefined,
    ...(omitted ? { omit: omitted } : {}),
  };
}

async function readInput(file: string, flags: ReadFlags): Promise<ReadTable> {
  const options = readOptions(flags);
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`verify: "--input" is ${file}, which cannot be read (${cause.code}), needs a file. Check the path.`);
  });
  return readTable(bytes, { ...options, file });
}

/** What the reader says, and the flag for the option that it names. */
function sentence(error: Error): string {
  const option = error instanceof TableError ? error.details.option : undefined;
  const flag = READ_FLAGS.find((name) => name === option);
  return flag ? `${error.message} Here: --${flag} (see --help).` : error.message;
}

async function own(
  backend: Backend, table: ReadTable, options: OwnOptions, json: boolean, environment: Record<string, string>,
): Promise<number> {
  const result = await verifyOwn(backend, table, options);
  const { adapter } = backend;
  const { layout, rows, channels, spatial } = result;
  const names = spatial === 1 ? (table.columns ?? null) : null; // of columns, which are several to a channel
  if (json) {
    console.log(ownJson(result, backend, names, { ...environment, notes: table.notes.join(' ') }));
    return result.passed ? 0 : 1;
  }
  console.log(`backend: ${backend.kind}. ${backend.reason}`);
  if (adapter) console.log(`adapter: ${adapterLine(adapter)}`);
  for (const note of table.notes) console.log(`read: ${note}`);
  const tensor = layout === 'channelsFirst' ? `[${rows / spatial}, ${channels}, ${spatial}], channels-first, ` : '';
  console.log(`matrix: ${tensor}${rows} rows × ${channels} channels; gamma 1, beta 0, dy drawn from seed ${options.seed}\n`);
  const number = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value));
  console.log(textTable(
    [spatial === 1 ? 'column' : 'channel', 'mean', 'deviation', 'minimum', 'maximum', 'error/bound', 'worst at'],
    result.columns.slice(0, MAX_COLUMNS).map((column, c) => [
      names?.[c] ?? String(c), number(column.mean), number(column.deviation), number(column.minimum), number(column.maximum),
      column.ratio === 0 ? '0' : column.ratio.toPrecision(2), column.output,
    ]),
  ));
  if (result.columns.length > MAX_COLUMNS) console.log(`… and ${result.columns.length - MAX_COLUMNS} more (--json has all)`);
  console.log();
  console.log(textTable(
    ['output', 'elements', 'beyond', 'error/bound', 'row', 'channel', 'got', 'want'],
    result.comparisons.map(({ output, elements, beyond, ratio, row, channel, got, want }) => [
      output, String(elements), String(beyond), ratio === 0 ? '0' : ratio.toPrecision(2), String(row), String(channel), number(got), number(want),
    ]),
  ));
  console.log(`\n${result.passed ? 'Every output is within its bound.' : 'FAIL: some outputs are beyond their bound.'}`);
  return result.passed ? 0 : 1;
}

main().then(exit, (error: unknown) => {
  console.error(error instanceof Error ? sentence(error) : error);
  exit(2);
});
