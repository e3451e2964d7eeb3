import type { Backend, Engine, Tensor } from '../backend/backend.js';
import { type Numbers, checkUnbiased } from '../core/options.js';
import { SAVED_PLANES, savedViews } from '../core/saved.js';
import type { Geometry } from '../core/shape.js';
import type { Storage } from '../core/storage.js';
import { populationStatistics } from '../reference/population.js';
import type { Statistics } from '../reference/types.js';

/** Of a forward that moves no running statistics. */
export const NOT_TRACKED = { runningMean: null, runningVar: null, batches: null };

/** The layer whose population is asked for. */
interface Asking {
  readonly backend: Backend;
  readonly channels: number;
  readonly storage: Storage;
  readonly numbers: Readonly<Numbers>;
  readonly gamma: Tensor | null;
  readonly beta: Tensor | null;
}

/**
 * The statistics of all batches together, by the paper's averages or pooled.
 *
 * @param check - throws unless a batch, of that name, can be computed with.
 */
export async function populationOf(
  call: string, { backend, channels, storage, numbers, gamma, beta }: Asking, engine: Engine, batches: Iterable<Tensor> | AsyncIterable<Tensor>,
  method: 'paper' | 'pooled', check: (x: Tensor, name: string) => Geometry,
): Promise<{ mean: Float64Array; variance: Float64Array }> {
  const seen: Statistics[] = [];
  const saved = backend.empty([SAVED_PLANES.length, channels]); // a backward to come needs the layer's own
  try {
    for await (const x of batches) {
      const geometry = check(x, `batches[${seen.length}]`);
      if (method === 'paper') checkUnbiased(call, geometry.rows, 'unbiased');
      const y = backend.empty(x.shape, storage);
      engine.forward({ x, residual: null, mask: null, validRows: null, gamma, beta, y, saved, ...NOT_TRACKED }, geometry);
      y.dispose(); // only after what writes it has been submitted
      const { mean, meanLow, variance, invStd, count } = savedViews(await saved.read(), channels);
      if (count[0] !== geometry.rows) {
        throw new Error(`${call}: "batches[${seen.length}]" could not be computed with, needs a buffer that is not destroyed.`);
      }
      saved.write(new Float32Array(saved.size)); // so that the next cannot be taken for this one
      seen.push({
        count: count[0], mean: Float64Array.from(mean, (high, c) => high + meanLow[c]), variance: Float64Array.from(variance),
        invStd: Float64Array.from(invStd),
      });
    }
  } finally {
    saved.dispose();
  }
  const rows = seen.reduce((sum, { count }) => sum + count, 0);
  if (rows === 0) throw new RangeError(`${call}: "batches" is empty, needs at least one batch.`);
  if (method === 'pooled') checkUnbiased(call, rows, numbers.runningVariance);
  return populationStatistics(seen, method, method === 'pooled' ? { runningVariance: numbers.runningVariance } : {});
}

export function isIterable(value: unknown): boolean {
  const iterable = value as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  return typeof iterable?.[Symbol.iterator] === 'function' || typeof iterable?.[Symbol.asyncIterator] === 'function';
}
