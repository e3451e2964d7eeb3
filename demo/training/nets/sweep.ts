import { evaluate } from './evaluation.js';
import type { Both, News, Score } from '../messages.js';
import type { Net } from './net.js';
import { type DeviceData, Pair, type PairSettings } from './pair.js';
import { RANGES, SWEEP } from '../settings.js';

export interface SweepPlan {
  scales: number[];
  /** Of each pair. */
  steps: number;
}

/** Steps between two looks at whether to stop. */
const CHUNK = 10;
const MOST_SCALES = 100;

/** Throws unless every pair of the plan can be trained. */
export function checkSweep({ scales, steps }: SweepPlan): void {
  if (!Array.isArray(scales) || scales.length === 0 || scales.length > MOST_SCALES) {
    throw new RangeError(`sweep: "scales" has ${Array.isArray(scales) ? scales.length : 'no'} numbers, needs 1 to ${MOST_SCALES}.`);
  }
  const { least, most } = RANGES.scale;
  const wrong = scales.find((scale) => !(scale >= least && scale <= most));
  if (wrong !== undefined) throw new RangeError(`sweep: "scales" has ${wrong}, needs numbers from ${least} to ${most}.`);
  if (!Number.isInteger(steps) || steps < SWEEP.least || steps > SWEEP.most) {
    throw new RangeError(`sweep: "steps" is ${steps}, needs an integer from ${SWEEP.least} to ${SWEEP.most}.`);
  }
}

/**
 * Trains a pair of nets at each scale from the start and says what became of them.
 *
 * @param inTurn - has a piece of work done when no other is.
 * @param isStopped - asked between two pieces; from then on `data` is not touched.
 */
export async function sweep(
  { settings, data }: { settings: PairSettings; data: DeviceData },
  { scales, steps }: SweepPlan,
  tell: (news: News) => void,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
  isStopped: () => boolean,
): Promise<void> {
  const of = scales.length * steps;
  for (const [i, scale] of scales.entries()) {
    if (isStopped()) break;
    const pair = await inTurn(() => (isStopped() ? Promise.resolve(null) : Pair.create({ ...settings, scale }, data)));
    if (!pair) break;
    try {
      while (!isStopped() && pair.steps < steps) {
        await inTurn(async () => {
          if (isStopped()) return;
          for (let step = 0; step < CHUNK && pair.steps < steps; step++) await pair.step();
          await pair.losses(pair.steps - 1); // waits for the device
        });
        if (!isStopped()) tell({ kind: 'sweepProgress', done: i * steps + pair.steps, of });
      }
      await inTurn(async () => {
        if (!isStopped()) tell({ kind: 'sweepPoint', scale, scores: await scoresOf(pair) });
      });
    } finally {
      pair.dispose();
    }
  }
  tell({ kind: 'sweepDone', stopped: isStopped() });
}

async function scoresOf({ nets, data: { test, set, place } }: Pair): Promise<Both<Score>> {
  const of = async (net: Net): Promise<Score> => {
    const { loss, accuracy } = await evaluate(net, test, set.test.labels, place);
    return { loss, accuracy };
  };
  return { batchNorm: await of(nets.batchNorm), plain: await of(nets.plain) };
}
