import { byId } from '../../dom.js';
import { color } from '../charts/plot.js';
import type { Both, Points, Regions } from '../messages.js';
import { type Painter, paint } from './canvas.js';
import { NETS, percent } from '../ui/words.js';

const section = byId('regions', HTMLElement);
const canvases: Both<HTMLCanvasElement> = { batchNorm: byId('regions-norm', HTMLCanvasElement), plain: byId('regions-plain', HTMLCanvasElement) };

/** Of the classes that the spiral has; more have hues of their own. */
const NAMED = 3;
/** Degrees from hue to hue, so that no two of many are near. */
const GOLDEN_ANGLE = 137.508;
/** How much of its colour a region has. */
const TINT = 0.26;

type Mark = (path: CanvasRenderingContext2D, x: number, y: number, radius: number) => void;

/** A shape for each class, so that none is told by colour alone. */
const MARKS: readonly { name: string; mark: Mark }[] = [
  { name: 'disc', mark: (path, x, y, radius) => path.arc(x, y, radius, 0, 2 * Math.PI) },
  { name: 'triangle',
    mark: (path, x, y, radius) => polygon(path, [[x, y - 1.3 * radius], [x + 1.15 * radius, y + 0.8 * radius], [x - 1.15 * radius, y + 0.8 * radius]]) },
  { name: 'square', mark: (path, x, y, radius) => path.rect(x - 0.9 * radius, y - 0.9 * radius, 1.8 * radius, 1.8 * radius) },
  { name: 'diamond',
    mark: (path, x, y, radius) => polygon(path, [[x, y - 1.3 * radius], [x + 1.3 * radius, y], [x, y + 1.3 * radius], [x - 1.3 * radius, y]]) },
];

export function hideRegions(): void {
  section.hidden = true;
}

/** The class each net gives to every place of the plane, and the points it learns from. */
export function showRegions(step: number, regions: Regions, points: Points, labels: readonly string[]): void {
  section.hidden = false;
  for (const net of Object.keys(canvases) as (keyof Both<unknown>)[]) {
    const canvas = canvases[net];
    paint(canvas, painterOf(regions, regions.classes[net], points));
    const shares = labels.map((label, i) => `${label}: ${percent(regions.classes[net].filter((one) => one === i).length / regions.size ** 2)}`);
    canvas.setAttribute('aria-label', `The plane as the net ${NETS[net]} divides it at step ${step}, shares of each class: ${shares.join(', ')}.`);
  }
  const shapes = labels.map((label, i) => `${label} ${MARKS[i % MARKS.length].name}`).join(', ');
  byId('regions-words', HTMLElement)
    .textContent = `Step ${step}. The points are rows to train on, by class: ${shapes}. A tint is what the net calls the place.`;
}

function painterOf({ size, extent }: Regions, classes: Uint8Array, { values, labels }: Points): Painter {
  const most = Math.max(...classes, ...labels);
  return (context, width, height) => {
    const colors = Array.from({ length: most + 1 }, (_, label) => colorOf(label));
    const cell = width / size;
    for (let row = 0; row < size; row++) {
      for (let from = 0, to = 1; from < size; from = to, to++) {
        const own = classes[row * size + from];
        while (to < size && classes[row * size + to] === own) to++;
        context.fillStyle = colors[own];
        context.globalAlpha = TINT;
        // Whole device pixels, so that no seam shows.
        const [left, top, right, bottom] = [from, row, to, row + 1].map((at) => Math.round(at * cell * devicePixelRatio) / devicePixelRatio);
        context.fillRect(left, top, right - left, bottom - top);
      }
    }
    context.globalAlpha = 1;
    strokeBorders(context, size, classes, cell);
    const radius = Math.max(1.6, Math.min(4, (width / 480) * 4 * Math.min(1, Math.sqrt(600 / labels.length))));
    context.lineWidth = Math.min(1, radius / 3);
    context.strokeStyle = color('--page');
    labels.forEach((label, i) => {
      const [x, y] = [((values[2 * i] / extent + 1) / 2) * width, ((1 - values[2 * i + 1] / extent) / 2) * height];
      context.fillStyle = colors[label];
      context.beginPath();
      MARKS[label % MARKS.length].mark(context, x, y, radius);
      context.fill();
      context.stroke();
    });
  };
}

/** A line wherever two neighbours are of two classes. */
function strokeBorders(context: CanvasRenderingContext2D, size: number, classes: Uint8Array, cell: number): void {
  context.beginPath();
  classes.forEach((own, at) => {
    const [row, column] = [Math.floor(at / size), at % size];
    if (column + 1 < size && classes[at + 1] !== own) line(context, column + 1, row, column + 1, row + 1, cell);
    if (row + 1 < size && classes[at + size] !== own) line(context, column, row + 1, column + 1, row + 1, cell);
  });
  context.strokeStyle = color('--muted');
  context.lineWidth = 1;
  context.stroke();
}

function line(context: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number, cell: number): void {
  context.moveTo(fromX * cell, fromY * cell);
  context.lineTo(toX * cell, toY * cell);
}

function polygon(context: CanvasRenderingContext2D, corners: readonly (readonly [number, number])[]): void {
  corners.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.closePath();
}

function colorOf(label: number): string {
  return label < NAMED ? color(`--class-${label}`) : `hsl(${(label * GOLDEN_ANGLE) % 360} 60% 50%)`;
}
