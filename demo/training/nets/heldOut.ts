// What a trained net does with held-out rows, few at a time.
import { type Evaluated, classify, evaluateByBatch, judge, scoresOf } from './evaluation.js';
import type { News, Score } from '../messages.js';
import type { Pair } from './pair.js';
import { gather } from './pieces.js';
import { type Tensor, dispose, download, upload } from './tensors.js';

type Tested<Kind extends News['kind']> = Extract<News, { kind: Kind }>;

/** Rows of the batch that an example is compared in. */
const COMPANY = 256;

/** The net with batch norm on batches of each size: by running statistics, which know no batch, and by the batch's own. */
export async function testBatches({ nets, data }: Pair, sizes: number[]): Promise<Tested<'testedBatches'>['rows']> {
  const call = 'testBatches';
  const { test, set, place } = data;
  if (!Array.isArray(sizes) || sizes.length === 0) throw new RangeError(`${call}: "sizes" has no numbers, needs at least 1.`);
  for (const size of sizes) {
    if (!Number.isInteger(size) || size < 1 || size > test.rows) {
      throw new RangeError(`${call}: "sizes" has ${size}, needs integers from 1 to ${test.rows} (the held-out rows).`);
    }
  }
  const scoreOf = ({ loss, accuracy }: Evaluated): Score => ({ loss, accuracy });
  const rows = [];
  for (const size of sizes) {
    const running = judge(await scoresOf((x) => nets.batchNorm.infer(x), test, size, place), set.test.labels);
    const own = await evaluateByBatch(nets.batchNorm, test, set.test.labels, size, place);
    rows.push({ size, running: scoreOf(running), own: scoreOf(own) });
  }
  return rows;
}

/** One held-out row alone and among others: the same scores, and the same bits from each batch norm. */
export async function testOne({ nets, data }: Pair, row: number): Promise<Omit<Tested<'testedOne'>, 'kind'>> {
  const { test, set, place } = data;
  if (!Number.isInteger(row) || row < 0 || row >= test.rows) {
    throw new RangeError(`testOne: "row" is ${row}, needs an integer from 0 to ${test.rows - 1} (the held-out rows).`);
  }
  const size = Math.min(COMPANY, test.rows);
  const company = Int32Array.from({ length: size }, (_, i) => (row + i) % test.rows); // the row itself is the first
  const pick = (rows: Int32Array) => gather(test.x.ref, upload(rows, [rows.length], place));
  const [alone, among] = [pick(company.slice(0, 1)), pick(company)];
  const net = nets.batchNorm;
  const scores = await Promise.all([alone, among].map(async (x) => first(await net.infer(x), set.classes)));
  const norms = await net.inferNormsAlone(among);
  dispose([alone, among]);
  return {
    row, label: set.test.labels[row], predicted: classify(scores[0], set.classes)[0],
    largestDifference: largestDifference(scores[0], scores[1]),
    largestNormDifference: Math.max(...norms.map(({ alone, among }) => largestDifference(alone, among))),
  };
}

async function first(scores: Tensor, columns: number): Promise<Float32Array> {
  const values = await download(scores);
  scores.dispose();
  return values.slice(0, columns);
}

/** NaN where a value is: that is no agreement. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
