// Claim: for any shape, layout and class a plan's threads visit every element exactly once, stay within the
// device's limits, and their indices fit u32.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/plan/options.js';
import { PARAMS, PARAMS_BYTES, type Params, paramsWgsl, writeParams } from '../../src/plan/params.js';
import { type Dispatch, type PlanKind, type PlanLimits, classOf, grid, plan, tilesOf } from '../../src/plan/plan.js';
import type { Geometry, Layout } from '../../src/plan/shape.js';

const DEFAULT_LIMITS: PlanLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
};
/** WebGPU's compatibility mode. */
const COMPATIBILITY: PlanLimits = { ...DEFAULT_LIMITS, maxComputeInvocationsPerWorkgroup: 128 };

const classes = ['hardware', 'software'] as const;
const limits = fc.constantFrom(DEFAULT_LIMITS, COMPATIBILITY, { ...DEFAULT_LIMITS, maxComputeWorkgroupsPerDimension: 200 });

function geometry(layout: Layout, batch: number, channels: number, spatial: number): Geometry {
  return { layout, batch, channels, spatial, rows: batch * spatial };
}

/** What shaders/shared/walk.wgsl does, thread by thread: how often each Value is visited. */
function visits({ params: p, tile, grid: [gx, gy] }: Dispatch, values: number): Uint8Array {
  const seen = new Uint8Array(values);
  for (let number = 0; number < gx * gy; number++) {
    const part = Math.floor(number / p.tiles);
    for (let i = 0; i < tile.groupSize; i++) {
      const place = Math.floor(i / p.channel_step) % p.tile_channels;
      const innerLane = Math.floor(i / p.inner_step) % p.inner_lanes;
      const outerLane = Math.floor(i / p.outer_step) % p.outer_lanes;
      const channel = (number % p.tiles) * p.tile_channels + place;
      if (i >= p.tile_channels * p.lanes || channel >= p.channels || part >= p.parts) continue;
      const innerFirst = (part % p.inner_parts) * p.inner_per_part;
      const outerFirst = Math.floor(part / p.inner_parts) * p.outer_per_part;
      for (let outer = outerFirst + outerLane; outer < Math.min(outerFirst + p.outer_per_part, p.outer_size); outer += p.outer_lanes) {
        for (let inner = innerFirst + innerLane; inner < Math.min(innerFirst + p.inner_per_part, p.inner_size); inner += p.inner_lanes) {
          seen[channel * p.channel_stride + outer * p.outer_stride + inner * p.inner_stride]++;
        }
      }
    }
  }
  return seen;
}

/** Lanes of each channel of a workgroup: each of 0 … lanes − 1 once, or a merge would miss or repeat one. */
function lanesAreWhole({ params: p, tile }: Dispatch): boolean {
  const found = new Map<number, number[]>();
  for (let i = 0; i < p.tile_channels * p.lanes; i++) {
    const place = Math.floor(i / p.channel_step) % p.tile_channels;
    const lane = (Math.floor(i / p.outer_step) % p.outer_lanes) * p.inner_lanes + (Math.floor(i / p.inner_step) % p.inner_lanes);
    found.set(place, [...(found.get(place) ?? []), lane]);
  }
  const whole = [...found.values()].every((lanes) => lanes.sort((a, b) => a - b).every((lane, i) => lane === i) && lanes.length === p.lanes);
  return whole && found.size === p.tile_channels && p.tile_channels * p.lanes <= tile.groupSize && p.lanes_ceil >= p.lanes && p.lanes_ceil < 2 * p.lanes;
}

describe('plan', () => {
  it('control: a batch that one workgroup a tile owns, and one that is split', () => {
    const small = plan(geometry('channelsLast', 256, 256, 1), DEFAULTS, { adapterClass: 'hardware' }, DEFAULT_LIMITS);
    expect(small.kind).toBe('single');
    expect(small.reduce.params).toMatchObject({ channels: 64, tile_channels: 4, tiles: 16, lanes: 64, parts: 1, inner_size: 256, inner_stride: 64 });
    expect(small.reduce.grid).toEqual([16, 1]);
    const tall = plan(geometry('channelsLast', 65536, 64, 1), DEFAULTS, { adapterClass: 'hardware' }, DEFAULT_LIMITS);
    expect(tall.kind).toBe('split');
    expect(tall.reduce.params.parts).toBe(tall.finish.params.inner_size);
    expect(tall.momentsBytes).toBe(tall.reduce.params.parts * 4 * 64 * 4);
  });

  it('any shape: every element is visited exactly once by each dispatch, by whole sets of lanes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Layout>('channelsLast', 'channelsFirst'), fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom(...classes), fc.constantFrom<PlanKind | undefined>(undefined, 'single', 'split'), limits,
        (layout, batch, channels, spatial, adapterClass, kind, deviceLimits) => {
          fc.pre(batch * channels * spatial <= 200_000);
          const tensor = layout === 'channelsLast' ? geometry(layout, batch * spatial, channels, 1) : geometry(layout, batch, channels, spatial);
          const made = plan(tensor, DEFAULTS, { adapterClass, kind }, deviceLimits);
          const tiles = tilesOf(tensor, adapterClass, deviceLimits);
          expect(tiles[made.kind === 'single' ? 'single' : 'reduce']).toContainEqual(made.reduce.tile);
          expect(tiles.apply).toContainEqual(made.apply.tile);
          expect(tiles.finish).toContainEqual(made.finish.tile);
          for (const dispatch of [made.reduce, made.apply]) {
            const { params, tile, grid: [x, y] } = dispatch;
            const values = (batch * channels * spatial) / tile.width;
            expect(visits(dispatch, values).every((count) => count === 1)).toBe(true);
            expect(lanesAreWhole(dispatch)).toBe(true);
            expect(tile.grouped || params.lanes === 1 || dispatch === made.apply).toBe(true);
            expect(tile.groupSize).toBeLessThanOrEqual(deviceLimits.maxComputeInvocationsPerWorkgroup);
            expect(Math.max(x, y)).toBeLessThanOrEqual(deviceLimits.maxComputeWorkgroupsPerDimension);
          }
          expect(made.finish.params.inner_size).toBe(made.reduce.params.parts);
          const columns = channels / made.finish.tile.width;
          expect(visits(made.finish, made.reduce.params.parts * columns).every((count) => count === 1)).toBe(true);
          expect(lanesAreWhole(made.finish)).toBe(true);
        },
      ),
      { numRuns: 300, seed: 20261120 },
    );
  });

  it('indices of what a loop may ask before it stops still fit u32', () => {
    for (const [layout, batch, channels, spatial] of [['channelsLast', 2 ** 25, 8, 1], ['channelsLast', 3, 2 ** 26, 1], ['channelsFirst', 2, 3, 2 ** 25]] as const) {
      for (const adapterClass of classes) {
        const { reduce, apply } = plan(geometry(layout, batch, channels, spatial), DEFAULTS, { adapterClass }, { ...DEFAULT_LIMITS, maxStorageBufferBindingSize: 2 ** 30 });
        for (const { params: p } of [reduce, apply]) {
          expect(p.channels * p.channel_stride + (p.outer_size + p.outer_lanes) * p.outer_stride + (p.inner_size + 8 * p.inner_lanes) * p.inner_stride).toBeLessThan(2 ** 32);
        }
      }
    }
  });

  it.each([
    [geometry('channelsLast', 1_000_000, 8, 1), 900],
    [geometry('channelsLast', 65536, 64, 1), 500],
    [geometry('channelsLast', 70001, 3, 1), 100],
    [geometry('channelsFirst', 32, 64, 3136), 512],
    [geometry('channelsFirst', 1, 4, 4_000_000), 900],
  ])('a large tensor %j gets groups for a large GPU, and few for a software adapter', (tensor, least) => {
    const groups = (adapterClass: (typeof classes)[number]) => {
      const { reduce } = plan(tensor, DEFAULTS, { adapterClass, kind: 'split' }, DEFAULT_LIMITS);
      return reduce.grid[0] * reduce.grid[1];
    };
    expect(groups('hardware')).toBeGreaterThanOrEqual(least);
    expect(groups('software')).toBeLessThanOrEqual(64);
  });

  it('the usual training sizes take one dispatch', () => {
    for (const batch of [32, 64, 128, 256, 1024]) {
      for (const channels of [64, 256, 1024]) {
        for (const adapterClass of classes) {
          expect(plan(geometry('channelsLast', batch, channels, 1), DEFAULTS, { adapterClass }, DEFAULT_LIMITS).kind).toBe('single');
        }
      }
    }
  });

  it('no thread loops past what llvmpipe carries out', () => {
    for (const adapterClass of classes) {
      for (const tensor of [geometry('channelsLast', 30_000_000, 1, 1), geometry('channelsFirst', 1, 1, 30_000_001), geometry('channelsLast', 4_000_000, 8, 1)]) {
        const { reduce, apply } = plan(tensor, DEFAULTS, { adapterClass }, { ...DEFAULT_LIMITS, maxStorageBufferBindingSize: 2 ** 30 });
        for (const { params: p } of [reduce, apply]) {
          expect(Math.ceil(p.inner_per_part / p.inner_lanes) * Math.ceil(p.outer_per_part / p.outer_lanes)).toBeLessThanOrEqual(65536);
        }
      }
    }
    expect(() => plan(geometry('channelsLast', 30_000_000, 1, 1), DEFAULTS, { adapterClass: 'software', kind: 'single' }, DEFAULT_LIMITS)).toThrow(
      /^plan: "plan" is 'single', which gives a thread \d+ values \(rows 30000000\), needs at most 65536\. Use 'split'\.$/,
    );
  });

  it('partials stay within what the device binds', () => {
    const channels = 7_000_001;
    const { momentsBytes } = plan(geometry('channelsLast', 4, channels, 1), DEFAULTS, { adapterClass: 'hardware', kind: 'split' }, DEFAULT_LIMITS);
    expect(momentsBytes).toBeLessThanOrEqual(2 ** 27);
  });
});

describe('grid', () => {
  it.each([[1, [1, 1]], [65535, [65535, 1]], [65536, [65535, 2]], [131071, [65535, 3]]])('%i groups', (groups, want) => {
    expect(grid(groups, DEFAULT_LIMITS)).toEqual(want);
  });
});

describe('adapter class', () => {
  it.each([
    [undefined, 'hardware'],
    [{ architecture: 'hopper', description: 'NVIDIA H200' }, 'hardware'],
    [{ architecture: 'swiftshader' }, 'software'],
    [{ architecture: '', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, 'software'],
    [{ architecture: 'gen-12lp', isFallbackAdapter: true }, 'software'],
  ] as const)('%j is %s', (info, want) => expect(classOf(info)).toBe(want));
});

describe('params', () => {
  it('the bytes are what the struct reads, field by field', () => {
    const params = Object.fromEntries(PARAMS.map(([name, type], i) => [name, type === 'u32' ? i + 1 : i + 0.5])) as Params;
    const bytes = new ArrayBuffer(PARAMS_BYTES);
    writeParams(new DataView(bytes), params);
    const fields = [...paramsWgsl().matchAll(/^ {2}(\w+): (u32|f32),$/gm)];
    expect(fields.map(([, name]) => name)).toEqual(PARAMS.map(([name]) => name));
    fields.forEach(([, , type], i) => {
      expect(type === 'u32' ? new Uint32Array(bytes)[i] : new Float32Array(bytes)[i]).toBe(type === 'u32' ? i + 1 : i + 0.5);
    });
  });
});
