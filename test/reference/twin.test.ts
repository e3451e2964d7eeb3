// Claim: the reference and the second implementation agree on every ability, in both layouts.
// Control: without an ability they agree too, and what one leaves out the other would show.
import { describe, expect, it } from 'vitest';
import { type Expected, type Inputs, expected } from '../../src/verify/expected.js';
import { independent } from '../../src/verify/independent.js';
import { LAYOUTS, apart, normals } from './data.js';

const f32 = (length: number, seed: number) => Float32Array.from(normals(length, seed));

/** How far apart each output is, beside its largest value. */
function compare(got: Expected, want: Expected): Record<string, number> {
  const names = Object.keys(want) as (keyof Expected)[];
  return Object.fromEntries(names.map((name) => [name, apart(got[name], want[name]) / Math.max(1, ...want[name].map(Math.abs))]));
}

describe.each(LAYOUTS)('$name', ({ name: _, rows, channels, layout = 'channelsLast', spatial = 1 }) => {
  const [x, dy, residual] = [1, 2, 3].map((seed) => f32(rows * channels, seed));
  const [gamma, beta, runningMean, frozenMean] = [4, 5, 6, 7].map((seed) => f32(channels, seed));
  const [runningVar, frozenVar] = [8, 9].map((seed) => f32(channels, seed).map((value) => value * value + 0.5));
  const plain: Inputs = {
    x, dy, gamma, beta, runningMean, runningVar, frozenMean, frozenVar, rows, channels, layout, spatial, eps: 1e-3, momentum: 0.1, runningVariance: 'unbiased',
  };
  const none = new Uint32Array(rows);

  it.each<[string, Partial<Inputs>]>([
    ['control: none', {}],
    ['no gamma, no beta', { gamma: null, beta: null }],
    ['relu', { activation: 'relu' as const }],
    ['add', { residual }],
    ['add and relu', { residual, activation: 'relu' as const }],
    ['mask', { mask: none.map((_, row) => Number(row % 3 > 0)) }],
    ['mask, add and relu, biased', { mask: none.map((_, row) => Number(row % 4 < 3)), residual, activation: 'relu' as const, runningVariance: 'biased' }],
    ['first rows, add', { validRows: 5, residual }],
    ['one row', { validRows: 1, activation: 'relu' as const }],
    ['one row, biased', { mask: none.map((_, row) => Number(row === 7)), runningVariance: 'biased' }],
    ['no row', { validRows: 0, residual, activation: 'relu' as const }],
    ['no row, eps 0', { mask: none, eps: 0 }],
    ['cumulative, the fourth batch', { momentum: 'cumulative', batches: 3 }],
  ])('%s', (_, change) => {
    const inputs = { ...plain, ...change };
    // Both work in f64 on values of a few units.
    const off = compare(expected(inputs), independent(inputs));
    const outputs = Object.keys(off).filter((output) => inputs.residual || !/dresidual/i.test(output));
    expect(outputs).toHaveLength(inputs.residual ? 15 : 13);
    for (const output of outputs) expect(off[output], output).toBeLessThan(1e-13);
  });

  it('each ability shows', () => {
    for (const [change, outputs] of [
      [{ activation: 'relu' as const }, ['y', 'inferY', 'dx', 'dgamma', 'dbeta', 'frozenDx', 'frozenDgamma', 'frozenDbeta']],
      [{ residual }, ['y', 'inferY']],
      [{ momentum: 'cumulative', batches: 3 }, ['runningMean', 'runningVar']],
      [{ validRows: 7 },
        ['y', 'inferY', 'mean', 'variance', 'invStd', 'runningMean', 'runningVar', 'dx', 'dgamma', 'dbeta', 'frozenDx', 'frozenDgamma', 'frozenDbeta']],
    ] as const) {
      const off = compare(expected(plain), independent({ ...plain, ...change }));
      for (const output of outputs) expect(off[output], output).toBeGreaterThan(1e-3);
    }
  });

  it('NaN in a row left out reaches neither', () => {
    const poisoned = x.slice();
    for (let c = 0; c < channels; c++) poisoned[layout === 'channelsLast' ? c : c * spatial] = NaN; // row 0
    const mask = none.map((_, row) => Number(row > 0));
    const activation = 'relu' as const;
    for (const each of [expected, independent]) expect(each({ ...plain, x: poisoned, mask, activation })).toEqual(each({ ...plain, mask, activation }));
  });
});
