import { NODES, type Name } from './nodes.js';

/** A node of the picture: one of the graph, or the closed form that stands for what lies between. */
export type Place = Name | 'closed';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Edge {
  from: Place;
  to: Place;
  /** SVG path from the giving node to the using one. */
  path: string;
  /** Where the gradient of one use stands. */
  label: { x: number; y: number; anchor: 'start' | 'middle' };
}

export interface Layout {
  width: number;
  height: number;
  boxes: Partial<Record<Place, Box>>;
  edges: Edge[];
}

/** Sizes inside a node, in pixels of the picture. */
export const CELL_HEIGHT = 16;
export const LETTERS = 11;
export const CHARACTER = 6.65; // how wide a monospaced one of that size is
export const PADDING = 8;
export const HEADER = 38;
export const CAPTION = 17;

const MARGIN = 14;
const ROW_GAP = 44;
const STACK_GAP = 30;
const LANE = 26;

export interface Sizes {
  rows: number;
  channels: number;
  /** Of one cell. */
  cellWidth: number;
}

/** The lines of the closed form, as they stand in its node where it is broad and where it is not. */
export const CLOSED_LINES = {
  wide: ['dbeta = Σ dy', 'dgamma = Σ dy · xHat', 'dx = gamma · invStd · (dy − dbeta/rows − xHat · dgamma/rows)'],
  tall: ['dbeta = Σ dy', 'dgamma = Σ dy · xHat', 'dx = gamma · invStd ·', '  (dy − dbeta/rows', '   − xHat · dgamma/rows)'],
} as const;

function sizeOf(place: Place, { rows, channels, cellWidth }: Sizes): { width: number; height: number } {
  const width = Math.max(140, channels * cellWidth + 2 * PADDING);
  if (place === 'closed') return { width: 24 * CHARACTER + 2 * PADDING, height: HEADER + CLOSED_LINES.tall.length * CELL_HEIGHT + PADDING };
  const lines = NODES.find(({ name }) => name === place)!.matrix ? rows : 1;
  return { width, height: HEADER + 2 * lines * CELL_HEIGHT + CAPTION + PADDING };
}

/** The data run along the top; the statistics take the way below, and rise back into xHat. */
export function wideLayout(sizes: Sizes): Layout {
  const { width, height: matrix } = sizeOf('x', sizes);
  const vector = sizeOf('mean', sizes).height;
  const gap = Math.max(48, sizes.cellWidth);
  const column = (at: number) => MARGIN + at * (width + gap);
  const top = MARGIN;
  const below = top + matrix + ROW_GAP;
  const stack = 3 * vector + 2 * STACK_GAP;
  const box = (at: number, y: number, height: number): Box => ({ x: column(at), y, width, height });
  const boxes = {
    x: box(0, top, matrix), centered: box(1, top, matrix), xHat: box(2, top, matrix), scaled: box(3, top, matrix), y: box(4, top, matrix),
    mean: box(0, below, vector), squared: box(1, below + Math.max(0, stack - matrix), matrix),
    invStd: box(2, below, vector), std: box(2, below + vector + STACK_GAP, vector), variance: box(2, below + 2 * (vector + STACK_GAP), vector),
    gamma: box(3, below, vector), beta: box(4, below, vector),
  };
  const along = (from: Name, to: Name) => across(from, to, boxes[from], boxes[to], top + matrix * 0.4);
  const { mean, centered, squared, variance } = boxes;
  const turn = mean.x + mean.width + gap / 2;
  const entry = top + matrix * 0.8;
  const middle = mean.y + mean.height / 2;
  return {
    width: column(4) + width + MARGIN,
    height: Math.max(variance.y + variance.height, squared.y + squared.height) + MARGIN,
    boxes,
    edges: [
      along('x', 'centered'), along('centered', 'xHat'), along('xHat', 'scaled'), along('scaled', 'y'),
      upright('x', 'mean', boxes.x, mean), upright('centered', 'squared', centered, squared),
      upright('variance', 'std', variance, boxes.std), upright('std', 'invStd', boxes.std, boxes.invStd),
      upright('invStd', 'xHat', boxes.invStd, boxes.xHat), upright('gamma', 'scaled', boxes.gamma, boxes.scaled), upright('beta', 'y', boxes.beta, boxes.y),
      across('squared', 'variance', squared, variance, variance.y + variance.height / 2),
      { from: 'mean', to: 'centered', path: `M${mean.x + mean.width} ${middle} H${turn} V${entry} H${centered.x}`,
        label: { x: turn, y: middle + 16, anchor: 'middle' } },
    ],
  };
}

/** One below the other, in the order of computation; what skips a node takes the lane at the side. */
export function tallLayout(sizes: Sizes): Layout {
  return stacked(NODES.map(({ name }) => name), NODES.flatMap(({ name, from }) => from.map((given) => [given, name] as const)), sizes);
}

/** The nine steps in one node, with what it reads and writes where it was: of the forward pass, mean and invStd are kept. */
export function closedLayout(sizes: Sizes, wide: boolean): Layout {
  if (!wide) return stacked(['x', 'mean', 'invStd', 'gamma', 'beta', 'closed', 'y'], [...READ.map((name) => [name, 'closed'] as const), ['closed', 'y']],
    sizes);
  const { width, height, boxes: { x, mean, centered, scaled, invStd, gamma, beta, y }, edges } = wideLayout(sizes);
  const closed = { ...centered!, width: scaled!.x + scaled!.width - centered!.x };
  const level = x!.y + x!.height * 0.4;
  const start = beta!.x + beta!.width / 2;
  const turn = beta!.y - ROW_GAP / 2;
  return {
    width, height,
    boxes: { x, mean, invStd, gamma, beta, closed, y },
    edges: [
      across('x', 'closed', x!, closed, level), across('closed', 'y', closed, y!, level),
      { ...edges.find(({ from, to }) => from === 'mean' && to === 'centered')!, to: 'closed' },
      upright('invStd', 'closed', invStd!, invStd!, closed), upright('gamma', 'closed', gamma!, gamma!, closed),
      { from: 'beta', to: 'closed', path: `M${start} ${beta!.y} V${turn} H${closed.x + closed.width - 16} V${closed.y + closed.height}`,
        label: { x: start, y: turn, anchor: 'start' } },
    ],
  };
}

const READ = ['x', 'mean', 'invStd', 'gamma', 'beta'] as const;

function stacked(order: readonly Place[], pairs: readonly (readonly [Place, Place])[], sizes: Sizes): Layout {
  const boxes: Partial<Record<Place, Box>> = {};
  let y = MARGIN;
  for (const place of order) {
    const size = sizeOf(place, sizes);
    boxes[place] = { x: MARGIN, y, ...size };
    y += size.height + STACK_GAP;
  }
  const widest = Math.max(...Object.values(boxes).map(({ width }) => width));
  const lane = MARGIN + widest + LANE;
  const beside: { top: number; bottom: number }[] = []; // edges that take the lane
  const edges = pairs.map(([from, to]): Edge => {
    const [start, end] = [boxes[from]!, boxes[to]!];
    if (order.indexOf(to) === order.indexOf(from) + 1) return upright(from, to, start, end);
    const met = beside.filter(({ top, bottom }) => top < end.y + end.height && bottom > start.y).length;
    const at = lane - 7 * met;
    const out = start.y + start.height * 0.7;
    const back = end.y + end.height * (0.3 + 0.15 * met);
    beside.push({ top: out, bottom: back });
    return {
      from, to, path: `M${start.x + start.width} ${out} H${at} V${back} H${end.x + end.width}`, label: { x: lane + 6, y: out + 4, anchor: 'start' },
    };
  });
  return { width: lane + sizes.cellWidth + MARGIN, height: y - STACK_GAP + MARGIN, boxes, edges };
}

/** A level edge at height y, left to right. */
function across(from: Place, to: Place, start: Box, end: Box, y: number): Edge {
  const left = start.x + start.width;
  return { from, to, path: `M${left} ${y} H${end.x}`, label: { x: (left + end.x) / 2, y: y - 8, anchor: 'middle' } };
}

/** An upright edge, up or down, in the middle of `along`. */
function upright(from: Place, to: Place, start: Box, along: Box, end = along): Edge {
  const x = Math.min(start.x + start.width / 2, along.x + along.width / 2);
  const [y1, y2] = end.y > start.y ? [start.y + start.height, end.y] : [start.y, end.y + end.height];
  return { from, to, path: `M${x} ${y1} V${y2}`, label: { x: x + 8, y: (y1 + y2) / 2 + 4, anchor: 'start' } };
}
