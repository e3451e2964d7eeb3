// Claim: the digits are drawn the same everywhere, differ from image to image, and are told apart by their shapes.
// Control: what one row holds is what a person sees there.
import { expect, test } from 'vitest';
import { DIGIT_SIZE, digits } from '../../src/data/index.js';
import { digestOf } from './digest.js';

const PIXELS = DIGIT_SIZE * DIGIT_SIZE;

test('control: a one is one stroke from top to bottom', () => {
  const { rows, channels, data, labels } = digits({ seed: 1, count: 2 });
  expect([rows, channels, labels]).toEqual([2, PIXELS, [0, 1]]);
  const lines = Array.from({ length: DIGIT_SIZE }, (_, y) =>
    [...data.subarray(PIXELS + y * DIGIT_SIZE, PIXELS + (y + 1) * DIGIT_SIZE)].map((ink) => (ink > 0.5 ? '#' : '.')).join(''),
  );
  expect(lines).toMatchInlineSnapshot(`
    [
      "................",
      "................",
      "........#.......",
      ".......###......",
      "......####......",
      "......####......",
      ".......##.......",
      ".......##.......",
      ".......##.......",
      ".......##.......",
      ".......##.......",
      ".......##.......",
      ".......##.......",
      "......###.......",
      "......##........",
      "......##........",
    ]
  `);
});

test('the same seed gives the same images in every engine, another seed others', () => {
  const { data } = digits({ seed: 1, count: 100 });
  expect(digestOf(data)).toBe('2a8a1f10');
  expect(digestOf(digits({ seed: 2, count: 100 }).data)).not.toBe(digestOf(data));
  expect(digits({ seed: 1, count: 50 }).data).toEqual(data.slice(0, 50 * PIXELS)); // a longer run begins with the shorter
});

test('ink is from 0 to 1 in steps of 1/255, with shades at the edges of strokes', () => {
  const { data, labels } = digits({ seed: 4, count: 200 });
  expect(labels).toEqual(Array.from({ length: 200 }, (_, row) => row % 10));
  for (const ink of data) expect(Math.fround(Math.round(255 * ink) / 255)).toBe(ink);
  for (let row = 0; row < 200; row++) {
    const image = data.subarray(row * PIXELS, (row + 1) * PIXELS);
    expect(Math.max(...image)).toBeGreaterThan(0.8);
    const full = image.filter((ink) => ink > 0.95).length;
    const shades = image.filter((ink) => ink > 0.05 && ink <= 0.95).length;
    expect(full + shades).toBeGreaterThan(10);
    expect(shades).toBeGreaterThan(5);
  }
});

test('images of a digit differ, and are on average nearest to their own digit', () => {
  const { data, labels } = digits({ seed: 5, count: 1000 });
  const means = Array.from({ length: 10 }, () => new Float64Array(PIXELS));
  data.forEach((ink, at) => (means[labels[Math.floor(at / PIXELS)]][at % PIXELS] += ink / 100));
  const held = digits({ seed: 6, count: 500 });
  const seen = new Set<string>();
  let right = 0;
  for (let row = 0; row < 500; row++) {
    const image = held.data.subarray(row * PIXELS, (row + 1) * PIXELS);
    seen.add(digestOf(image.slice()));
    const distances = means.map((mean) => mean.reduce((sum, ink, i) => sum + (ink - image[i]) ** 2, 0));
    if (distances.indexOf(Math.min(...distances)) === held.labels[row]) right++;
  }
  expect(seen.size).toBe(500);
  expect(right / 500).toBeGreaterThan(0.5); // chance is 0.1
  expect(right / 500).toBeLessThan(0.9); // else 97 % would be no achievement
});

test.each([
  [{ seed: 0.5, count: 1 }, 'digits: "seed" is 0.5, needs an integer from 0 to 4294967295 (u32).'],
  [{ seed: 1, count: 0 }, 'digits: "count" is 0, needs an integer of at least 1.'],
])('%j is refused', (options, message) => {
  expect(() => digits(options)).toThrow(new RangeError(message));
});
