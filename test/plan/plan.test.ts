// Claim: a plan is of the right kind, has groups enough for its class of adapter, stays within the device's limits, and
// says in its uniforms what was chosen. Which elements its threads take: planIterations.test.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/core/options.js';
import { type Dispatch, classOf, grid, plan, planMerge } from '../../src/plan/plan.js';
import type { PlanLimits } from '../../src/plan/tiles.js';
import type { Geometry, Layout } from '../../src/core/shape.js';

const DEFAULT_LIMITS: PlanLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
};
const GIGABYTE: PlanLimits = { ...DEFAULT_LIMITS, maxStorageBufferBindingSize: 2 ** 30 };

const classes = ['hardware', 'software'] as const;

function geometry(layout: Layout, batch: number, channels: number, spatial: number): Geometry {
  return { layout, batch, channels, spatial, rows: batch * spatial };
}

/** Turns of a thread's loops after which llvmpipe leaves them. */
const MOST_TURNS = 65535;

/** Of one walk in blocks of 16 iterations, one at a time; planIterations counts those of single plans and masks by running them. */
function turnsOf({ params: p, tile }: Dispatch): number {
  if (tile.across === 'flat') return p.flat_words / (p.flat_groups * tile.groupSize);
  const inner = Math.ceil(p.inner_per_part / p.inner_members);
  return Math.ceil(p.outer_per_part / p.outer_members) * (inner + Math.ceil(inner / 16) + 1) + 10; // the first blocks are shorter
}

describe('plan', () => {
  it('control: a batch that one workgroup a tile owns, and one that is split', () => {
    const small = plan(geometry('channelsLast', 256, 256, 1), DEFAULTS, { adapterClass: 'hardware' }, DEFAULT_LIMITS);
    expect(small.kind).toBe('single');
    expect(small.reduce.length).toBe(1);
    expect(small.reduce[0].params).toMatchObject({
      channels: 64, tile_channels: 4, tiles: 16, members: 64, parts: 1, inner_size: 256, inner_stride: 64, base: 0, channel_first: 0, channel_end: 64,
    });
    expect(small.reduce[0].grid).toEqual([16, 1]);
    const tall = plan(geometry('channelsLast', 65536, 64, 1), DEFAULTS, { adapterClass: 'hardware' }, DEFAULT_LIMITS);
    expect(tall.kind).toBe('split');
    expect(tall.reduce.length).toBe(1);
    expect(tall.parts).toBe(tall.reduce[0].params.parts);
    expect(tall.parts).toBe(tall.finalize.params.inner_size);
    expect(tall.momentsBytes).toBe(tall.parts * 4 * 64 * 4);
    expect(tall.gradientBytes).toBe(tall.parts * 2 * 64 * 4);
    expect(tall.apply.map(({ window }) => window)).toEqual([{ start: 0, end: 65536 * 64 }]);
  });

  it('indices of what a loop may ask before it stops still fit u32', () => {
    for (const [layout, batch, channels, spatial] of [['channelsLast', 2 ** 25, 8, 1], ['channelsLast', 3, 2 ** 26, 1],
      ['channelsFirst', 2, 3, 2 ** 25]] as const) {
      for (const adapterClass of classes) {
        const { reduce, apply } = plan(geometry(layout, batch, channels, spatial), DEFAULTS, { adapterClass }, GIGABYTE);
        for (const { params: p } of [...reduce, ...apply]) {
          expect(p.channels * p.channel_stride + (p.outer_size + p.outer_members) * p.outer_stride + (p.inner_size + 8 * p.inner_members) * p.inner_stride)
            .toBeLessThan(2 ** 32);
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
      return reduce.reduce((sum, { grid: [x, y] }) => sum + x * y, 0);
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
      for (const tensor of [geometry('channelsLast', 30_000_000, 1, 1), geometry('channelsFirst', 1, 1, 30_000_001),
        geometry('channelsLast', 4_000_000, 8, 1)]) {
        const { reduce, apply } = plan(tensor, DEFAULTS, { adapterClass }, GIGABYTE);
        for (const dispatch of [...reduce, ...apply]) expect(turnsOf(dispatch)).toBeLessThan(MOST_TURNS);
      }
    }
    expect(() => plan(geometry('channelsLast', 30_000_000, 1, 1), DEFAULTS, { adapterClass: 'software', kind: 'single' }, DEFAULT_LIMITS)).toThrow(
      /^plan: "plan" is 'single', which has a thread read \d+ times \(rows 30000000\), needs at most 16384\. Use 'split'\.$/,
    );
  });

  it('nor where the tensor is seen through windows, or its parts are merged', () => {
    for (const adapterClass of classes) {
      for (const storage of ['f32', 'f16'] as const) {
        for (const tensor of [
          geometry('channelsLast', 2 ** 31, 1, 1), geometry('channelsFirst', 1, 1, 2 ** 31), geometry('channelsFirst', 2 ** 26, 3, 7),
            geometry('channelsLast', 2 ** 29, 4, 1),
        ]) {
          for (const limits of [DEFAULT_LIMITS, GIGABYTE]) {
            const { reduce, finalize, apply } = plan(tensor, DEFAULTS, { adapterClass, storage, kind: 'split' }, limits);
            for (const dispatch of [...reduce, finalize, ...apply]) expect(turnsOf(dispatch)).toBeLessThan(MOST_TURNS);
          }
        }
      }
    }
  });

  it('partials stay within what the device binds', () => {
    const channels = 7_000_001;
    const { momentsBytes } = plan(geometry('channelsLast', 4, channels, 1), DEFAULTS, { adapterClass: 'hardware', kind: 'split' }, DEFAULT_LIMITS);
    expect(momentsBytes).toBeLessThanOrEqual(2 ** 27);
    const upTo = (max: number) => fc.integer({ min: 1, max });
    const [layout, adapterClass] = [fc.constantFrom<Layout>('channelsLast', 'channelsFirst'), fc.constantFrom(...classes)] as const;
    fc.assert(
      fc.property(layout, adapterClass, upTo(200), upTo(2000), upTo(16), fc.integer({ min: 65536, max: 2 ** 20 }),
        (of, forClass, batch, width, spatial, limit) => {
        const tensor = of === 'channelsLast' ? geometry(of, batch * spatial, width, 1) : geometry(of, batch, width, spatial);
        const made = plan(tensor, DEFAULTS, { adapterClass: forClass, kind: 'split' }, { ...DEFAULT_LIMITS, maxStorageBufferBindingSize: limit });
        expect(made.momentsBytes <= limit || made.parts === made.reduce.length).toBe(true); // a box has one part at least
      }),
      { numRuns: 300, seed: 20261122 },
    );
  });
});

describe('what was chosen', () => {
  const tensor = geometry('channelsLast', 64, 8, 1);
  const make = (choice: Partial<Parameters<typeof plan>[2]>, numbers = DEFAULTS, of = tensor) =>
    plan(of, numbers, { adapterClass: 'hardware', ...choice }, DEFAULT_LIMITS);

  it('control: one dispatch, which a choice can forbid', () => {
    expect(make({}).kind).toBe('single');
    expect(make({ kind: 'split' }).kind).toBe('split');
    expect(make({ single: false }).kind).toBe('split');
    expect(make({ single: false, kind: 'single' }).kind).toBe('split');
    expect(make({ cuts: [64] }).kind).toBe('split');
    expect(make({ storage: 'f16' }).kind).toBe('single');
    expect(make({ storage: 'f16' }, DEFAULTS, geometry('channelsLast', 64, 7, 1)).kind).toBe('split');
    expect(make({ storage: 'f32' }, DEFAULTS, geometry('channelsLast', 64, 7, 1)).kind).toBe('single');
  });

  it('one dispatch cannot be forced on a tensor of two windows', () => {
    expect(() => make({ kind: 'single', cuts: [64] })).toThrow(
      `plan: "plan" is 'single', needs each tensor in one buffer, at most 134217728 bytes of it (maxStorageBufferBindingSize). Use 'split'.`,
    );
    const small = { ...DEFAULT_LIMITS, maxStorageBufferBindingSize: 1024 };
    expect(() => plan(tensor, DEFAULTS, { adapterClass: 'hardware', kind: 'single' }, small, 'call')).toThrow(/^call: "plan" is 'single'/);
    expect(make({ kind: 'single', single: false, cuts: [64] }).kind).toBe('split');
  });

  it('values stay in registers where hardware has few', () => {
    const inRegisters = (rows: number, adapterClass: (typeof classes)[number]) =>
      plan(geometry('channelsLast', rows, 8, 1), DEFAULTS, { adapterClass, kind: 'single' }, DEFAULT_LIMITS).reduce[0].tile.registers;
    expect([inRegisters(8 * 128, 'hardware'), inRegisters(8 * 128 + 1, 'hardware'), inRegisters(4, 'software')]).toEqual([true, false, false]);
  });

  it('half storage whose rows or planes fill no Values is reduced one by one, and written by words', () => {
    for (const odd of [geometry('channelsLast', 64, 6, 1), geometry('channelsFirst', 4, 8, 9)]) {
      const { reduce, apply } = make({ storage: 'bf16' }, DEFAULTS, odd);
      expect([reduce[0].tile.width, apply[0].tile.width, apply[0].tile.across]).toEqual([1, 2, 'flat']);
      expect(make({ storage: 'f32', kind: 'split' }, DEFAULTS, odd).apply[0].tile.across).not.toBe('flat');
    }
  });

  it('numbers are those of every dispatch', () => {
    const numbers = { eps: 0.5, momentum: 0.25, runningVariance: 'biased' } as const;
    const of = ({ reduce, finalize, apply }: ReturnType<typeof plan>) => [...reduce, finalize, ...apply].map(({ params }) => params);
    for (const choice of [{}, { kind: 'split' }, { storage: 'f16' }, { cuts: [64] }] as const) {
      for (const params of of(make(choice, numbers))) {
        expect(params).toMatchObject({ zero: 0, eps: 0.5, momentum: 0.25, keep: 0.75, unbiased: 0, cumulative: 0, accumulate: 0 });
      }
      for (const params of of(make({ ...choice, accumulate: true }, { ...DEFAULTS, momentum: 'cumulative' }))) {
        expect(params).toMatchObject({ unbiased: 1, cumulative: 1, accumulate: 1, momentum: 0, keep: 1 });
      }
    }
    expect(make({ accumulate: true, part: 3 }).reduce[0].params).toMatchObject({ accumulate: 1, part_base: 3 });
    expect(planMerge({ layout: 'channelsLast', channels: 8 }, 5, numbers, { adapterClass: 'software', accumulate: true, part: 3 }, DEFAULT_LIMITS).params)
      .toMatchObject({
      inner_size: 5, channels: 2, parts: 1, part_base: 3, accumulate: 1, eps: 0.5, momentum: 0.25, keep: 0.75, unbiased: 0,
    });
  });
});

describe('few workgroups in a dimension', () => {
  const few = (most: number): PlanLimits => ({ ...DEFAULT_LIMITS, maxComputeWorkgroupsPerDimension: most });
  const shapes: [Layout, number, number, number][] = [['channelsLast', 20_000, 64, 1], ['channelsFirst', 50, 24, 900], ['channelsLast', 4999, 7, 1]];

  it.each(classes)('grids fold and fewer parts are made, %s', (adapterClass) => {
    for (const [layout, batch, channels, spatial] of shapes) {
      for (const storage of ['f32', 'f16'] as const) {
        const given = geometry(layout, batch, channels, spatial);
        const { reduce, finalize, apply } = plan(given, DEFAULTS, { adapterClass, kind: 'split', storage }, few(6));
        for (const { grid: [x, y], params, tile } of [...reduce, finalize, ...apply]) {
          expect(Math.max(x, y)).toBeLessThanOrEqual(6);
          expect(x * y).toBeGreaterThanOrEqual(tile.across === 'flat' ? params.flat_groups : params.tiles * params.parts);
        }
      }
    }
  });

  it('what does not fit all the same is refused, in the name of the call', () => {
    expect(() => plan(geometry('channelsLast', 64, 4096, 1), DEFAULTS, { adapterClass: 'software' }, few(15), 'call')).toThrow(
      'call: "shape" takes 256 workgroups, the device runs at most 15 × 15 (maxComputeWorkgroupsPerDimension). Request the device with a higher limit, or ' +
        'split the channels.',
    );
    expect(plan(geometry('channelsLast', 64, 4096, 1), DEFAULTS, { adapterClass: 'software' }, few(16)).reduce[0].grid).toEqual([16, 16]);
  });

  it('a loop that would be too long is refused, not cut short', () => {
    expect(() => plan(geometry('channelsLast', 4_000_000, 8, 1), DEFAULTS, { adapterClass: 'software', kind: 'split' }, few(2), 'call')).toThrow(
      /^call: "shape" takes \d+ workgroups/,
    );
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
