import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { power } from '../../dom.js';

const HEIGHT = 220;
const FONT = '12px system-ui, sans-serif';
/** A logarithmic axis has no 0; a loss below it stands here. */
const LOWEST = 1e-6;

export type BothData = [x: number[], batchNorm: (number | null)[], plain: (number | null)[]];

/** How an axis runs. */
export type Scale = 'linear' | 'log' | 'share';

export interface PlotOptions {
  /** `span` is shown whatever there is of it; without, what there is. */
  x: { label: string; scale: Scale; span?: [number, number] };
  y: Scale;
  /** Points are marked, not only joined. */
  marked?: boolean;
}

/** Both nets over one axis: with batch norm solid and round, without dashed and square. */
export class BothPlot {
  readonly #plot: uPlot;
  readonly #y: Scale;

  constructor(host: HTMLElement, { x, y, marked = false }: PlotOptions) {
    this.#y = y;
    this.#plot = new uPlot(
      {
        width: host.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { show: false },
        scales: { x: { time: false, ...scaleOf(x.scale), ...(x.span ? { range: x.span } : {}) }, y: scaleOf(y) },
        axes: [
          { ...axisOf(x.scale), grid: { show: false }, size: 26, label: x.label, labelSize: 20, labelFont: FONT, labelGap: 0 },
          { ...axisOf(y), size: 52 },
        ],
        series: [{}, line('--norm', 2.5), line('--plain', 2, [7, 4]), line('--muted', 1, [2, 3])],
        hooks: { draw: [(plot) => (marked || plot.data[0].length === 1) && drawMarks(plot)] }, // one point alone makes no line
      },
      [[], [], [], []], host,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
    new ResizeObserver(() => this.#plot.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host);
  }

  /** @param chance - what guessing reaches. */
  show(data: BothData, chance: number | null = null): void {
    const shown = (values: (number | null)[]) => (this.#y === 'log' ? values.map((value) => (value === null ? null : Math.max(LOWEST, value))) : values);
    this.#plot.setData([data[0], shown(data[1]), shown(data[2]), data[0].map(() => chance)]);
  }
}

export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function scaleOf(scale: Scale): uPlot.Scale {
  if (scale === 'share') return { range: [0, 1.02] };
  if (scale === 'linear') return { range: (_, least, most) => [Math.min(0, least ?? 0), Math.max(1, most ?? 1)] };
  return { distr: 3, range: (_, least, most) => decades(least ?? 0.1, most ?? 1) };
}

function decades(least: number, most: number): [number, number] {
  const [low, high] = [Math.floor(Math.log10(least) + 1e-9), Math.ceil(Math.log10(most) - 1e-9)];
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}

function axisOf(scale: Scale): uPlot.Axis {
  const axis: uPlot.Axis = { stroke: () => color('--muted'), grid: { stroke: () => color('--line'), width: 1 }, ticks: { show: false }, font: FONT };
  if (scale === 'share') return { ...axis, splits: () => [0, 0.25, 0.5, 0.75, 1], values: (_, at) => at.map((share) => `${100 * share} %`) };
  if (scale === 'linear') return axis;
  return {
    ...axis,
    splits: (_, __, least, most) => {
      const [low, high] = [Math.round(Math.log10(least)), Math.round(Math.log10(most))];
      const every = Math.ceil((high - low) / 6);
      return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, i) => 10 ** (low + every * i));
    },
    values: (_, at) => at.map((value) => (value >= 0.01 && value <= 100 ? String(Number(value.toPrecision(1))) : power(10, Math.round(Math.log10(value))))),
  };
}

function drawMarks({ data, ctx, valToPos }: uPlot): void {
  const radius = 3.5 * devicePixelRatio;
  for (const [series, name] of [[1, '--norm'], [2, '--plain']] as const) {
    ctx.fillStyle = color(name);
    data[series].forEach((value, i) => {
      if (typeof value !== 'number') return;
      const [x, y] = [valToPos(data[0][i], 'x', true), valToPos(value, 'y', true)];
      ctx.beginPath();
      if (series === 1) ctx.arc(x, y, radius, 0, 2 * Math.PI);
      else ctx.rect(x - radius, y - radius, 2 * radius, 2 * radius);
      ctx.fill();
    });
  }
}

function line(name: string, width: number, dash: number[] = []): uPlot.Series {
  return { stroke: () => color(name), width, dash, points: { show: false } };
}
