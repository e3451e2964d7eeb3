// Claim: for any shape a plan's groups cover every element once, stay within the device's limits, and its
// indices fit u32.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/plan/options.js';
import { PARAMS, PARAMS_BYTES, paramsWgsl, writeParams } from '../../src/plan/params.js';
import { type PlanLimits, classOf, grid, plan, planTile } from '../../src/plan/plan.js';

const DEFAULT_LIMITS: PlanLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
  minStorageBufferOffsetAlignment: 256,
};
/** WebGPU's compatibility mode. */
const COMPATIBILITY: PlanLimits = { ...DEFAULT_LIMITS, maxComputeInvocationsPerWorkgroup: 128 };

const classes = ['hardware', 'software'] as const;
const limits = fc.constantFrom(DEFAULT_LIMITS, COMPATIBILITY, { ...DEFAULT_LIMITS, maxComputeWorkgroupsPerDimension: 7 });

describe('plan', () => {
  it('control: a batch that fills workgroups', () => {
    const tile = planTile(256, 'hardware', DEFAULT_LIMITS);
    expect(tile).toEqual({ width: 4, columns: 64, lanes: 4 });
    const { params, reduce, finish, apply } = plan({ rows: 1024, channels: 256 }, tile, DEFAULTS, 'hardware', DEFAULT_LIMITS);
    expect(params).toMatchObject({ rows: 1024, channels: 64, tiles: 1, splits: 32, rows_per_split: 32, row_groups: 64, inv_rows: 1 / 1024 });
    expect([reduce, finish, apply]).toEqual([[32, 1], [1, 1], [64, 1]]);
  });

  it('any shape: tiles cover the channels, splits cover the rows and none is empty, grids hold them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 25 }), fc.integer({ min: 1, max: 2 ** 20 }), fc.constantFrom(...classes), limits,
        (rows, channels, adapterClass, deviceLimits) => {
          fc.pre(rows * channels <= 2 ** 25);
          const tile = planTile(channels, adapterClass, deviceLimits);
          expect(channels % tile.width).toBe(0);
          expect(tile.columns * tile.lanes).toBeLessThanOrEqual(deviceLimits.maxComputeInvocationsPerWorkgroup);
          expect(tile.lanes).toBeGreaterThanOrEqual(1);
          const { params, reduce, finish, apply, momentsBytes } = plan({ rows, channels }, tile, DEFAULTS, adapterClass, deviceLimits);
          expect((params.tiles - 1) * tile.columns).toBeLessThan(params.channels);
          expect(params.tiles * tile.columns).toBeGreaterThanOrEqual(params.channels);
          expect((params.splits - 1) * params.rows_per_split).toBeLessThan(rows);
          expect(params.splits * params.rows_per_split).toBeGreaterThanOrEqual(rows);
          for (const [[x, y], groups] of [[reduce, params.tiles * params.splits], [finish, params.tiles], [apply, params.tiles * params.row_groups]] as const) {
            expect(x * y).toBeGreaterThanOrEqual(groups);
            expect((y - 1) * x).toBeLessThan(groups);
            expect(x).toBeLessThanOrEqual(deviceLimits.maxComputeWorkgroupsPerDimension);
          }
          expect(momentsBytes).toBe(params.splits * 4 * channels * 4);
          // rows walked past the end, before the loop's condition stops them, still fit u32
          expect((rows + 4 * tile.lanes) * params.channels).toBeLessThan(2 ** 32);
          expect(rows + params.row_groups * tile.lanes).toBeLessThan(2 ** 32);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('narrow matrices leave no thread idle for want of columns', () => {
    for (const channels of [1, 2, 3, 5, 7, 8, 12, 31]) {
      const { columns, lanes } = planTile(channels, 'hardware', DEFAULT_LIMITS);
      expect(columns * lanes).toBeGreaterThan(256 - columns);
    }
  });

  it.each([
    [{ rows: 1_000_000, channels: 8 }, 900],
    [{ rows: 65536, channels: 64 }, 500],
    [{ rows: 70001, channels: 3 }, 100],
  ])('a tall matrix %j gets groups for a large GPU, and few for a software adapter', (shape, least) => {
    const groups = (adapterClass: (typeof classes)[number]) => {
      const tile = planTile(shape.channels, adapterClass, DEFAULT_LIMITS);
      const { reduce } = plan(shape, tile, DEFAULTS, adapterClass, DEFAULT_LIMITS);
      return reduce[0] * reduce[1];
    };
    expect(groups('hardware')).toBeGreaterThanOrEqual(least);
    expect(groups('software')).toBeLessThanOrEqual(16);
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
    const params = Object.fromEntries(PARAMS.map(([name, type], i) => [name, type === 'u32' ? i + 1 : i + 0.5])) as Parameters<typeof writeParams>[1];
    const bytes = new ArrayBuffer(PARAMS_BYTES);
    writeParams(bytes, params);
    const fields = [...paramsWgsl().matchAll(/^ {2}(\w+): (u32|f32),$/gm)];
    expect(fields.map(([, name]) => name)).toEqual(PARAMS.map(([name]) => name));
    fields.forEach(([, , type], i) => {
      expect(type === 'u32' ? new Uint32Array(bytes)[i] : new Float32Array(bytes)[i]).toBe(type === 'u32' ? i + 1 : i + 0.5);
    });
  });
});
