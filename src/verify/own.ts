import type { Backend } from '../backend/backend.js';
import { random } from '../data/random.js';
import { DEFAULTS } from '../plan/options.js';
import { checkShape } from '../plan/shape.js';
import { moments } from '../reference/moments.js';
import type { Comparison } from './compare.js';
import { type Inputs, type Output, expected } from './expected.js';
import { independent } from './independent.js';
import { type Order, probeOrderOf } from './probe.js';
import { compareAll, runCase } from './run.js';

/** The largest f32. */
const LARGEST = 3.4028234663852886e38;

/** One column of the user's matrix: what the reference says of it, and how far the backend was off. */
export interface OwnColumn {
  mean: number;
  /** Biased. */
  deviation: number;
  minimum: number;
  maximum: number;
  /** Largest |got − want| / bound over all outputs of this column, and which output that was. */
  ratio: number;
  output: Output;
}

export interface OwnData {
  rows: number;
  channels: number;
  passed: boolean;
  order: Order;
  comparisons: Comparison[];
  columns: OwnColumn[];
  milliseconds: number;
}

/**
 * Runs training forward, backward, inference and the frozen backward of a user's matrix on a backend, and holds
 * every output against the reference (on the CPU: against the second implementation).
 *
 * gamma is 1, beta 0; dy is drawn from `seed`; inference uses the matrix's own statistics.
 *
 * @param data - rows·channels values, channels innermost.
 * @throws {RangeError} the shape cannot be computed with, or `data` has another length.
 */
export async function verifyOwn(
  backend: Backend,
  { rows, channels, data }: { rows: number; channels: number; data: Float32Array },
  { seed = 1 }: { seed?: number } = {},
): Promise<OwnData> {
  checkShape('verifyOwn', { rows, channels });
  if (data.length !== rows * channels) {
    throw new RangeError(`verifyOwn: "data" has ${data.length} elements, needs ${rows * channels} (rows ${rows} × channels ${channels}).`);
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`verifyOwn: "data" has ${data[bad]} in row ${Math.floor(bad / channels)}, column ${bad % channels}, needs finite numbers.`);
  }
  const start = performance.now();
  const source = random(seed);
  const { mean, m2 } = moments(data, { rows, channels });
  const wide = m2.findIndex((value) => value > LARGEST);
  if (wide >= 0) {
    throw new RangeError(
      `verifyOwn: "data" has a spread of ${Math.sqrt(m2[wide] / rows).toPrecision(3)} in column ${wide}, whose squares do not fit f32. Scale the column down.`,
    );
  }
  const inputs: Inputs = {
    ...DEFAULTS, layout: 'channelsLast', rows, channels, spatial: 1, x: data,
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
  for (let i = 0, c = 0; i < data.length; i++, c = c + 1 === channels ? 0 : c + 1) {
    columns[c].minimum = Math.min(columns[c].minimum, data[i]);
    columns[c].maximum = Math.max(columns[c].maximum, data[i]);
  }
  return {
    rows, channels, passed: comparisons.every(({ beyond }) => beyond === 0), order,
    comparisons, columns, milliseconds: performance.now() - start,
  };
}
