import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { BINS, type Comparison } from '../../src/verify/index.js';
import { formatRatio, make, power } from '../dom.js';

const ALL = 'all';
const HEIGHT = 260;
const REDRAW_MS = 250;

/** log2(error / bound) at a bin's left edge; the last bin begins at the bound, the first holds all below 2⁻³⁰. */
const edge = (bin: number) => bin - BINS + 1;
const EDGES = Array.from({ length: BINS }, (_, bin) => edge(bin));

interface Tally {
  counts: Float64Array; // sums of many u32
  elements: number;
  beyond: number;
  ratio: number;
}

/** How far the compared elements are from their bounds, over all results so far. */
export class Histogram {
  readonly #host: HTMLElement;
  readonly #caption: HTMLElement;
  readonly #select: HTMLSelectElement;
  readonly #tallies = new Map<string, Tally>();
  readonly #plot: uPlot;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: HTMLElement, select: HTMLSelectElement, caption: HTMLElement) {
    this.#host = host;
    this.#select = select;
    this.#caption = caption;
    this.#plot = new uPlot(options(host.clientWidth), [EDGES, [], []], host);
    this.clear();
    select.addEventListener('change', () => this.#draw());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
    new ResizeObserver(() => this.#plot.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host);
  }

  clear(): void {
    this.#tallies.clear();
    this.#draw();
  }

  add(comparisons: readonly Comparison[]): void {
    for (const comparison of comparisons) {
      this.#addTo(ALL, comparison);
      this.#addTo(comparison.output, comparison);
    }
    if (comparisons.length > 0) this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS);
  }

  #addTo(name: string, { histogram, elements, beyond, ratio }: Comparison): void {
    let tally = this.#tallies.get(name);
    if (!tally) {
      tally = { counts: new Float64Array(BINS), elements: 0, beyond: 0, ratio: 0 };
      this.#tallies.set(name, tally);
      if (name !== ALL && ![...this.#select.options].some(({ value }) => value === name)) {
        this.#select.append(make('option', { value: name }, name));
      }
    }
    for (let bin = 0; bin < BINS; bin++) tally.counts[bin]! += histogram[bin]!;
    tally.elements += elements;
    tally.beyond += beyond;
    if (!(ratio <= tally.ratio)) tally.ratio = ratio;
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const name = this.#select.value;
    const tally = this.#tallies.get(name);
    const counts = [...(tally?.counts ?? new Float64Array(BINS))].map((count) => count || null); // a log axis has no 0
    const last = BINS - 1;
    this.#plot.setData([EDGES, counts.map((count, bin) => (bin < last ? count : null)), counts.map((count, bin) => (bin < last ? null : count))]);
    const words = tally ? describe(name, tally) : 'Nothing has been compared yet.';
    this.#caption.textContent = words;
    this.#host.setAttribute('aria-label', `Histogram of error / bound. ${words}`);
  }
}

function describe(name: string, { counts, elements, beyond, ratio }: Tally): string {
  const of = name === ALL ? 'of all outputs' : `of ${name}`;
  let below = 0;
  let bin = 0;
  while (bin < BINS - 1 && (below += counts[bin]!) < elements / 2) bin++;
  const half = bin === BINS - 1 ? 'less than half are below it' : `half are below ${power(2, edge(bin + 1))} of it`;
  const within = beyond === 0 ? 'none beyond its bound' : `${beyond.toLocaleString('en')} beyond their bound`;
  return `${elements.toLocaleString('en')} elements ${of}: ${within}, the worst at ${formatRatio(ratio)} of it, ${half}.`;
}

function options(width: number): uPlot.Options {
  const bars = uPlot.paths.bars!({ size: [1, Infinity], gap: 1, align: 1 });
  const axis = { stroke: () => color('--muted'), grid: { stroke: () => color('--line'), width: 1 }, ticks: { show: false },
    font: '12px system-ui, sans-serif' };
  const exactly = -BINS + 1.5; // the middle of the first bin
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [edge(0), edge(BINS)] },
      y: { distr: 3, range: (_, __, max) => [0.5, 10 ** Math.ceil(Math.log10(Math.max(max ?? 10, 10)) + 0.01)] },
    },
    axes: [
      {
        ...axis, grid: { show: false }, size: 26, label: 'error / bound', labelSize: 20, labelFont: axis.font, labelGap: 0,
        splits: () => [exactly, -25, -20, -15, -10, -5, 0],
        values: (_, splits) => splits.map((at) => (at === exactly ? '0' : at === 0 ? '1' : power(2, at))),
      },
      {
        ...axis, size: 48,
        splits: (_, __, ___, max) => Array.from({ length: Math.floor(Math.log10(max) + 1e-9) + 1 }, (____, exponent) => 10 ** exponent),
        values: (_, splits) => splits.map((at, i) => (splits.length < 7 || i % 2 === 0 ? power(10, Math.round(Math.log10(at))) : '')),
      },
    ],
    series: [
      {},
      { label: 'within', paths: bars, fill: () => color('--accent'), width: 0, points: { show: false } },
      { label: 'at or beyond', paths: bars, fill: () => color('--fail'), width: 0, points: { show: false } },
    ],
    hooks: { draw: [drawBound] },
  };
}

/** The line no error may cross. */
function drawBound({ ctx, bbox, valToPos }: uPlot): void {
  const x = Math.round(valToPos(0, 'x', true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = color('--fail');
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'top';
  ctx.fillText('bound', x - 5 * devicePixelRatio, bbox.top + 4 * devicePixelRatio);
  ctx.restore();
}

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
