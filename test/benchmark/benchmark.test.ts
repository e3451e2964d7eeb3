// Claim: counts are the plans' and the calls', rates follow from bytes and times, and nothing wrong is timed.
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_LIMITS, LARGE_SHAPES, OPERATIONS, SHAPES, type ShapeReport, type Timing, benchCells, benchMarkdown, benchRows, benchmark, count, countCalls,
  threeDigits,
} from '../../src/benchmark/index.js';
import { median } from '../../src/benchmark/measure.js';
import { openBackend } from '../../src/index.js';
import { standInDevice } from '../standIn.js';

const shapeOf = (name: string) => SHAPES.find((shape) => shape.name === name)!;

describe('count', () => {
  it('control: the usual batch is one dispatch, a tall one three', () => {
    const of = (name: string) => count(shapeOf(name), { adapterClass: 'hardware' }, DEFAULT_LIMITS);
    expect(of('[256, 1024]')).toMatchObject({ plan: 'single', workgroups: '64', threads: 16384, iterations: 4, scratchMiB: 0 });
    expect(of('[1000000, 8]')).toMatchObject({ plan: 'split' });
    expect(count(shapeOf('[256, 1024]'), { adapterClass: 'hardware', kind: 'split' }, DEFAULT_LIMITS)).toMatchObject({ plan: 'split' });
  });

  it('a tensor is read twice, or once where threads keep what they read', () => {
    const of = (name: string, kind?: 'split') => count(shapeOf(name), { adapterClass: 'hardware', kind }, DEFAULT_LIMITS);
    expect(of('[256, 1024]')).toMatchObject({ forwardMiB: 2, backwardMiB: 3 });
    expect(of('[256, 1024]', 'split')).toMatchObject({ forwardMiB: 3, backwardMiB: 5 });
    expect(of('[1024, 4096]')).toMatchObject({ plan: 'single', forwardMiB: 48, backwardMiB: 80 }); // too much to keep
  });

  it('every shape of the design is there, and the large ones are large', () => {
    expect(SHAPES.map(({ name }) => name)).toEqual([
      '[256, 64]', '[256, 1024]', '[4096, 256]', '[65536, 64]', '[1024, 4096]', '[1000000, 8]', '[100, 3]', 'NHWC 32×56×56×64', 'NCHW 32×64×56×56',
    ]);
    for (const { elements } of LARGE_SHAPES) expect(elements * 4).toBeGreaterThanOrEqual(2 ** 28);
  });

  it('a large GPU is filled where the tensor is large', () => {
    for (const shape of [...SHAPES.filter(({ elements }) => elements >= 4e6), ...LARGE_SHAPES]) {
      expect(count(shape, { adapterClass: 'hardware' }, DEFAULT_LIMITS).threads, shape.name).toBeGreaterThanOrEqual(60_000);
    }
  });
});

// That the stand-in counts as a device does is held in test/gpu/count.test.ts.
describe('calls', () => {
  const none = { objects: 0, writes: 0, submits: 0 };

  it('control: a single plan is one dispatch, a split one three and more objects', async () => {
    const of = (name: string) => countCalls(standInDevice(shapeOf(name)), shapeOf(name), { adapterClass: 'hardware' });
    expect((await of('[256, 64]')).forward.first).toEqual({ dispatches: 1, objects: 2, writes: 1, submits: 0 }); // params, a bind group
    const { forward, infer } = await of('[1000000, 8]');
    expect(forward.first).toMatchObject({ dispatches: 3, writes: 1, submits: 0 });
    expect(forward.first.objects).toBeGreaterThanOrEqual(5); // params, partials, a bind group each
    expect(infer.first).toMatchObject({ dispatches: 1 });
  });

  it.each([...SHAPES, ...LARGE_SHAPES])('$name: a steady call creates, writes and submits nothing, as either class', async (shape) => {
    for (const adapterClass of ['hardware', 'software'] as const) {
      const counted = await countCalls(standInDevice(shape), shape, { adapterClass });
      for (const name of OPERATIONS) {
        expect(counted[name].first.submits, name).toBe(0);
        expect(counted[name].steady, name).toEqual({ ...none, dispatches: counted[name].first.dispatches });
      }
    }
  });

  it('what a call creates, writes and submits is seen, whichever call it is', async () => {
    const shape = shapeOf('[256, 64]');
    const device = standInDevice(shape);
    const create = device.createCommandEncoder.bind(device);
    let dispatches = 0;
    device.createCommandEncoder = () => {
      const encoder = create();
      const begin = encoder.beginComputePass.bind(encoder);
      encoder.beginComputePass = () => {
        const pass = begin();
        pass.setBindGroup = () => {
          if (++dispatches !== 150) return; // in the steady calls of the second operation
          device.createBuffer({ size: 4, usage: 0 });
          device.queue.writeBuffer({} as GPUBuffer, 0, new Float32Array(1));
          device.queue.submit([]);
        };
        return pass;
      };
      return encoder;
    };
    const { forward, backward } = await countCalls(device, shape, { adapterClass: 'hardware' });
    expect(forward.steady).toEqual({ ...none, dispatches: 1 });
    expect(backward.steady).toEqual({ dispatches: 1, objects: 1, writes: 1, submits: 1 });
  });
});

describe('report', () => {
  const timing = (name: string, wall: number, bytes: number | null): Timing =>
    ({ name, bytes, dispatches: 1, wall, wallRange: [wall, 2 * wall], gpu: null, samples: 3, repeats: 1 });
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

it.each([[0.0123456, '0.0123'], [5, '5.00'], [123.456, '123'], [999.5, '1000'], [12345.6, '12346']])('%j in three digits', (value, want) => {
  expect(threeDigits(value)).toBe(want);
});

it.each([[[3], 3], [[3, 1], 2], [[5, 1, 3], 3]])('the median of %j', (values, want) => expect(median(values)).toBe(want));

it('a CPU backend is refused', async () => {
  await expect(benchmark(await openBackend({ prefer: 'cpu' }), { shapes: SHAPES })).rejects.toThrow('benchmark: "backend" is the CPU, needs a GPU.');
});
