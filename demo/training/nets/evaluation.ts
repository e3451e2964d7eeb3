import type { DeviceRows } from '../data.js';
import type { Score } from '../messages.js';
import type { Net } from './net.js';
import { gather } from './pieces.js';
import { type Place, type Tensor, download, upload } from './tensors.js';

/** Rows that are evaluated at once. */
const CHUNK = 1000;

export interface Evaluated extends Score {
  /** The class of each row. */
  predicted: Uint8Array;
}

/** What a net makes of rows, by running statistics. */
export async function evaluate(net: Net, rows: DeviceRows, labels: Uint8Array, place: Place): Promise<Evaluated> {
  return judge(await scoresOf((x) => net.infer(x), rows, CHUNK, place), labels);
}

/** The same in batches of `size`, each normalized by its own statistics. */
export async function evaluateByBatch(net: Net, rows: DeviceRows, labels: Uint8Array, size: number, place: Place): Promise<Evaluated> {
  return judge(await scoresOf((x) => net.inferByBatch(x), rows, size, place), labels);
}

/** [rows, classes], in batches of `size`; the last is shorter where they do not come out even. */
export async function scoresOf(
  infer: (x: Tensor) => Promise<Tensor>, { x, rows }: Pick<DeviceRows, 'x' | 'rows'>, size: number, place: Place,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (let from = 0; from < rows; from += size) {
    const index = Int32Array.from({ length: Math.min(size, rows - from) }, (_, i) => from + i);
    const batch = index.length === rows ? x.ref : gather(x.ref, upload(index, [index.length], place));
    const scores = await infer(batch);
    parts.push(await download(scores));
    scores.dispose();
    batch.dispose();
  }
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

export function judge(scores: Float32Array, labels: Uint8Array): Evaluated {
  const classes = scores.length / labels.length;
  const predicted = classify(scores, classes);
  let loss = 0;
  labels.forEach((label, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    const most = Math.max(...own);
    loss += Math.log(own.reduce((sum, score) => sum + Math.exp(score - most), 0)) - (own[label] - most);
  });
  const right = predicted.filter((guess, row) => guess === labels[row]).length;
  return { loss: loss / labels.length, accuracy: right / labels.length, predicted };
}

/** The class of the highest score of each row; the first where the scores are no numbers. */
export function classify(scores: Float32Array, classes: number): Uint8Array {
  return Uint8Array.from({ length: scores.length / classes }, (_, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (scores[row * classes + c] > scores[row * classes + best]) best = c;
    return best;
  });
}
