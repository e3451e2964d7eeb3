// Claim: windows follow each other from a tensor's first element to its last, each in one buffer and small enough to be
// bound, and the boxes of a window hold each of its elements once, where `base` says.
// Control: cut at whole images, planes and rows, by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Storage, storageBytes } from '../../src/core/storage.js';
import type { Geometry, Layout } from '../../src/core/shape.js';
import { WINDOW_ALIGNMENT } from '../../src/core/buffers.js';
import { type Window, boxesOf, windowsOf } from '../../src/plan/windows.js';

const channelsLast = (rows: number, channels: number): Geometry => ({ layout: 'channelsLast', batch: rows, channels, spatial: 1, rows });
const channelsFirst =
  (batch: number, channels: number, spatial: number): Geometry => ({ layout: 'channelsFirst', batch, channels, spatial, rows: batch * spatial });

describe('windows', () => {
  it.each<[string, Geometry, Storage, number[], number, number[]]>([
    ['control: what fits is one', channelsLast(10, 100), 'f32', [], 4096, [1000]],
    ['exactly the limit', channelsLast(16, 64), 'f32', [], 4096, [1024]],
    ['one row past it: whole rows', channelsLast(17, 64), 'f32', [], 4096, [1024, 1088]],
    ['rows of 96, three of which are 256-byte steps', channelsLast(30, 96), 'f32', [], 4096, [960, 1920, 2880]],
    ['a row larger than a window', channelsLast(2, 1500), 'f32', [], 4096, [1024, 2048, 3000]],
    ['whole images', channelsFirst(4, 8, 64), 'f32', [], 4096, [1024, 2048]],
    ['planes, where an image does not fit', channelsFirst(2, 20, 64), 'f32', [], 4096, [1024, 2048, 2560]],
    ['half a plane and more', channelsFirst(1, 2, 1500), 'f32', [], 4096, [1024, 2048, 3000]],
    ['halves: twice as many', channelsFirst(4, 8, 64), 'f16', [], 4096, [2048]],
    ['an odd half at the end', channelsLast(1, 2051), 'bf16', [], 4096, [2048, 2051]],
    ['a limit that is no multiple of 256', channelsLast(40, 64), 'f32', [], 4300, [1024, 2048, 2560]],
    ['cut where there was no need', channelsLast(10, 64), 'f32', [64, 192], 4096, [64, 192, 640]],
    ['after a cut again at whole images', channelsFirst(4, 8, 64), 'f32', [512 + 64], 4096, [576, 1536, 2048]],
    ['a cut in the middle of a window', channelsLast(40, 64), 'f32', [1088], 4096, [1024, 1088, 2112, 2560]],
  ])('%s', (_, geometry, storage, cuts, limit, ends) => {
    const windows = windowsOf(geometry, storage, cuts, limit);
    expect(windows).toEqual(ends.map((end, i) => ({ start: i === 0 ? 0 : ends[i - 1], end })));
  });

  it('no window is larger than what u32 counts in bytes, whatever the device binds', () => {
    const windows = windowsOf(channelsLast(0xffffffff, 1), 'f16', [], 2 ** 40);
    expect(Math.max(...windows.map(({ start, end }) => 2 * (end - start)))).toBeLessThan(2 ** 32);
    expect(windows.at(-1)!.end).toBe(0xffffffff);
    expect(windowsOf(channelsLast(2 ** 24, 4), 'f32', [], 2 ** 40)).toEqual([{ start: 0, end: 2 ** 26 }]);
  });

  it('any tensor: no gap, no overlap, in one buffer each, at multiples of 256 bytes there', () => {
    fc.assert(
      fc.property(tensors, fc.constantFrom<Storage>('f32', 'f16'), fc.integer({ min: 256, max: 65536 }), fc.array(fc.integer({ min: 1, max: 60 })),
        (geometry, storage, limit, steps) => {
        const elements = geometry.rows * geometry.channels;
        const unit = storage === 'f32' ? 64 : 128;
        expect(storageBytes(unit, storage)).toBe(WINDOW_ALIGNMENT);
        const cuts = [...new Set(steps.map((step) => step * unit))].filter((cut) => cut < elements).sort((a, b) => a - b);
        const windows = windowsOf(geometry, storage, cuts, limit);
        expect([0, ...windows.map(({ end }) => end)]).toEqual([...windows.map(({ start }) => start), elements]);
        expect(cuts.filter((cut) => !windows.some(({ start }) => start === cut))).toEqual([]);
        for (const { start, end } of windows) {
          expect(end).toBeGreaterThan(start);
          expect(start % unit).toBe(0);
          expect(storageBytes(end - start, storage)).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 500, seed: 20261122 },
    );
  });
});

describe('boxes', () => {
  it.each<[string, Geometry, Window, number]>([
    ['control: a whole tensor', channelsFirst(3, 4, 64), { start: 0, end: 768 }, 1],
    ['whole images', channelsFirst(3, 4, 64), { start: 256, end: 768 }, 1],
    ['planes of one image', channelsFirst(3, 4, 64), { start: 64, end: 192 }, 1],
    ['the end of one image and the beginning of the next', channelsFirst(2, 4, 64), { start: 192, end: 320 }, 2],
    ['part of a plane', channelsFirst(1, 1, 640), { start: 64, end: 128 }, 1],
    ['everything at once: a begun plane, planes, images, planes, a begun plane', channelsFirst(5, 3, 128), { start: 64, end: 4 * 384 + 128 + 64 }, 5],
    ['rows', channelsLast(20, 32), { start: 64, end: 640 }, 1],
    ['begun rows', channelsLast(20, 100), { start: 64, end: 1984 }, 3],
    ['part of a row', channelsLast(1, 640), { start: 64, end: 128 }, 1],
  ])('%s', (_, geometry, window, count) => {
    expect(boxesOf(geometry, window).length).toBe(count);
    checkBoxes(geometry, window);
  });

  it('any window of any tensor', () => {
    fc.assert(
      fc.property(tensors, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (geometry, from, to) => {
        const elements = geometry.rows * geometry.channels;
        const start = Math.floor((Math.min(from, to) * elements) / 64) * 64;
        const end = Math.max(start + 1, Math.round(Math.max(from, to) * elements));
        fc.pre(end <= elements);
        checkBoxes(geometry, { start, end });
      }),
      { numRuns: 500, seed: 20261122 },
    );
  });

  it('a box of a tensor with as many elements as there can be', () => {
    const boxes = boxesOf(channelsFirst(3, 5, 0x11111111), { start: 2 ** 31, end: 2 ** 32 - 64 });
    const volume =
      boxes.reduce((sum, { batch, channels, spatial }) => sum + (batch.end - batch.first) * (channels.end - channels.first) * (spatial.end - spatial.first), 0);
    expect(volume).toBe(2 ** 31 - 64);
    expect(boxes[0].base + boxes[0].channels.first * 0x11111111).toBe(0);
  });
});

const axis = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 16 }).map((n) => 4 * n), fc.integer({ min: 1, max: 300 }));

const tensors = fc
  .record({ layout: fc.constantFrom<Layout>('channelsLast', 'channelsFirst'), batch: axis, channels: axis, spatial: axis })
  .filter(({ batch, channels, spatial }) => batch * channels * spatial <= 20_000)
  .map(({ layout, batch, channels, spatial }) =>
    (layout === 'channelsLast' ? channelsLast(batch * spatial, channels) : channelsFirst(batch, channels, spatial)));

/** Walks every element of every box, and marks where it stands in the window. */
function checkBoxes(geometry: Geometry, window: Window): void {
  const { channels, spatial, layout } = geometry;
  const line = layout === 'channelsLast' ? 1 : spatial;
  const seen = new Uint8Array(window.end - window.start);
  for (const { batch, channels: c, spatial: s, base } of boxesOf(geometry, window)) {
    for (let n = batch.first; n < batch.end; n++) {
      for (let channel = c.first; channel < c.end; channel++) {
        for (let at = s.first; at < s.end; at++) {
          const index = base + ((n - batch.first) * channels + channel) * line + (at - s.first);
          if (index + window.start !== (n * channels + channel) * line + at) {
            throw new Error(`element (${n}, ${channel}, ${at}) is not at ${index} of its window`);
          }
          seen[index]++;
        }
      }
    }
  }
  expect(seen.findIndex((times) => times !== 1)).toBe(-1);
}
