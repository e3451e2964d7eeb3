import type { Evaluated } from '../nets/evaluation.js';
import { classify, scoresOf } from '../nets/evaluation.js';
import type { Both, DataSet, Histogram, LayerPicture, Points, Regions, WrongExample } from '../messages.js';
import type { Net } from '../nets/net.js';
import type { DeviceData, Pair } from '../nets/pair.js';
import { gather } from '../nets/pieces.js';
import { type Tensor, upload } from '../nets/tensors.js';

/** Rows whose activations are shown. */
const SEEN_ROWS = 256;
const BINS = 40;
/** Deviations of a normalized value that a histogram spans to each side, the same for both nets so that they compare. */
const SPAN = 4;
const GRID = 100;
const MOST_WRONG = 60;
const MOST_POINTS = 2000;

/** What does not change while nets train, kept on the device. */
export class Pictures {
  readonly #data: DeviceData;
  readonly #seen: Tensor;
  /** Points of the plane, where there is one. */
  readonly #plane: { x: Tensor; rows: number; extent: number } | null;

  constructor(data: DeviceData) {
    this.#data = data;
    const { set, place, train } = data;
    const rows = Int32Array.from({ length: Math.min(SEEN_ROWS, train.rows) }, (_, i) => Math.floor((i * train.rows) / Math.min(SEEN_ROWS, train.rows)));
    this.#seen = gather(train.x.ref, upload(rows, [rows.length], place));
    this.#plane = null;
    if (set.features === 2) {
      const extent = 1.1 * set.train.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
      const side = (i: number) => extent * ((2 * (i + 0.5)) / GRID - 1);
      const points = Float32Array.from({ length: 2 * GRID * GRID }, (_, at) => {
        const point = Math.floor(at / 2);
        return at % 2 === 0 ? side(point % GRID) : -side(Math.floor(point / GRID));
      });
      this.#plane = { x: upload(points, [GRID * GRID, 2], place), rows: GRID * GRID, extent };
    }
  }

  async layers({ nets }: Pair): Promise<LayerPicture[]> {
    const [own, other] = [await nets.batchNorm.activations(this.#seen), await nets.plain.activations(this.#seen)];
    const { parameters } = await nets.batchNorm.read();
    return Promise.all(
      nets.batchNorm.hidden.map(async ({ norm }, i) => {
        const { runningMean, runningVar } = await norm!.running();
        const [, gamma, beta] = parameters[i];
        return {
          activations: { batchNorm: histogramOf(own[i]), plain: histogramOf(other[i]) },
          gamma: [...gamma], beta: [...beta], runningMean: [...runningMean], runningVar: [...runningVar],
        };
      }),
    );
  }

  /** Undefined where the rows do not lie in a plane. */
  async regions({ nets }: Pair): Promise<Regions | undefined> {
    if (!this.#plane) return undefined;
    const { extent, ...rows } = this.#plane;
    const { set, place } = this.#data;
    const of = async (net: Net) => classify(await scoresOf((x) => net.infer(x), rows, rows.rows, place), set.classes);
    return { size: GRID, extent, classes: { batchNorm: await of(nets.batchNorm), plain: await of(nets.plain) } };
  }

  dispose(): void {
    this.#seen.dispose();
    this.#plane?.x.dispose();
  }
}

/** The held-out rows that were not recognised, as many as a page can show. */
export function wrongOf({ name, features, test }: DataSet, { predicted }: Evaluated): WrongExample[] {
  const rows = [...predicted.keys()].filter((row) => predicted[row] !== test.labels[row]).slice(0, MOST_WRONG);
  return rows.map((row) => ({
    row, label: test.labels[row], predicted: predicted[row],
    ...(name === 'digits' ? { image: test.values.slice(row * features, (row + 1) * features) } : {}),
  }));
}

export const wrongOfBoth = (set: DataSet, { batchNorm, plain }: Both<Evaluated>): Both<WrongExample[]> => ({
  batchNorm: wrongOf(set, batchNorm), plain: wrongOf(set, plain),
});

/** Undefined where the rows do not lie in a plane. */
export function pointsOf({ features, train }: DataSet): Points | undefined {
  if (features !== 2) return undefined;
  return { values: train.values.slice(0, 2 * MOST_POINTS), labels: train.labels.slice(0, MOST_POINTS) };
}

export function histogramOf(values: Float32Array): Histogram {
  const counts: number[] = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    if (Number.isFinite(value)) counts[Math.min(BINS - 1, Math.max(0, Math.floor((BINS * (value + SPAN)) / (2 * SPAN))))]++;
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { low: -SPAN, high: SPAN, counts, mean, deviation };
}
