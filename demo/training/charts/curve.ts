import type { Both } from '../messages.js';

/** Above it, neighbours become one point. */
const MOST_POINTS = 1000;

/** A value of both nets over the steps, in no more points than can be seen: each is the mean of as many values as the others. */
export class Curve {
  #steps: number[] = [];
  #points: Both<number[]> = { batchNorm: [], plain: [] };
  /** Values to a point. */
  #width = 1;
  /** The values of the point to come. */
  #open: Both<number[]> = { batchNorm: [], plain: [] };

  push(step: number, { batchNorm, plain }: Both<number>): void {
    this.#open.batchNorm.push(batchNorm);
    this.#open.plain.push(plain);
    if (this.#open.plain.length < this.#width) return;
    this.#steps.push(step);
    this.#points.batchNorm.push(mean(this.#open.batchNorm));
    this.#points.plain.push(mean(this.#open.plain));
    this.#open = { batchNorm: [], plain: [] };
    if (this.#steps.length > MOST_POINTS) this.#halve();
  }

  /** Steps, and the values there; null where one is not finite. */
  data(): [number[], (number | null)[], (number | null)[]] {
    const shown = (values: number[]) => values.map((value) => (Number.isFinite(value) ? value : null));
    return [this.#steps, shown(this.#points.batchNorm), shown(this.#points.plain)];
  }

  #halve(): void {
    const pairs = Math.floor(this.#steps.length / 2);
    const merge = (values: number[]) => Array.from({ length: pairs }, (_, i) => (values[2 * i] + values[2 * i + 1]) / 2);
    const { batchNorm, plain } = this.#points;
    if (this.#steps.length % 2 === 1) {
      this.#open = { batchNorm: Array<number>(this.#width).fill(batchNorm.at(-1)!), plain: Array<number>(this.#width).fill(plain.at(-1)!) };
    }
    this.#steps = Array.from({ length: pairs }, (_, i) => this.#steps[2 * i + 1]);
    this.#points = { batchNorm: merge(batchNorm), plain: merge(plain) };
    this.#width *= 2;
  }
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
