// Claim: every peer takes every shape of the benchmark, in both layouts, and what it computes is batch normalization.
// The peers on the CPU run here at small shapes; those on WebGPU share their formulas and run on the benchmark page.
import { describe, expect, it } from 'vitest';
import type { BenchShape, Timing } from '../../src/benchmark/index.js';
import { PEERS, type ShapeWithPeers, peerJson, peerMarkdown, peerTable } from '../../src/benchmark/peers/index.js';
import { inputsOf } from '../../src/verify/cases.js';
import { expected } from '../../src/verify/expected.js';

const shapes: BenchShape[] = [
  { name: 'control: [6, 4]', layout: 'channelsLast', channels: 4, rows: 6, shape: { rows: 6 }, elements: 24 },
  { name: 'NCHW 2×3×2×5', layout: 'channelsFirst', channels: 3, rows: 20, shape: { shape: [2, 3, 2, 5] }, elements: 60 },
];

describe.each(PEERS.filter(({ name }) => !name.endsWith('webgpu')))('$name', { tags: ['long'] }, ({ open }) => {
  it.each(shapes)('$name', async (shape) => {
    const { layout, rows, channels } = shape;
    const inputs = inputsOf({ name: '', rows, channels, spatial: layout === 'channelsFirst' ? 10 : undefined, column: (c) => ({ offset: c }) }, 1);
    const want = expected(inputs);
    const peer = await open(shape, inputs, want);
    expect(peer.contenders.length).toBeGreaterThan(1);
    for (const contender of peer.contenders) {
      await contender.check();
      await contender.batch(2);
    }
    peer.dispose();
    want.y[0] += 1; // control: an answer that is not this one is refused
    want.dx[0] += 1;
    const other = await open(shape, inputs, want);
    for (const contender of other.contenders) await expect(contender.check(), contender.name).rejects.toThrow(/is wrong: element 0/);
    other.dispose();
  });
});

describe('report', () => {
  const timing =
    (name: string, wall: number): Timing => ({ name, bytes: null, dispatches: null, wall, wallRange: [wall, wall], gpu: null, samples: 3, repeats: 1 });
  const shape: ShapeWithPeers = {
    shape: '[8, 8]', elements: 64, recordMicroseconds: 2.25, refused: [{ name: 'tfjs cpu', reason: 'of the test' }],
    timings: [timing('forward', 2), timing('forward, CPU', 3), timing('jax-js webgpu: forward, two passes', 8), timing('tfjs webgpu: forward', 2400)],
  };
  const report = { adapter: null, adapterClass: 'software' as const, samples: 3, shapes: [shape] };

  it('control: times beside the fastest peer in the same place, and who has none', () => {
    const { head, rows, notes } = peerTable(shape);
    expect(head.at(-1)).toBe('× fastest peer');
    expect(rows.map((cells) => [cells[1], cells.at(-1)])).toEqual([['2.00', '0.250'], ['3.00', ''], ['8.00', '1.00'], ['2400', '300']]);
    expect(notes).toEqual(['tfjs cpu: not timed: of the test']);
  });

  it('without peers it is the table of the benchmark', () => {
    expect(peerTable({ ...shape, refused: [], timings: shape.timings.slice(0, 2) }).head).not.toContain('× fastest peer');
  });

  it('Markdown and JSON have the same', () => {
    const markdown = peerMarkdown(report, { machine: 'of the test' });
    expect(markdown).toContain('- machine: of the test');
    expect(markdown).toContain('| forward | 2.00 | 2.00–2.00 |  |  |  |  |  | 0.250 |');
    expect(markdown).toContain('- tfjs cpu: not timed: of the test');
    expect(JSON.parse(peerJson(report, { machine: 'of the test' }))).toMatchObject({
      facts: { machine: 'of the test' }, samples: 3,
        shapes: [{ shape: '[8, 8]', refused: [{ name: 'tfjs cpu' }], timings: [{ ofFastestPeer: 0.25 }, {}, {}, {}] }],
    });
  });
});
