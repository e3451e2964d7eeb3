// Claim: the views of a saved buffer are its planes, and short bytes are refused.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { RUNNING_STAYED, RUNNING_VARIANCE_STAYED, SAVED_PLANES, savedBytes, savedViews } from '../../src/core/saved.js';

it('control: planes in their order, without a copy; count and flags are u32', () => {
  const bytes = new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0]).buffer;
  new Uint32Array(bytes).set([9, 10, 0xffffffff, 12], 8);
  expect(savedBytes(2)).toBe(48);
  const views = savedViews(bytes, 2);
  expect(Object.entries(views).map(([name, view]) => [name, ...view])).toEqual([
    ['mean', 1, 2], ['meanLow', 3, 4], ['variance', 5, 6], ['invStd', 7, 8], ['count', 9, 10], ['flags', 0xffffffff, 12],
  ]);
  expect(Object.keys(views)).toEqual([...SAVED_PLANES]);
  expect(Object.values(views).map((view) => view.constructor)).toEqual([Float32Array, Float32Array, Float32Array, Float32Array, Uint32Array, Uint32Array]);
  expect(Object.values(views).every((view) => view.buffer === bytes)).toBe(true);
});

it('a typed array is viewed where it lies', () => {
  const all = new Float32Array([9, 9, 1, 2, 3, 4, 0, 0]);
  expect([...savedViews(all.subarray(2), 1).invStd]).toEqual([4]);
  savedViews(all.subarray(2), 1).flags[0] = 3;
  expect([...new Uint32Array(all.buffer).subarray(6)]).toEqual([0, 3]);
  expect(() => savedViews(all, 0)).toThrow('savedViews: "channels" is 0, needs an integer of at least 1.');
  expect(() => savedViews([1, 2, 3, 4] as never, 1)).toThrow('savedViews: "bytes" is Array, needs an ArrayBuffer or a typed array.');
});

it('longer bytes are viewed at their start', () => {
  expect([...savedViews(new Float32Array([1, 2, 3, 4, 5, 6, 7]), 1).invStd]).toEqual([4]);
});

it('one byte short', () => {
  expect(() => savedViews(new ArrayBuffer(48), 2)).not.toThrow();
  expect(() => savedViews(new ArrayBuffer(47), 2)).toThrow(
    'savedViews: "bytes" is 47 bytes, needs 48 (6 planes × channels 2, 4 bytes each). Read the whole buffer made by createSaved().',
  );
});

it('the shader writes the planes and flags of these names', () => {
  const text = readFileSync(new URL('../../shaders/moments/statistics_store.wgsl', import.meta.url), 'utf8');
  expect(text).toContain(`const RUNNING_VARIANCE_STAYED = ${RUNNING_VARIANCE_STAYED}u;`);
  expect(text).toContain(`const RUNNING_STAYED = ${RUNNING_STAYED}u;`);
  const planes = [...text.matchAll(/store_saved\((?:(?:(\d)u \* )?params\.channels \+ )?channel,\s*(.*)\);/g)].map(([, , value]) => value);
  expect(planes.map((value) => /own\.(mean_low|mean|count)|\b(variance|inv_std)\b|(STAYED)/.exec(value)?.slice(1).find(Boolean))).toEqual([
    'mean', 'mean_low', 'variance', 'inv_std', 'count', 'STAYED',
  ]);
});
