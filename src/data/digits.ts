import { checkCount } from '../core/shape.js';
import { type Random, random } from './random.js';
import { checkSeed } from './spiral.js';
import type { Table } from './table.js';

export interface DigitsOptions {
  /** From 0 to 2³² − 1. */
  seed: number;
  /** Images; the digits take turns. */
  count: number;
}

/** Pixels along each side of an image. */
export const DIGIT_SIZE = 16;

type Point = readonly [x: number, y: number];
type Stroke = readonly Point[];

/**
 * Handwriting without a hand: the ten digits as strokes, each image under an affine map, with joints and a thickness of its own.
 *
 * A row is an image of 16 × 16 pixels from the top left, 0 paper to 1 ink in steps of 1/255; its label is the digit, which is
 * row mod 10.
 *
 * @throws {RangeError} an option has no meaning.
 * @example const { data, labels } = digits({ seed: 1, count: 1000 });
 */
export function digits({ seed, count }: DigitsOptions): Table & { labels: number[] } {
  const call = 'digits';
  checkSeed(call, seed);
  checkCount(call, 'count', count);
  const source = random(seed);
  const pixels = DIGIT_SIZE * DIGIT_SIZE;
  const data = new Float32Array(count * pixels);
  const labels = Array.from({ length: count }, (_, row) => row % GLYPHS.length);
  labels.forEach((label, row) => draw(GLYPHS[label], source, data.subarray(row * pixels, (row + 1) * pixels)));
  return { rows: count, channels: pixels, data, labels };
}

/** Standard deviations or half ranges of what differs from image to image; lengths in half the height of a digit. */
const JITTER = { turn: 0.22, slant: 0.28, width: 0.22, height: 0.18, place: 0.25, joint: 0.08 };
/** Of a digit, in pixels. */
const HALF_HEIGHT = 5.6;
/** Half the width of a stroke, in pixels. */
const THIN = 0.45;
const THICK = 1.05;

function draw(glyph: readonly Stroke[], source: Random, image: Float32Array): void {
  const within = (range: number) => range * (2 * source.uniform() - 1);
  const turn = within(JITTER.turn);
  const slant = within(JITTER.slant);
  const width = HALF_HEIGHT * (1 + within(JITTER.width));
  const height = HALF_HEIGHT * (1 + within(JITTER.height));
  const middle = DIGIT_SIZE / 2;
  const [left, top] = [middle + HALF_HEIGHT * within(JITTER.place), middle + HALF_HEIGHT * within(JITTER.place)];
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
  const radius = THIN + (THICK - THIN) * source.uniform();
  const place = ([x, y]: Point): Point => {
    const [across, down] = [width * (x - slant * y + JITTER.joint * source.normal()), height * (y + JITTER.joint * source.normal())];
    return [left + cos * across - sin * down, top + sin * across + cos * down];
  };
  const segments = glyph.flatMap((stroke) => segmentsOf(stroke.map(place)));
  for (let at = 0; at < image.length; at++) {
    const distance = distanceTo(segments, (at % DIGIT_SIZE) + 0.5, Math.floor(at / DIGIT_SIZE) + 0.5);
    const ink = Math.min(1, Math.max(0, radius + 0.5 - distance)); // how much of the pixel the stroke covers
    image[at] = Math.round(255 * ink) / 255;
  }
}

interface Segment {
  x: number;
  y: number;
  alongX: number;
  alongY: number;
  /** 1 / length², and 0 for a point. */
  inverse: number;
}

function segmentsOf(points: Point[]): Segment[] {
  return points.slice(1).map(([toX, toY], i) => {
    const [x, y] = points[i];
    const [alongX, alongY] = [toX - x, toY - y];
    const square = alongX * alongX + alongY * alongY;
    return { x, y, alongX, alongY, inverse: square > 0 ? 1 / square : 0 };
  });
}

/** From a point to the nearest of all segments. */
function distanceTo(segments: readonly Segment[], x: number, y: number): number {
  let least = Infinity;
  for (const segment of segments) {
    const [offX, offY] = [x - segment.x, y - segment.y];
    const t = Math.min(1, Math.max(0, (offX * segment.alongX + offY * segment.alongY) * segment.inverse));
    const [awayX, awayY] = [offX - t * segment.alongX, offY - t * segment.alongY];
    least = Math.min(least, awayX * awayX + awayY * awayY);
  }
  return Math.sqrt(least);
}

/** Part of an ellipse around (x, y), from angle to angle in turns: 0 is right, 0.25 below, −0.25 above. */
function arc(x: number, y: number, radiusX: number, radiusY: number, from: number, to: number): Point[] {
  const steps = Math.ceil(10 * Math.abs(to - from));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / steps);
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle)] as const;
  });
}

/** Strokes of the digits 0 to 9; x to the right, y down, each from −1 to 1. */
const GLYPHS: readonly (readonly Stroke[])[] = [
  [arc(0, 0, 0.58, 0.95, -0.25, 0.75)],
  [[[-0.35, -0.55], [0.05, -0.95], [0.05, 0.95]]],
  [[...arc(0, -0.42, 0.52, 0.52, -0.47, 0.1), [-0.55, 0.93], [0.58, 0.93]]],
  [[...arc(-0.05, -0.47, 0.48, 0.47, -0.42, 0.25), ...arc(-0.05, 0.46, 0.58, 0.48, -0.25, 0.42)]],
  [[[0.25, -0.95], [-0.6, 0.35], [0.62, 0.35]], [[0.25, -0.95], [0.25, 0.95]]],
  [[[0.5, -0.93], [-0.42, -0.93], [-0.48, -0.1], ...arc(-0.02, 0.36, 0.56, 0.58, -0.36, 0.4)]],
  [[[0.38, -0.93], [-0.2, -0.5], [-0.52, 0.1], ...arc(0, 0.42, 0.52, 0.52, 0.5, -0.5)]],
  [[[-0.55, -0.93], [0.55, -0.93], [0.2, -0.1], [-0.15, 0.95]]],
  [arc(0, -0.48, 0.42, 0.46, 0.25, 1.25), arc(0, 0.46, 0.54, 0.48, -0.25, 0.75)],
  [[...arc(0, -0.42, 0.52, 0.52, 0, -1), [0.5, 0.1], [0.3, 0.6], [-0.2, 0.95]]],
];
