// Claim: on the CPU the self-test passes, and goes red when an answer is wrong, an input changes or a call throws.
import { describe, expect, it } from 'vitest';
import type { Backend, Engine } from '../../src/backend/backend.js';
import { CpuBackend, type CpuTensor } from '../../src/backend/cpu.js';
import { openBackend } from '../../src/index.js';
import type { Geometry } from '../../src/core/shape.js';
import { CASES, inputsOf } from '../../src/verify/cases.js';
import { OUTPUTS, boundsOf, expected } from '../../src/verify/expected.js';
import { independent } from '../../src/verify/independent.js';
import { compareAll, runCase } from '../../src/verify/run.js';
import { reportJson, reportMarkdown, verify, verifyNames, verifyOwn } from '../../src/verify/index.js';

const cpu = await openBackend({ prefer: 'cpu' });
const only = (...names: string[]) => ({ filter: (name: string) => names.includes(name) });

/** A CPU backend whose engine does something wrong after each operation. */
function spoiled(spoil: Partial<{ [K in keyof Engine]: (tensors: Record<string, CpuTensor | null>) => void }>): Backend {
  const backend = new CpuBackend('for a test');
  const original = backend.engine.bind(backend);
  backend.engine = async (options) => {
    const engine = await original(options);
    for (const name of ['forward', 'backward', 'backwardFrozen', 'infer'] as const) {
      const run = engine[name].bind(engine) as (tensors: never, geometry: Geometry) => void;
      engine[name] = (tensors: never, geometry: Geometry) => {
        run(tensors, geometry);
        spoil[name]?.(tensors);
      };
    }
    return engine;
  };
  return backend;
}

describe('self-test on the CPU', () => {
  /** These are nine tenths of the table's elements. */
  const large = CASES.filter(({ rows, channels }) => rows * channels > 30_000).map(({ name }) => name);
  const everyRow = async (filter: (name: string) => boolean) => {
    const seen: number[] = [];
    const report = await verify(cpu, { filter, onProgress: ({ done }) => seen.push(done) });
    expect(report.results.filter(({ passed }) => !passed)).toEqual([]);
    expect(report.results.map(({ name }) => name)).toEqual(verifyNames('cpu').filter(filter));
    expect(seen).toEqual([...Array(report.passed + 1).keys()]);
    expect(report).toMatchObject({ backend: 'cpu', failed: 0, aborted: false, order: 'kept' });
  };
  it('control: every row passes, but the large ones', () => everyRow((name) => !large.includes(name)));
  it('every row passes', { tags: ['long'] }, () => everyRow(() => true));

  const small = 'small and odd';
  const broken = 'a batch that f32 cannot square, or with an infinity, is never answered wrongly, and evaluation after it is NaN';
  const cure = (tensor: CpuTensor | null, bad: number, good: number) => {
    tensor!.values.forEach((value, i, all) => { if (Object.is(value, bad)) all[i] = good; });
  };
  let runs = 0;
  it.each<[string, string, Parameters<typeof spoiled>[0]]>([
    ['y is off by 1e-4 in one element', small, { forward: ({ y }) => void (y!.values[7] += 1e-4) }],
    ['y has a NaN', small, { forward: ({ y }) => void (y!.values[0] = NaN) }],
    ['y is left at 0', small, { forward: ({ y }) => void y!.values.fill(0) }],
    ['saved has a biased mean', small, { forward: ({ saved }) => void (saved!.values[0] += 1e-4) }],
    ['the running variance is biased', small, { forward: ({ runningVar }) => void (runningVar!.values[1] *= 0.999) }],
    ['dx is off', small, { backward: ({ dx }) => void (dx!.values[3] *= 1.001) }],
    ['dgamma is off', small, { backward: ({ dgamma }) => void (dgamma!.values[0] += 0.01) }],
    ['frozen dx is off', small, { backwardFrozen: ({ dx }) => void (dx!.values[3] *= 1.001) }],
    ['inference is off', small, { infer: ({ y }) => void (y!.values[3] *= 1.001) }],
    ['PyTorch says otherwise', 'PyTorch’s figures: ragged 33x5', { forward: ({ y }) => void (y!.values[7] += 1e-4) }],
    ['an input changes', 'inputs are left as they were', { forward: ({ x }) => void (x!.values[0] = 5) }],
    ['bits change between runs', 'the same input gives the same bits', { forward: ({ y }) => void (y!.values[0] += 1e-3 * runs++) }],
    ['a NaN leaks into the next column', 'NaN or infinity in one column changes no bit of the others',
      { forward: ({ x, y }) => { if (!Number.isFinite(x!.values[17 * 5 + 2])) y!.values[1] += 1e-6; } }],
    ['a row depends on its batch', 'one row alone is inferred to the same bits as in its batch',
      { infer: ({ y }) => void (y!.values[y!.values.length - 1] += 1e-3) }],
    ['gradients are not the loss’s', 'gradients are those of central differences', { backward: ({ dx }) => void (dx!.values[4] += 1e-3) }],
    ['a NaN becomes 0 behind a ReLU', 'NaN before an activation stays NaN, forward and backward, in every storage', { forward: ({ y }) => cure(y, NaN, 0) }],
    ['a gradient by a NaN becomes 0', 'NaN before an activation stays NaN, forward and backward, in every storage', { backward: ({ dx }) => cure(dx, NaN, 0) }],
    ['a variance of NaN gives beta', 'a running variance that is NaN or below −eps gives NaN, one of +∞ gives beta',
      { infer: ({ y, beta }) => cure(y, NaN, beta!.values[0]) }],
    ['a variance of NaN gives a frozen dx of 0', 'a running variance that is NaN or below −eps gives NaN, one of +∞ gives beta',
      { backwardFrozen: ({ dx }) => cure(dx, NaN, 0) }],
    ['an infinite running variance is stored', broken, { forward: ({ runningVar }) => cure(runningVar, NaN, Infinity) }],
    ['an infinite running mean is stored', broken, { forward: ({ runningMean }) => cure(runningMean, NaN, Infinity) }],
    ['a batch that is too wide is answered by 0', broken, { forward: ({ y }) => y!.values.forEach((_, i, all) => { if (i % 5 === 1) all[i] = 0; }) }],
    ['a tiny variance gives another dx', 'what f32 may flush counts as 0: a tiny variance with eps 0 or below f32 gives beta and a dx of 0',
      { backward: ({ dx }) => cure(dx, 0, 1e-30) }],
    ['dy of a masked row leaks', 'behind a plain add, dy of a masked row does not reach the residual’s gradient',
      { backward: ({ dy, dresidual }) => dresidual!.values.set(dy!.values) }],
    ['a 2 in a mask does not count', 'any number but 0 in a mask counts its row, and more valid rows than there are count all',
      { forward: ({ mask, y }) => { if (mask?.values.some((entry) => entry > 1)) y!.values[5] = 0; } }],
    ['a call throws', small, { backward: () => { throw new Error('out of order'); } }],
  ])('goes red where %s', async (_, name, spoil) => {
    expect((await verify(cpu, only(name))).failed).toBe(0);
    const { failed, results } = await verify(spoiled(spoil), only(name));
    expect(failed).toBe(1);
    expect(results[0].detail).not.toBe('');
  });

  it('stops at its signal, after the row under way', async () => {
    const control = new AbortController();
    const report = await verify(cpu, { signal: control.signal, onProgress: ({ done }) => done === 2 && control.abort() });
    expect(report.results).toHaveLength(2);
    expect(report.aborted).toBe(true);
  });

  it('an output that is missing fails', async () => {
    const inputs = inputsOf({ name: '', rows: 4, channels: 2 }, 1);
    const { dgamma: _, ...rest } = await runCase(cpu, inputs);
    expect(() => compareAll(inputs, rest, expected(inputs), false)).toThrow('"dgamma" is missing');
  });

  it('the same seed draws the same data, another seed other data', () => {
    const row = { name: '', rows: 5, channels: 3 };
    expect(inputsOf(row, 4)).toEqual(inputsOf(row, 4));
    expect(inputsOf(row, 4).x).not.toEqual(inputsOf(row, 5).x);
  });
});

describe('the two implementations', () => {
  it('agree in f64 far below the bounds', () => {
    const inputs = inputsOf({ name: '', rows: 200, channels: 7, column: (c) => ({ offset: 10 ** c }) }, 3);
    const [a, b] = [expected(inputs), independent(inputs)];
    const bounds = boundsOf(inputs, a, false);
    for (const output of OUTPUTS) {
      a[output].forEach((value, i) => expect(Math.abs(value - b[output][i])).toBeLessThanOrEqual(1e-3 * bounds[output][i % 7]));
    }
  });

  it('bounds are the scales of the design, and wider only for a plain mean', () => {
    const inputs = inputsOf({ name: '', rows: 200, channels: 2, column: () => ({ offset: 1000 }) }, 3);
    const want = expected(inputs);
    const [tight, plain] = [boundsOf(inputs, want, false), boundsOf(inputs, want, true)];
    const column = want.y.filter((_, i) => i % 2 === 1);
    expect(tight.runningMean[0]).toBeCloseTo(2e-6 * Math.abs(want.mean[0]), 15);
    expect(tight.y[1]).toBeCloseTo(2e-6 * Math.max(...column.map(Math.abs)), 15);
    expect(tight.mean[0]).toBeCloseTo(2e-6 * Math.abs(want.mean[0]), 15);
    expect(tight.variance[0]).toBeCloseTo(1e-6 * want.variance[0], 15);
    expect(tight.dbeta[0]).toBeCloseTo(2e-6 * inputs.dy.filter((_, i) => i % 2 === 0).reduce((sum, value) => sum + Math.abs(value), 0), 12);
    for (const output of OUTPUTS) expect(plain[output][0]).toBeGreaterThanOrEqual(tight[output][0]);
    expect(plain.y[0]).toBeGreaterThan(10 * tight.y[0]);
  });
});

describe('own data', () => {
  it('per-column statistics and every output compared', async () => {
    const data = Float32Array.of(1, 10, 3, 10, 5, 10);
    const result = await verifyOwn(cpu, { rows: 3, channels: 2, data });
    expect(result.passed).toBe(true);
    expect(result.columns).toMatchObject([
      { mean: 3, minimum: 1, maximum: 5, deviation: Math.sqrt(8 / 3) },
      { mean: 10, minimum: 10, maximum: 10, deviation: 0 },
    ]);
    expect(result.comparisons.map(({ output }) => output)).toEqual(OUTPUTS.filter((output) => !/dresidual/i.test(output))); // no residual
  });

  it('one row', async () => {
    expect((await verifyOwn(cpu, { rows: 1, channels: 2, data: Float32Array.of(1, 2) })).passed).toBe(true);
  });

  it('a NaN in the backend’s answer is its column’s worst', async () => {
    const wrong = spoiled({ forward: ({ y }) => void (y!.values[1] = NaN) });
    const { passed, columns } = await verifyOwn(wrong, { rows: 3, channels: 2, data: Float32Array.of(1, 10, 3, 11, 5, 12) });
    expect(passed).toBe(false);
    expect(columns[1]).toMatchObject({ ratio: NaN, output: 'y' });
    expect(columns[0].ratio).toBeLessThan(1);
  });

  it('a column below the smallest normal f32 may be flushed; an ordinary error beside it fails', async () => {
    const data = Float32Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? (i >> 1) / 2 - 3 : [-5, 2, -2, 5][(i >> 1) % 4] * 1e-40));
    const table = { rows: 20, channels: 2, data };
    const flush = ({ y }: Record<string, CpuTensor | null>) => y!.values.forEach((value, i, all) => { if (Math.abs(value) < 1e-30) all[i] = 0; });
    for (const backend of [cpu, spoiled({ forward: flush, infer: flush })]) expect((await verifyOwn(backend, table)).passed).toBe(true);
    const wrong = await verifyOwn(spoiled({ forward: (t) => { flush(t); t.y!.values[4] *= 1.0001; } }), table);
    expect(wrong.passed).toBe(false);
    expect(wrong.columns.map(({ ratio }) => ratio <= 1)).toEqual([false, true]);
    const off = await verifyOwn(spoiled({ forward: ({ saved }) => void (saved!.values[7] *= 1.0001) }), table); // inv_std of the tiny one
    expect(off.columns.map(({ ratio }) => ratio <= 1)).toEqual([true, false]);
  });

  it('values whose squares f32 cannot hold: too small is no failure, too large is refused', async () => {
    expect((await verifyOwn(cpu, { rows: 3, channels: 1, data: Float32Array.of(1e-20, 2e-20, 4e-20) })).passed).toBe(true);
    await expect(verifyOwn(cpu, { rows: 2, channels: 1, data: Float32Array.of(1e20, -1e20) })).rejects.toThrow(
      'verifyOwn: "data" has a spread of 1.00e+20 in column 0, whose squares do not fit f32. Scale the column down.',
    );
    await expect(verifyOwn(cpu, { rows: 2, channels: 2, data: Float32Array.of(1, 2, NaN, 4) })).rejects.toThrow('verifyOwn: "data" has NaN in row 1, column 0');
  });

  it('bad input', async () => {
    await expect(verify(undefined as unknown as Backend)).rejects.toThrow('verify: "backend" is undefined, needs what openBackend() gave.');
    await expect(verifyOwn(cpu, { rows: 2, channels: 2, data: new Float32Array(3) })).rejects.toThrow('verifyOwn: "data" has 3 elements, needs 4');
    await expect(verifyOwn(cpu, { rows: 0, channels: 2, data: new Float32Array(0) })).rejects.toThrow('verifyOwn: "rows" is 0');
  });
});

describe('reports', () => {
  it('Markdown and JSON hold the outcome, the environment and every failure', async () => {
    const report = await verify(spoiled({ forward: ({ y }) => void (y!.values[0] = NaN) }), only('small and odd', 'one value'));
    const markdown = reportMarkdown(report, { browser: 'of the test' });
    expect(markdown).toContain('- browser: of the test');
    expect(markdown).toContain('- outcome: 0 passed, 2 failed');
    expect(markdown).toMatch(/\| FAIL \| small and odd \| 100×3 \| second implementation \| y \| NaN \| \d+ \|/);
    expect(markdown).toContain('## Failures');
    const json = JSON.parse(reportJson(report, { browser: 'of the test' })) as typeof report & { environment: object };
    expect(json.environment).toEqual({ browser: 'of the test' });
    expect(json.results[1].worst).toMatchObject({ output: 'y', ratio: 'NaN', row: 0, channel: 0 });
    expect(json.results[1].comparisons[0].histogram).toHaveLength(32);
  });
});
