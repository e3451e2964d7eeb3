// Claim: a few rows of options have every two values of two options together, and the texts that are compiled everywhere
// are those of these rows. Control: the options by name.
import { describe, expect, it } from 'vitest';
import { KERNELS, variantKey } from '../../src/shader/kernels.js';
import { allVariants, optionPairs } from '../../src/verify/variants.js';

/** What there is to choose, as `createBatchNorm` documents it. */
const OPTIONS = {
  storage: ['f32', 'f16', 'bf16'],
  activation: ['none', 'relu', 'leakyRelu', 'relu6', 'silu', 'hardSwish', 'gelu'], residual: [false, true],
  mask: ['none', 'rows', 'count'],
  inPlace: [true, false],
  gamma: [true, false],
  beta: [true, false],
  momentum: [0.1, 'cumulative'],
} as const;

const LIMITS = {
  maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27, maxStorageBuffersPerShaderStage: 8,
};

describe('pairs of options', () => {
  const rows = optionPairs();

  it('control: each row has every option, each with one of its values', () => {
    for (const row of rows) {
      expect(Object.keys(row).sort()).toEqual(Object.keys(OPTIONS).sort());
      for (const [name, values] of Object.entries(OPTIONS)) expect(values).toContain(row[name as keyof typeof row]);
    }
  });

  it('every two values of two options meet', () => {
    const names = Object.keys(OPTIONS) as (keyof typeof OPTIONS)[];
    const missing: unknown[] = [];
    for (const a of names) {
      for (const b of names) {
        if (a === b) continue;
        for (const first of OPTIONS[a]) {
          for (const second of OPTIONS[b]) if (!rows.some((row) => row[a] === first && row[b] === second)) missing.push([a, first, b, second]);
        }
      }
    }
    expect(missing).toEqual([]);
  });

  it('in far fewer rows than there are combinations, the same every time', () => {
    expect(rows.length).toBeGreaterThanOrEqual(7 * 3); // the two longest lists alone
    expect(rows.length).toBeLessThan(36); // of 2016
    expect(optionPairs()).toEqual(rows);
  });
});

describe.each(['hardware', 'software'] as const)('all variants, %s', (adapterClass) => {
  const all = allVariants(adapterClass, LIMITS);

  it('control: each once, of every kernel', () => {
    expect(new Set(all.map(variantKey)).size).toBe(all.length);
    expect(new Set(all.map(({ kernel }) => kernel))).toEqual(new Set(Object.keys(KERNELS)));
  });

  it('of every way to lay a Value, in every storage that can have it', () => {
    const ways = (of: 'apply' | 'reduce') =>
      new Set(all.filter(({ kernel }) => KERNELS[kernel].role === of).map(({ tile, storage }) => `${storage} ${tile.width} ${tile.across}`));
    const halves = (rest: string[]) => ['f16', 'bf16'].flatMap((storage) => rest.map((way) => `${storage} ${way}`));
    const f32 = ['f32 1 channels', 'f32 4 channels', 'f32 1 rows', 'f32 4 rows'];
    expect([...ways('apply')].sort()).toEqual([...f32, ...halves(['4 channels', '4 rows', '2 flat'])].sort());
    expect([...ways('reduce')].sort()).toEqual([...f32, ...halves(['1 channels', '4 channels', '1 rows', '4 rows'])].sort());
  });

  it('registers in registers on hardware only', () => {
    expect(all.some(({ tile }) => tile.registers)).toBe(adapterClass === 'hardware');
  });
});
