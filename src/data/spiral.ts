import { checkCount, describe } from '../core/shape.js';
import { random } from './random.js';
import type { Table } from './table.js';

export interface SpiralOptions {
  /** From 0 to 2³² − 1. */
  seed: number;
  rowsPerArm: number;
  /** Default 3. */
  arms?: number;
  /** Deviation of the angle, in radians. Default 0.2. */
  noise?: number;
}

/** Radians that an arm winds. */
const WINDING = 4;

/**
 * Points in the plane on arms that wind around each other; the arm is the label, row by row, arm by arm.
 *
 *     radius = i / (rowsPerArm − 1)        angle = 4 · (arm + radius) + noise · normal        x, y = radius · (sin, cos) angle
 *
 * Stanford CS231n, "Putting it together: Minimal Neural Network Case Study" — https://cs231n.github.io/neural-networks-case-study/
 *
 * @throws {RangeError} an option has no meaning.
 * @example const { data, labels } = spiral({ seed: 1, rowsPerArm: 100 });
 */
export function spiral({ seed, rowsPerArm, arms = 3, noise = 0.2 }: SpiralOptions): Table & { labels: number[] } {
  const call = 'spiral';
  checkSeed(call, seed);
  checkCount(call, 'rowsPerArm', rowsPerArm);
  checkCount(call, 'arms', arms);
  if (!(noise >= 0) || !Number.isFinite(noise)) throw new RangeError(`${call}: "noise" is ${describe(noise)}, needs a finite number of at least 0.`);
  const source = random(seed);
  const rows = rowsPerArm * arms;
  const data = new Float32Array(2 * rows);
  const labels: number[] = [];
  for (let arm = 0; arm < arms; arm++) {
    for (let i = 0; i < rowsPerArm; i++) {
      const radius = rowsPerArm > 1 ? i / (rowsPerArm - 1) : 0;
      const angle = WINDING * (arm + radius) + noise * source.normal();
      data.set([radius * Math.sin(angle), radius * Math.cos(angle)], 2 * labels.length);
      labels.push(arm);
    }
  }
  return { rows, channels: 2, data, labels };
}

/** Throws unless `random` can start from it. */
export function checkSeed(call: string, seed: unknown): void {
  if (!Number.isInteger(seed) || (seed as number) < 0 || (seed as number) >= 2 ** 32) {
    throw new RangeError(`${call}: "seed" is ${describe(seed)}, needs an integer from 0 to 4294967295 (u32).`);
  }
}
