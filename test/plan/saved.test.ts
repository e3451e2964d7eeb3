// Claim: the views of a saved buffer are its planes, and short bytes are refused.
import { expect, it } from 'vitest';
import { savedBytes, savedViews } from '../../src/plan/saved.js';

it('control: planes in their order, without a copy', () => {
  const bytes = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
  expect(savedBytes(2)).toBe(32);
  const views = savedViews(bytes, 2);
  expect(Object.entries(views).map(([name, view]) => [name, ...view])).toEqual([['mean', 1, 2], ['meanLow', 3, 4], ['variance', 5, 6], ['invStd', 7, 8]]);
  expect(views.mean.buffer).toBe(bytes);
});

it('a typed array is viewed where it lies', () => {
  const all = new Float32Array([9, 9, 1, 2, 3, 4]);
  expect([...savedViews(all.subarray(2), 1).invStd]).toEqual([4]);
  expect(() => savedViews(all, 0)).toThrow('savedViews: "channels" is 0, needs an integer of at least 1.');
  expect(() => savedViews([1, 2, 3, 4] as never, 1)).toThrow('savedViews: "bytes" is Array, needs an ArrayBuffer or a typed array.');
});

it('one byte short', () => {
  expect(() => savedViews(new ArrayBuffer(28), 2)).toThrow(
    'savedViews: "bytes" is 28 bytes, needs 32 (4 planes × channels 2, f32). Read the whole buffer made by createSaved().',
  );
});
