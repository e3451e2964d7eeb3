import { byId, make } from '../../dom.js';
import { color } from '../charts/plot.js';
import type { Both, Histogram, LayerPicture } from '../messages.js';
import { type Painter, paint } from './canvas.js';
import { type Spread, SpreadHistory } from './history.js';
import { NETS, short } from '../ui/words.js';

/** A value for each channel: what it is called, and what it begins with. */
const VECTORS = {
  gamma: { name: 'gamma', start: 1 },
  beta: { name: 'beta', start: 0 },
  runningMean: { name: 'running mean', start: 0 },
  runningVar: { name: 'running variance', start: 1 },
} as const;
type Vector = keyof typeof VECTORS;

/** A canvas with its caption and what stands below it. */
class Panel {
  readonly item: HTMLElement;
  readonly #canvas = make('canvas', { role: 'img' });
  readonly #ends = make('div', { class: 'ends' });

  constructor(...caption: (Node | string)[]) {
    this.item = make('li', {}, make('figure', {}, make('figcaption', {}, ...caption), this.#canvas, this.#ends));
  }

  show(painter: Painter, words: string, ends: readonly string[]): void {
    paint(this.#canvas, painter);
    this.#canvas.setAttribute('aria-label', words);
    this.#ends.replaceChildren(...ends.map((end) => make('span', {}, end)));
  }
}

/** Pictures of one hidden layer. */
class LayerPanels {
  readonly element: HTMLElement;
  readonly #name: string;
  readonly #activations: Both<Panel> = {
    batchNorm: new Panel(make('span', { class: 'key norm' }, 'activations')), plain: new Panel(make('span', { class: 'key plain' }, 'activations')),
  };
  readonly #vectors = Object.fromEntries(Object.entries(VECTORS).map(([vector, { name }]) => [vector, new Panel(name)])) as Record<Vector, Panel>;
  readonly #histories = Object.fromEntries(Object.keys(VECTORS).map((vector) => [vector, new SpreadHistory()])) as Record<Vector, SpreadHistory>;

  constructor(index: number) {
    this.#name = `Layer ${index + 1}`;
    const panels = [...Object.values(this.#activations), ...Object.values(this.#vectors)];
    this.element = make('div', { class: 'layer' }, make('h3', {}, this.#name), make('ul', {}, ...panels.map(({ item }) => item)));
  }

  show(step: number, picture: LayerPicture): void {
    for (const net of Object.keys(this.#activations) as (keyof Both<unknown>)[]) {
      const histogram = picture.activations[net];
      const { low, high, mean, deviation } = histogram;
      const spread = Number.isFinite(mean) ? `mean ${short(mean)}, deviation ${short(deviation)}` : 'not finite';
      this.#activations[net].show(
        paintHistogram(histogram, net === 'batchNorm' ? '--norm' : '--plain'),
        `${this.#name}, activations ${NETS[net]} at step ${step}: ${spread}.`,
        [short(low), deviation === 0 || !Number.isFinite(deviation) ? spread : `± ${short(deviation)}`, short(high)],
      );
    }
    for (const vector of Object.keys(VECTORS) as Vector[]) {
      const { name, start } = VECTORS[vector];
      const history = this.#histories[vector];
      const { least, median, most } = history.push(step, picture[vector]);
      const words = `${this.#name}, ${name} at step ${step}: from ${short(least)} to ${short(most)}, median ${short(median)}.`;
      this.#vectors[vector].show(paintHistory(history, start), words, [short(least), short(most)]);
    }
  }
}

const host = byId('layers', HTMLElement);
let layers: LayerPanels[] = [];

export function clearLayers(depth: number): void {
  layers = Array.from({ length: depth }, (_, i) => new LayerPanels(i));
  host.replaceChildren(...layers.map(({ element }) => element));
}

export function showLayers(step: number, pictures: readonly LayerPicture[]): void {
  pictures.forEach((picture, i) => layers[i].show(step, picture));
}

function paintHistogram({ low, high, counts }: Histogram, fill: string): Painter {
  return (context, width, height) => {
    const most = Math.max(1, ...counts);
    const bin = width / counts.length;
    context.fillStyle = color(fill);
    counts.forEach((count, i) => {
      const bar = Math.ceil((count / most) * (height - 4));
      context.fillRect(i * bin, height - bar, Math.max(1, bin - 0.5), bar);
    });
    const zero = Math.round((-low / (high - low)) * width) + 0.5;
    stroke(context, '--muted', [[zero, 0], [zero, height]], [2, 2]);
  };
}

function paintHistory({ moments }: SpreadHistory, start: number): Painter {
  return (context, width, height) => {
    const shown = moments.filter(({ spread }) => Number.isFinite(spread.least) && Number.isFinite(spread.most));
    if (shown.length === 0) return;
    const [first, last] = [shown[0].step, shown.at(-1)!.step];
    const least = Math.min(start, ...shown.map(({ spread }) => spread.least));
    const most = Math.max(start, ...shown.map(({ spread }) => spread.most));
    const margin = 4;
    const x = (step: number) => (last > first ? ((step - first) / (last - first)) * width : width);
    const y = (value: number) => (most > least ? height - margin - ((value - least) / (most - least)) * (height - 2 * margin) : height / 2);
    const curve = (end: keyof Spread): [number, number][] => {
      const points = shown.map(({ step, spread }): [number, number] => [x(step), y(spread[end])]);
      return points.length === 1 ? [[0, points[0][1]], ...points] : points;
    };
    stroke(context, '--muted', [[0, y(start)], [width, y(start)]], [2, 2]);
    fillBetween(context, curve('least'), curve('most'), 0.2);
    fillBetween(context, curve('low'), curve('high'), 0.35);
    stroke(context, '--norm', curve('median'));
  };
}

function fillBetween(context: CanvasRenderingContext2D, below: [number, number][], above: [number, number][], alpha: number): void {
  context.globalAlpha = alpha;
  context.fillStyle = color('--norm');
  context.beginPath();
  for (const [x, y] of [...below, ...above.toReversed()]) context.lineTo(x, y);
  context.fill();
  context.globalAlpha = 1;
}

function stroke(context: CanvasRenderingContext2D, name: string, points: [number, number][], dash: number[] = []): void {
  context.strokeStyle = color(name);
  context.lineWidth = dash.length > 0 ? 1 : 1.5;
  context.setLineDash(dash);
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.stroke();
  context.setLineDash([]);
}
