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

it('one byte short', () => {
  expect(() => savedViews(new ArrayBuffer(28), 2)).toThrow(
    'savedViews: "bytes" is 28 bytes, needs 32 (4 planes × channels 2, f32). Read the whole buffer made by createSaved().',
  );
});
