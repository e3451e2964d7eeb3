import { compact, precise } from './format.js';
import {
  CAPTION, CELL_HEIGHT, CHARACTER, CLOSED_LINES, type Edge, HEADER, LETTERS, type Layout, PADDING, type Place, closedLayout, tallLayout, wideLayout,
} from './layout.js';
import { type GraphNode, type Name, OPERATIONS, nodeOf } from './nodes.js';
import { arrivedPart, edgeState, nodeState } from './state.js';
import { phaseOf } from './steps.js';
import { draw } from './svg.js';
import type { Trace } from './trace.js';

/** From this width of the frame on, the graph lies on its side. */
const WIDE = 760;
/** From this one on, if all of it is in sight, the legend has room beside the statistics. */
const ROOMY = 960;
/** Letters smaller than this part of their size are not read: the frame scrolls instead. */
const SMALLEST = 0.77;

export interface Choices {
  /** A node was chosen. */
  node(node: GraphNode): void;
  /** A cell was chosen; where a node has one row only, row is null. */
  element(row: number | null, column: number): void;
}

/** What is shown. */
export interface Shown {
  trace: Trace;
  step: number;
  row: number;
  column: number;
}

interface Grid {
  show(values: Float64Array | null, row: number, column: number): void;
}

interface DrawnNode {
  group: SVGGElement;
  head: SVGGElement;
  values: Grid;
  gradients: Grid;
  caption: SVGTextElement;
}

interface DrawnEdge {
  edge: Edge;
  path: SVGPathElement;
  label: SVGTextElement;
}

/** The graph as SVG, in a frame that scrolls on its own. */
export class Picture {
  readonly #frame: HTMLElement;
  readonly #choices: Choices;
  #shown: Shown | null = null;
  #layout: Layout | null = null;
  #drawnFor = '';
  #nodes = new Map<Name, DrawnNode>();
  #edges: DrawnEdge[] = [];

  constructor(frame: HTMLElement, choices: Choices) {
    this.#frame = frame;
    this.#choices = choices;
    new ResizeObserver(() => this.#shown && this.show(this.#shown)).observe(frame);
  }

  show(shown: Shown): void {
    const before = this.#shown;
    this.#shown = shown;
    const { trace, step, row, column } = shown;
    const wide = this.#frame.clientWidth >= WIDE;
    const closed = phaseOf(step) === 'closed';
    const drawnFor = `${this.#frame.clientWidth} ${closed}`;
    if (before?.trace !== trace || this.#drawnFor !== drawnFor) this.#draw(trace, wide, closed);
    this.#drawnFor = drawnFor;
    for (const [name, drawn] of this.#nodes) this.#update(name, drawn, shown);
    for (const { edge, path, label } of this.#edges) {
      const { carries, now } = edgeState(edge, step);
      path.setAttribute('class', `edge ${carries}${now ? ' now' : ''}`);
      path.setAttribute('marker-end', carries === 'gradient' ? '' : `url(#arrow-${carries})`);
      path.setAttribute('marker-start', carries === 'gradient' ? 'url(#arrow-gradient)' : '');
      const part = arrivedPart(trace, edge, step);
      label.textContent = part ? compact(at(part, trace, row, column)) : '';
    }
    if (before?.step !== step || before.trace !== trace) this.#bringIntoView(step);
  }

  #draw(trace: Trace, wide: boolean, closed: boolean): void {
    const active = document.activeElement;
    const focused = active && this.#frame.contains(active) ? active.closest<SVGElement>('[data-node]')?.dataset.node : undefined;
    const { rows, channels } = trace.inputs;
    const texts = [...Object.values(trace.values), ...Object.values(trace.gradients)].flatMap((array) => Array.from(array, (value) => compact(value).length));
    const sizes = { rows, channels, cellWidth: Math.max(7, ...texts) * CHARACTER + 5 };
    const layout = closed ? closedLayout(sizes, wide) : wide ? wideLayout(sizes) : tallLayout(sizes);
    this.#layout = layout;
    this.#nodes = new Map();
    this.#edges = layout.edges.map((edge) => ({
      edge, path: draw('path', { d: edge.path }), label: draw('text', { class: 'part', x: edge.label.x, y: edge.label.y, 'text-anchor': edge.label.anchor }),
    }));
    const svg = draw(
      'svg',
      { viewBox: `0 0 ${layout.width} ${layout.height}`, width: layout.width, height: layout.height, role: 'group',
        'aria-label': 'The graph of batch normalization', class: closed ? 'closed' : '' },
      draw('defs', {}, ...(['nothing', 'value', 'gradient'] as const).map(marker)),
      ...this.#edges.map(({ path }) => path),
      ...Object.keys(layout.boxes).map((place) => this.#drawPlace(place as Place, layout, sizes.cellWidth, trace, wide)),
      ...this.#edges.map(({ label }) => label),
    );
    svg.style.minWidth = `${Math.floor(SMALLEST * layout.width)}px`;
    this.#frame.replaceChildren(svg);
    const roomy = wide && this.#frame.clientWidth >= ROOMY && this.#frame.scrollWidth <= this.#frame.clientWidth;
    this.#frame.parentElement!.classList.toggle('roomy', roomy);
    if (focused) (this.#nodes.get(focused as Name) ?? this.#nodes.get('x')!).head.focus();
  }

  #drawPlace(place: Place, layout: Layout, cellWidth: number, trace: Trace, wide: boolean): SVGGElement {
    const { x, y, width, height } = layout.boxes[place]!;
    const frame = draw('rect', { class: 'frame', width, height, rx: 8 });
    if (place === 'closed') {
      const lines = wide ? CLOSED_LINES.wide : CLOSED_LINES.tall;
      const left = wide ? 2 * PADDING : PADDING;
      const letters = wide ? Math.min(14, ((width - 2 * left) / Math.max(...lines.map(({ length }) => length)) / CHARACTER) * LETTERS) : LETTERS;
      const pitch = wide ? (height - HEADER) / lines.length : CELL_HEIGHT;
      return draw(
        'g', { class: 'node closed-form', transform: `translate(${x} ${y})` }, frame,
        draw('text', { class: 'name', x: left, y: 22 }, 'nine steps back in one'),
        ...lines.map((line, i) => draw('text', { class: 'closed-text', 'font-size': letters, x: left, y: HEADER + (i + (wide ? 0.5 : 0.75)) * pitch }, line)),
      );
    }
    const node = nodeOf(place);
    const { channels } = trace.inputs;
    const lines = node.matrix ? trace.inputs.rows : 1;
    const left = (width - channels * cellWidth) / 2;
    const values = this.#drawGrid('value', left, HEADER, lines, channels, cellWidth);
    const captionAt = HEADER + lines * CELL_HEIGHT + CAPTION - 4;
    const caption = draw('text', { class: 'caption', x: Math.min(left + 2, PADDING), y: captionAt });
    const gradients = this.#drawGrid('gradient', left, HEADER + lines * CELL_HEIGHT + CAPTION, lines, channels, cellWidth);
    const head = draw(
      'g', { class: 'head', tabindex: 0, role: 'button' }, frame,
      draw('text', { class: 'name', x: PADDING, y: 18 }, `${place} `), // the spaces part what is read out
      draw('text', { class: 'formula', x: PADDING, y: 32 }, `${node.formula} `),
      ...(node.step > 0 ? [draw('text', { class: 'step', x: width - PADDING, y: 18, 'text-anchor': 'end' }, String(node.step))] : []),
    );
    const read = draw('g', { 'aria-hidden': 'true' }, values.group, caption, gradients.group); // the head says the chosen ones, the table below all
    const group = draw('g', { transform: `translate(${x} ${y})`, 'data-node': place }, head, read);
    const choose = () => this.#choices.node(node);
    group.addEventListener('click', (event) => {
      const cell = (event.target as Element).closest<SVGElement>('[data-column]');
      if (cell) this.#choices.element(node.matrix ? Number(cell.dataset.row) : null, Number(cell.dataset.column));
      else choose();
    });
    head.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      choose();
    });
    this.#nodes.set(place, { group, head, values, gradients, caption });
    return group;
  }

  #drawGrid(kind: 'value' | 'gradient', left: number, top: number, lines: number, channels: number, cellWidth: number): Grid & { group: SVGGElement } {
    const cells = Array.from({ length: lines * channels }, (_, i) => {
      const [row, column] = [Math.floor(i / channels), i % channels];
      const tint = draw('rect', { class: 'tint', width: cellWidth - 2, height: CELL_HEIGHT - 2, rx: 2 });
      const text = draw('text', { class: 'number-text', x: cellWidth - 5, y: 11.5, 'text-anchor': 'end' });
      const cell = draw('g', { class: 'cell', transform: `translate(${left + column * cellWidth + 1} ${top + row * CELL_HEIGHT + 1})`, 'data-row': row,
        'data-column': column }, tint, text);
      return { cell, tint, text, row, column };
    });
    return {
      group: draw('g', { class: `grid ${kind}` }, ...cells.map(({ cell }) => cell)),
      show(values, chosenRow, chosenColumn) {
        const largest = values ? Math.max(...values.map(Math.abs)) : 0;
        cells.forEach(({ cell, tint, text, row, column }, i) => {
          text.textContent = values ? compact(values[i]) : '·';
          tint.setAttribute('fill-opacity', values && largest > 0 ? (0.04 + (0.3 * Math.abs(values[i])) / largest).toFixed(3) : '0.04');
          cell.classList.toggle('chosen', column === chosenColumn && (lines === 1 || row === chosenRow));
        });
      },
    };
  }

  #update(name: Name, { group, head, values, gradients, caption }: DrawnNode, { trace, step, row, column }: Shown): void {
    const node = nodeOf(name);
    const { value, gradient, arrived, expected, current } = nodeState(trace, node, step);
    values.show(value, row, column);
    gradients.show(gradient, row, column);
    const partial = gradient !== null && expected > 1 && arrived < expected;
    const counted = partial ? `d${name}, ${arrived} of ${expected}` : expected > 1 && gradient ? `d${name}, both added` : `d${name}`;
    const kept = phaseOf(step) === 'closed' && !gradient;
    caption.textContent = kept ? 'kept for the way back' : counted;
    const direction = step > OPERATIONS ? 'backward' : 'forward';
    group.setAttribute('class', `node${value ? ' known' : ''}${kept ? ' kept' : ''}${current ? ` current ${direction}` : ''}`);
    if (current) head.setAttribute('aria-current', 'step');
    else head.removeAttribute('aria-current');
    const element = node.matrix ? `row ${row + 1}, column ${column + 1}` : `column ${column + 1}`;
    const told = (array: Float64Array | null) => (array ? precise(at(array, trace, row, column)) : phaseOf(step) === 'closed' ? 'not needed' : 'not yet');
    head.setAttribute(
      'aria-label',
      `${name}: ${node.formula}, ${node.step > 0 ? `${node.step} of ${OPERATIONS} steps` : 'can be edited'}. ` +
      `At ${element}: value ${told(value)}, gradient ${told(gradient)}${partial ? `, ${arrived} of ${expected} that add up` : ''}.`,
    );
  }

  /** The node under way stays in sight; the page itself does not move. */
  #bringIntoView(step: number): void {
    const svg = this.#frame.firstElementChild as SVGSVGElement;
    const current = [...this.#nodes].find(([, { head }]) => head.hasAttribute('aria-current'))?.[0];
    const layout = this.#layout!;
    const box = current ? layout.boxes[current]! : { x: 0, y: 0, width: 0, height: 0 };
    if (!current && step > 0 && phaseOf(step) !== 'closed') return;
    const scale = svg.clientWidth / layout.width;
    const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
    this.#frame.scrollTo({
      left: (box.x + box.width / 2) * scale - this.#frame.clientWidth / 2, top: (box.y + box.height / 2) * scale - this.#frame.clientHeight / 2, behavior,
    });
  }
}

function at(array: Float64Array, { inputs: { channels } }: Trace, row: number, column: number): number {
  return array.length === channels ? array[column] : array[row * channels + column];
}

function marker(kind: 'nothing' | 'value' | 'gradient'): SVGMarkerElement {
  return draw(
    'marker', { id: `arrow-${kind}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse',
      orient: 'auto-start-reverse' },
    draw('path', { class: `arrow ${kind}`, d: 'M0 0 L8 4 L0 8 Z' }),
  );
}
