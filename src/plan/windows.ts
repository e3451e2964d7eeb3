import { WINDOW_ALIGNMENT } from '../core/buffers.js';
import { type Storage, storageBytes } from '../core/storage.js';
import type { Geometry } from '../core/shape.js';

/** Elements of a tensor, as they lie in memory, that one binding shows: from `start` to before `end`. */
export interface Window {
  start: number;
  end: number;
}

export interface Range {
  first: number;
  end: number;
}

/** A part of a window that is a part of each axis. */
export interface Box {
  batch: Range;
  channels: Range;
  spatial: Range;
  /** Where channel 0 of its first line would stand in the window, in elements; may be below 0. */
  base: number;
}

/** However much a device binds, shaders count bytes in u32, and loops ask a little past a window's end before they stop. */
const MAX_WINDOW_BYTES = 2 ** 32 - WINDOW_ALIGNMENT;

/**
 * Cuts a tensor into windows that a binding can show: at every cut, and where more would not fit. They end
 * at whole images, else planes or rows, where those fit.
 *
 * @param cuts - elements, ascending, each a multiple of WINDOW_ALIGNMENT bytes.
 */
export function windowsOf(geometry: Geometry, storage: Storage, cuts: readonly number[], bindingBytes: number): Window[] {
  const { layout, rows, channels, spatial } = geometry;
  const elements = rows * channels;
  const bytes = Math.min(bindingBytes, MAX_WINDOW_BYTES);
  if (cuts.length === 0 && storageBytes(elements, storage) <= bytes) return [{ start: 0, end: elements }];
  const aligned = storage === 'f32' ? WINDOW_ALIGNMENT / 4 : WINDOW_ALIGNMENT / 2;
  const most = Math.floor(bytes / WINDOW_ALIGNMENT) * aligned;
  const lines = layout === 'channelsLast' ? [channels] : [channels * spatial, spatial];
  const unit = [...lines.map((line) => leastCommonMultiple(line, aligned)), aligned].find((size) => size <= most) ?? aligned;
  const step = Math.floor(most / unit) * unit;
  const windows: Window[] = [];
  let start = 0;
  for (const cut of [...cuts, elements]) {
    while (start < cut) {
      const end = Math.min(cut, (Math.floor(start / unit) * unit) + step);
      windows.push({ start, end });
      start = end;
    }
  }
  return windows;
}

/** A window as boxes: a begun line, the lines of a begun image, whole images, and the same at the other end. */
export function boxesOf({ layout, channels, spatial }: Geometry, { start, end }: Window): Box[] {
  const line = layout === 'channelsLast' ? 1 : spatial;
  const boxes: Box[] = [];
  const push = (n: Range, c: Range, s: Range) => {
    if (n.first < n.end && c.first < c.end && s.first < s.end) {
      boxes.push({ batch: n, channels: c, spatial: s, base: n.first * channels * line + s.first - start });
    }
  };
  const whole = { first: 0, end: line };
  const lines = (first: number, last: number) => {
    const [n0, n1] = [Math.floor(first / channels), Math.floor(last / channels)];
    const [c0, c1] = [first - n0 * channels, last - n1 * channels];
    if (n0 === n1) return push({ first: n0, end: n0 + 1 }, { first: c0, end: c1 }, whole);
    const begun = c0 > 0 ? 1 : 0;
    if (begun) push({ first: n0, end: n0 + 1 }, { first: c0, end: channels }, whole);
    push({ first: n0 + begun, end: n1 }, { first: 0, end: channels }, whole);
    push({ first: n1, end: n1 + 1 }, { first: 0, end: c1 }, whole);
  };
  const part = (l: number, first: number, last: number) => {
    const n = Math.floor(l / channels);
    push({ first: n, end: n + 1 }, { first: l - n * channels, end: l - n * channels + 1 }, { first, end: last });
  };
  const [l0, l1] = [Math.floor(start / line), Math.floor(end / line)];
  const [s0, s1] = [start - l0 * line, end - l1 * line];
  if (l0 === l1) {
    part(l0, s0, s1);
    return boxes;
  }
  if (s0 > 0) part(l0, s0, line);
  if (l0 + (s0 > 0 ? 1 : 0) < l1) lines(l0 + (s0 > 0 ? 1 : 0), l1);
  if (s1 > 0) part(l1, 0, s1);
  return boxes;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
