// Claim: shapes that cannot be indexed are refused in a sentence, at the limit and one past it.
import { describe, expect, it } from 'vitest';
import { checkCount, checkShape, describe as nameOf } from '../../src/core/shape.js';

describe('checkShape', () => {
  it('control: the largest shape with u32 indices', () => {
    expect(() => checkShape('call', { rows: 1, channels: 0xffffffff })).not.toThrow();
    expect(() => checkShape('call', { rows: 65535, channels: 65537 })).not.toThrow();
  });

  it('one past it', () => {
    expect(() => checkShape('call', { rows: 65536, channels: 65536 })).toThrow(
      'call: "shape" has 4294967296 elements (rows 65536 × channels 65536), needs at most 4294967295 (indices are u32). Split the batch.',
    );
  });

  it.each([
    [0, RangeError], [-1, RangeError], [0.5, RangeError], [NaN, RangeError], [Infinity, RangeError],
    ['3', TypeError], [null, TypeError], [undefined, TypeError], [3n, TypeError], [[3], TypeError],
  ])('%s is no count', (value, kind) => {
    expect(() => checkCount('call', 'rows', value)).toThrow(kind);
    expect(() => checkCount('call', 'rows', value)).toThrow(/^call: "rows" is .*, needs an integer of at least 1\.$/);
  });
});

it.each<[unknown, string]>([
  [null, 'null'], [undefined, 'undefined'], ['a', '"a"'], [1.5, '1.5'], [true, 'true'], [new Float32Array(2), 'Float32Array'],
  [Object.create(null), 'an object'], [() => 0, 'a function'], [1n, 'a bigint'],
])('%s is named %s', (value, name) => expect(nameOf(value)).toBe(name));
