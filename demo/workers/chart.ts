import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { power } from '../dom.js';
import { BOUND } from './compare.js';

const HEIGHT = 240;
const REDRAW_MS = 100;
/** No difference stands here: a logarithmic axis has no 0. Next to f32's own step at a loss of 0.01. */
const LOWEST = 1e-9;

/** Both curves of the loss, and how far they are apart, step by step. */
export class Charts {
  readonly #loss: uPlot;
  readonly #apart: uPlot;
  #steps = 1;
  #one: readonly number[] = [];
  #two: readonly number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(loss: HTMLElement, apart: HTMLElement) {
    const steps = (): [number, number] => [0, this.#steps];
    this.#loss = new uPlot(
      {
        ...frame(loss), scales: { x: { time: false, range: steps }, y: { range: (_, __, most) => [0, 1.05 * (most || 1)] } },
        axes: [stepAxis(), { ...axis(), size: 48 }],
        series: [{}, line('--warn-line', 6), line('--accent', 2)],
      },
      [[], [], []], loss,
    );
    this.#apart = new uPlot(
      {
        ...frame(apart), scales: { x: { time: false, range: steps }, y: { distr: 3, range: [LOWEST, 1e-4] } },
        axes: [
          stepAxis(),
          { ...axis(), size: 48, splits: () => [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4],
            values: (_, splits) => splits.map((at) => (at === LOWEST ? '0' : power(10, Math.round(Math.log10(at))))) },
        ],
        series: [{}, { paths: () => null, points: { show: true, size: 4, fill: () => color('--accent'), stroke: () => color('--accent') } }],
        hooks: { draw: [drawBound] },
      },
      [[], []], apart,
    );
    for (const [host, plot] of [[loss, this.#loss], [apart, this.#apart]] as const) {
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw());
      new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host);
    }
  }

  /** @param one - losses so far of the one worker; `two` of the two together. Read again at each redraw. */
  show(steps: number, one: readonly number[], two: readonly number[]): void {
    this.#steps = steps;
    this.#one = one;
    this.#two = two;
    this.redraw();
  }

  /** Soon. */
  redraw(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const [one, two] = [this.#one, this.#two];
      const numbers = Array.from({ length: Math.max(one.length, two.length) }, (_, i) => i + 1);
      const padded = (losses: readonly number[]) => numbers.map((_, i) => losses[i] ?? null);
      this.#loss.setData([numbers, padded(one), padded(two)]);
      const both = numbers.slice(0, Math.min(one.length, two.length));
      this.#apart.setData([both, both.map((_, i) => Math.max(LOWEST, Math.abs(one[i] - two[i])))]);
    }, REDRAW_MS);
  }
}

function frame(host: HTMLElement) {
  return { width: host.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { show: false } };
}

function axis(): uPlot.Axis {
  return { stroke: () => color('--muted'), grid: { stroke: () => color('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif' };
}

function stepAxis(): uPlot.Axis {
  return { ...axis(), grid: { show: false }, size: 26, label: 'step', labelSize: 20, labelFont: '12px system-ui, sans-serif', labelGap: 0 };
}

function line(name: string, width: number): uPlot.Series {
  return { stroke: () => color(name), width, points: { show: false } };
}

/** The line no difference may cross. */
function drawBound({ ctx, bbox, valToPos }: uPlot): void {
  const y = Math.round(valToPos(BOUND, 'y', true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = color('--fail');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'bottom';
  ctx.fillText('bound', bbox.left + bbox.width - 4 * devicePixelRatio, y - 3 * devicePixelRatio);
  ctx.restore();
}

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
