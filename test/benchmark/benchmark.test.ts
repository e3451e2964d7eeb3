// Claim: counts are the plans', rates follow from bytes and times, and nothing wrong is timed.
import { describe, expect, it } from 'vitest';
import { LARGE_SHAPES, SHAPES, type ShapeReport, type Timing, benchCells, benchMarkdown, benchRows, benchmark, count } from '../../src/benchmark/index.js';
import { median } from '../../src/benchmark/measure.js';
import { openBackend } from '../../src/index.js';

const LIMITS = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65535, maxStorageBufferBindingSize: 2 ** 27 };

describe('count', () => {
  it('control: the usual batch is one dispatch, a tall one three', () => {
    const of = (name: string) => count(SHAPES.find((shape) => shape.name === name)!, 'hardware', LIMITS);
    expect(of('[256, 1024]')).toMatchObject({ plan: 'single', dispatches: '1 / 1 / 1', workgroups: '64', threads: 16384, visits: 4, forwardMiB: 3, scratchMiB: 0 });
    expect(of('[1000000, 8]')).toMatchObject({ plan: 'split', dispatches: '3 / 3 / 1' });
  });

  it('every shape of the design is there, and the large ones are large', () => {
    expect(SHAPES.map(({ name }) => name)).toEqual([
      '[256, 64]', '[256, 1024]', '[4096, 256]', '[65536, 64]', '[1024, 4096]', '[1000000, 8]', '[100, 3]', 'NHWC 32×56×56×64', 'NCHW 32×64×56×56',
    ]);
    for (const { elements } of LARGE_SHAPES) expect(elements * 4).toBeGreaterThanOrEqual(2 ** 28);
  });

  it('a large GPU is filled where the tensor is large', () => {
    for (const shape of [...SHAPES.filter(({ elements }) => elements >= 4e6), ...LARGE_SHAPES]) {
      expect(count(shape, 'hardware', LIMITS).threads, shape.name).toBeGreaterThanOrEqual(60_000);
    }
  });
});

describe('report', () => {
  const timing = (name: string, wall: number, bytes: number | null): Timing => ({ name, bytes, dispatches: 1, wall, wallRange: [wall, 2 * wall], gpu: null, samples: 3, repeats: 1 });
  const shape: ShapeReport = {
    shape: '[8, 8]', elements: 64, recordMicroseconds: 2.25,
    timings: [timing('copy (vec4 kernel)', 2, 8e6), timing('pass: y = a·x + b', 4, 8e6), timing('forward', 6, 12e6), timing('forward, CPU', 8, null)],
  };

  it('control: rates, shares and ratios', () => {
    expect(benchRows(shape).map(({ name, rate, ofCopy, ofPass }) => [name, rate, ofCopy, ofPass])).toEqual([
      ['copy (vec4 kernel)', 4, 1, 0.5], ['pass: y = a·x + b', 2, 0.5, 1], ['forward', 2, 0.5, 1.5], ['forward, CPU', null, null, 2],
    ]);
  });

  it('Markdown has every row, and how it was measured', () => {
    const text = benchMarkdown({ adapter: null, adapterClass: 'software', samples: 3, shapes: [shape] }, { machine: 'of the test' });
    expect(text).toContain('- machine: of the test');
    expect(text).toContain('medians of 3 samples');
    expect(text).toContain('| forward | 6.00 | 6.00–12.0 |  | 2.00 | 50 % | 1.50 | 1 |');
    expect(benchCells(benchRows(shape)[3])).toEqual(['forward, CPU', '8.00', '8.00–16.0', '', '', '', '2.00', '1']);
  });
});

it.each([[[3], 3], [[3, 1], 2], [[5, 1, 3], 3]])('the median of %j', (values, want) => expect(median(values)).toBe(want));

it('a CPU backend is refused', async () => {
  await expect(benchmark(await openBackend({ prefer: 'cpu' }), { shapes: SHAPES })).rejects.toThrow('benchmark: "backend" is the CPU, needs a GPU.');
});
