import type { Backend } from '../backend/backend.js';
import { random } from '../data/random.js';
import { DEFAULTS } from '../core/options.js';
import { type Geometry, type Layout, checkCount, checkLayout, checkShape } from '../core/shape.js';
import { moments } from '../reference/moments.js';
import type { Comparison } from './compare.js';
import { type Inputs, type Output, expected, runOf } from './expected.js';
import { independent } from './independent.js';
import { type Order, probeOrderOf } from './probe.js';
import { compareAll, runCase } from './run.js';

/** The largest f32. */
const LARGEST = 3.4028234663852886e38;

/** One channel of the user's data, channels-last a column: what the reference says of it, and how far the backend was off. */
export interface OwnColumn {
  mean: number;
  /** Biased. */
  deviation: number;
  minimum: number;
  maximum: number;
  /** Largest |got − want| / bound over all outputs of this channel, and which output that was. */
  ratio: number;
  output: Output;
}

export interface OwnData {
  layout: Layout;
  /** Values pooled per channel: the table's rows, channels-first times `spatial`. */
  rows: number;
  channels: number;
  /** 1 where the layout is channels-last. */
  spatial: number;
  passed: boolean;
  order: Order;
  comparisons: Comparison[];
  columns: OwnColumn[];
  milliseconds: number;
}

export interface OwnOptions {
  /** Draws dy. Default 1. */
  seed?: number;
  /** Default `'channelsLast'`: a column is a channel. `'channelsFirst'`: the table is [batch, channels, spatial], so it has channels·spatial columns. */
  layout?: Layout;
  /** Columns of one channel, which lie together: height · width of an image. Given channels-first and only there. */
  spatial?: number;
}

/**
 * Runs training forward, backward, inference and the frozen backward of a user's table on a backend, and holds
 * every output against the reference (on the CPU: against the second implementation).
 *
 * gamma is 1, beta 0; dy is drawn from `seed`; inference uses the data's own statistics.
 *
 * @param table - as `readTable` gives it: its channels are its columns, `data` has rows·channels values, a row after the other.
 * @throws {TypeError} {RangeError} the shape cannot be computed with, or `data` has another length, or a value that f32 cannot square.
 */
export async function verifyOwn(
  backend: Backend,
  table: { rows: number; channels: number; data: Float32Array },
  { seed = 1, layout = 'channelsLast', spatial: given }: OwnOptions = {},
): Promise<OwnData> {
  const { data, channels: width } = table;
  const { rows, channels, spatial } = geometryOfTable(table, layout, given);
  if (data.length !== rows * channels) {
    throw new RangeError(`verifyOwn: "data" has ${data.length} elements, needs ${rows * channels} (rows ${rows} × channels ${channels}).`);
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`verifyOwn: "data" has ${data[bad]} in row ${Math.floor(bad / width)}, column ${bad % width}, needs finite numbers.`);
  }
  const start = performance.now();
  const source = random(seed);
  const { mean, m2 } = moments(data, { rows, channels, layout, spatial });
  const wide = m2.findIndex((value) => value > LARGEST);
  if (wide >= 0) {
    const kind = layout === 'channelsLast' ? 'column' : 'channel';
    throw new RangeError(
      `verifyOwn: "data" has a spread of ${Math.sqrt(m2[wide] / rows).toPrecision(3)} in ${kind} ${wide}, whose squares do not fit f32. Scale the ` +
        `${kind} down.`,
    );
  }
  const inputs: Inputs = {
    ...DEFAULTS, layout, rows, channels, spatial, x: data,
    runningVariance: rows === 1 ? 'biased' : DEFAULTS.runningVariance,
    dy: Float32Array.from(data, () => source.normal()),
    gamma: new Float32Array(channels).fill(1),
    beta: new Float32Array(channels),
    runningMean: new Float32Array(channels),
    runningVar: new Float32Array(channels).fill(1),
    frozenMean: Float32Array.from(mean),
    frozenVar: Float32Array.from(m2, (value) => value / rows),
  };
  const got = await runCase(backend, inputs);
  const order = await probeOrderOf(backend);
  const plain = order === 'lost';
  const want = (backend.kind === 'gpu' ? expected : independent)(inputs);
  const comparisons = compareAll(inputs, got, want, plain);
  const columns = Array.from({ length: channels }, (_, c): OwnColumn => ({
    mean: want.mean[c], deviation: Math.sqrt(want.variance[c]), minimum: Infinity, maximum: -Infinity, ratio: 0, output: 'y',
  }));
  for (const { output, byChannel } of comparisons as (Comparison & { output: Output })[]) {
    byChannel.forEach((ratio, c) => {
      if (!(ratio <= columns[c].ratio) && !Number.isNaN(columns[c].ratio)) Object.assign(columns[c], { ratio, output });
    });
  }
  const run = runOf(inputs);
  for (let i = 0, c = 0; i < data.length; c = c + 1 === channels ? 0 : c + 1) {
    for (const end = i + run; i < end; i++) {
      columns[c].minimum = Math.min(columns[c].minimum, data[i]);
      columns[c].maximum = Math.max(columns[c].maximum, data[i]);
    }
  }
  return {
    layout, rows, channels, spatial, passed: comparisons.every(({ beyond }) => beyond === 0), order,
    comparisons, columns, milliseconds: performance.now() - start,
  };
}

/** The tensor that a table is read as. */
function geometryOfTable({ rows, channels: columns }: { rows: number; channels: number }, layout: Layout, spatial: number | undefined): Geometry {
  const call = 'verifyOwn';
  checkLayout(call, layout);
  if (layout === 'channelsLast') {
    if (spatial !== undefined) {
      throw new RangeError(`${call}: "spatial" is ${spatial} where "layout" is 'channelsLast', needs 'channelsFirst' (channels-last has none). Leave one out.`);
    }
    checkShape(call, { rows, channels: columns });
    return { layout, batch: rows, channels: columns, spatial: 1, rows };
  }
  checkCount(call, 'rows', rows);
  checkCount(call, 'columns', columns);
  checkCount(call, 'spatial', spatial);
  const channels = columns / spatial!;
  if (!Number.isInteger(channels)) {
    throw new RangeError(
      `${call}: "spatial" is ${spatial}, needs a divisor of ${columns} (the columns of the table are channels · spatial). ` +
        'Give the columns of one channel: height · width of an image.',
    );
  }
  checkShape(call, { rows: rows * spatial!, channels });
  return { layout, batch: rows, channels, spatial: spatial!, rows: rows * spatial! };
}
