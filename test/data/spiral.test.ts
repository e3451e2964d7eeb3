// Claim: the spiral is CS231n's, the same from the same seed everywhere.
// Control: without noise each point is where the formula has it.
import { expect, test } from 'vitest';
import { spiral } from '../../src/data/index.js';
import { digestOf } from './digest.js';

test('control: without noise the points lie on the arms', () => {
  const { rows, channels, data, labels } = spiral({ seed: 1, rowsPerArm: 50, arms: 4, noise: 0 });
  expect([rows, channels, data.length]).toEqual([200, 2, 400]);
  labels.forEach((arm, row) => {
    const radius = (row % 50) / 49;
    const angle = 4 * (arm + radius);
    expect(data[2 * row]).toBeCloseTo(radius * Math.sin(angle), 6);
    expect(data[2 * row + 1]).toBeCloseTo(radius * Math.cos(angle), 6);
    expect(arm).toBe(Math.floor(row / 50));
  });
});

test('the same seed gives the same points in every engine, another seed others', () => {
  const { data } = spiral({ seed: 1, rowsPerArm: 100 });
  expect(digestOf(data)).toBe('31480e0f');
  expect(digestOf(spiral({ seed: 2, rowsPerArm: 100 }).data)).not.toBe(digestOf(data));
});

test('noise turns the points by its deviation and leaves their radius', () => {
  const rowsPerArm = 4000;
  const { data } = spiral({ seed: 3, rowsPerArm, noise: 0.3 });
  let square = 0;
  for (let row = 1; row < rowsPerArm; row++) {
    const [x, y, radius] = [data[2 * row], data[2 * row + 1], row / (rowsPerArm - 1)];
    expect(Math.hypot(x, y)).toBeCloseTo(radius, 5);
    const turn = Math.atan2(x, y) - 4 * radius;
    square += (turn - 2 * Math.PI * Math.round(turn / (2 * Math.PI))) ** 2 / rowsPerArm;
  }
  expect(Math.sqrt(square)).toBeGreaterThan(0.29); // 4000 samples: 3 σ are 0.01
  expect(Math.sqrt(square)).toBeLessThan(0.31);
});

test('one row an arm is the centre', () => {
  expect([...spiral({ seed: 1, rowsPerArm: 1 }).data].map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0]);
});

test.each([
  [{ seed: -1, rowsPerArm: 1 }, 'spiral: "seed" is -1, needs an integer from 0 to 4294967295 (u32).'],
  [{ seed: 2 ** 32, rowsPerArm: 1 }, 'spiral: "seed" is 4294967296, needs an integer from 0 to 4294967295 (u32).'],
  [{ seed: 1, rowsPerArm: 0 }, 'spiral: "rowsPerArm" is 0, needs an integer of at least 1.'],
  [{ seed: 1, rowsPerArm: 1, arms: 1.5 }, 'spiral: "arms" is 1.5, needs an integer of at least 1.'],
  [{ seed: 1, rowsPerArm: 1, noise: -0.1 }, 'spiral: "noise" is -0.1, needs a finite number of at least 0.'],
  [{ seed: 1, rowsPerArm: 1, noise: NaN }, 'spiral: "noise" is NaN, needs a finite number of at least 0.'],
])('%j is refused', (options, message) => {
  expect(() => spiral(options)).toThrow(new RangeError(message));
});
