// Claim: a comparison asks "is it within", so what is beyond, NaN first, fails; and it names the worst place.
import { describe, expect, it } from 'vitest';
import { BINS, compare } from '../../src/verify/index.js';

const f64 = (...values: number[]) => Float64Array.from(values);

describe('compare', () => {
  it('control: all within', () => {
    const { beyond, ratio, elements } = compare('y', f64(1, 2, 3, 4), f64(1, 2, 3, 4.5), f64(1, 1));
    expect({ beyond, ratio, elements }).toEqual({ beyond: 0, ratio: 0.5, elements: 4 });
  });

  it('at the bound is within, past it is not', () => {
    expect(compare('y', f64(2), f64(1), f64(1)).beyond).toBe(0);
    expect(compare('y', f64(2), f64(1), f64(1 - 2 ** -52)).beyond).toBe(1);
  });

  it('names the worst row and channel', () => {
    expect(compare('y', f64(0, 0, 0, 9), f64(0, 1, 0, 0), f64(1, 1))).toMatchObject({ beyond: 1, ratio: 9, row: 1, channel: 1, got: 9, want: 0, bound: 1 });
  });

  it.each([[NaN, 1], [1, NaN], [NaN, NaN], [Infinity, Infinity], [Infinity, 1]])('got %s for %s fails', (got, want) => {
    const { beyond, ratio } = compare('y', f64(0, got, 0), f64(0, want, 0), f64(1));
    expect(beyond).toBe(1);
    expect(ratio <= 1).toBe(false);
  });

  it('NaN stays the worst, whatever follows', () => {
    expect(compare('y', f64(NaN, 100), f64(0, 0), f64(1)).ratio).toBeNaN();
  });

  it('a bound of 0 asks for equality', () => {
    expect(compare('y', f64(0, -0), f64(-0, 0), f64(0)).beyond).toBe(0);
    expect(compare('y', f64(1e-300), f64(0), f64(0))).toMatchObject({ beyond: 1, ratio: Infinity });
  });

  it('channels-first, a run belongs to one channel, and rows count batch and spatial', () => {
    // [2, 2, 3]: the worst is (n 1, c 0, s 2), row 1·3 + 2
    const got = f64(0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 1);
    expect(compare('y', got, new Float64Array(12), f64(1, 1), [], 3)).toMatchObject({ beyond: 1, row: 5, channel: 0, ratio: 5, byChannel: f64(5, 1) });
  });

  it('a channel may be left out', () => {
    expect(compare('y', f64(NaN, 1), f64(0, 1), f64(1, 1), [0])).toMatchObject({ beyond: 0, elements: 1 });
  });

  it('counts elements by error over bound', () => {
    const { histogram } = compare('y', f64(0, 1, 0.5, 1.5, NaN, 2 ** -40), f64(0, 0, 0, 0, 0, 0), f64(1));
    const counted = [...histogram].flatMap((count, bin) => (count ? [[bin, count]] : []));
    expect(counted).toEqual([[0, 2], [BINS - 2, 1], [BINS - 1, 3]]);
  });

  it('lengths that differ are refused', () => {
    expect(() => compare('y', f64(1), f64(1, 2), f64(1))).toThrow('compare: "y" has 1 elements, needs 2');
  });
});
