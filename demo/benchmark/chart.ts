import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Timing } from '../../src/benchmark/index.js';
import { type Role, roleOf } from '../../src/benchmark/peers/index.js';
import { power } from '../dom.js';

const BAR = 24;
const MARGINS = 60;
const COLORS: Record<Role['who'], string> = { ceiling: '--muted', own: '--accent', peer: '--warn-line' };

/** Milliseconds of every contender as horizontal bars, on a logarithmic axis: peers are up to a thousand times slower. */
export function drawChart(host: HTMLElement, timings: readonly Timing[]): void {
  const walls = timings.map(({ wall }) => wall);
  const [low, high] = [Math.floor(Math.log10(Math.min(...walls)) - 1e-9), Math.ceil(Math.log10(Math.max(...walls)) + 1e-9)];
  const kinds = ['ceiling', 'own', 'peer'] as const;
  const height = timings.length * BAR + MARGINS;
  const names = (width: number) => Math.min(270, Math.round(width * 0.45));
  const axis = { stroke: () => color('--muted'), grid: { stroke: () => color('--line'), width: 1 }, ticks: { show: false },
    font: '12px system-ui, sans-serif' };
  const bars = uPlot.paths.bars!({ size: [0.7, 100] });
  const plot = new uPlot(
    {
      width: host.clientWidth, height,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, ori: 1, dir: -1, range: [-0.5, timings.length - 0.5] },
        y: { ori: 0, dir: 1, distr: 3, range: [10 ** low, 10 ** high] },
      },
      axes: [
        {
          ...axis, side: 3, grid: { show: false }, size: (self) => names(self.width), gap: 8,
          splits: () => timings.map((_, i) => i),
          values: (self) => timings.map(({ name }) => fit(self, name)),
        },
        {
          ...axis, side: 2, size: 26, label: 'ms (logarithmic)', labelSize: 20, labelFont: axis.font, labelGap: 0,
          splits: () => Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
          values: (_, splits) => splits.map((at) => (at >= 0.01 && at < 1e5 ? String(Number(at.toPrecision(1))) : power(10, Math.round(Math.log10(at))))),
        },
      ],
      series: [{}, ...kinds.map((kind) => ({ label: kind, paths: bars, fill: () => color(COLORS[kind]), width: 0, points: { show: false } }))],
    },
    [timings.map((_, i) => i), ...kinds.map((kind) => timings.map(({ name, wall }) => (roleOf(name).who === kind ? wall : null)))] as uPlot.AlignedData,
    host,
  );
  host.setAttribute('role', 'img');
  host.setAttribute('aria-label',
    `Bar chart of milliseconds; the table has the same numbers. ${timings.map(({ name, wall }) => `${name} ${wall.toPrecision(3)}`).join(', ')}.`);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw());
  new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height })).observe(host);
}

/** The name as far as its column holds it. */
function fit({ ctx, width }: uPlot, name: string): string {
  const room = Math.min(270, width * 0.45) - 12;
  const long = (text: string) => ctx.measureText(text).width / devicePixelRatio > room;
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  let text = name;
  while (long(text) && text.length > 4) text = `${text.slice(0, -2)}…`;
  ctx.restore();
  return text;
}

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
