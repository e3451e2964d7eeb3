// Claim: 10 000 steps hold no more memory than 1 000, and over twenty weight scales batch norm is never far behind and wins where
// they are small.
// Control: the plain net, which learns at some of the twenty.
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SWEEP } from '../../demo/training/settings.js';
import { launch } from '../pages/site.js';
import { type HarnessSite, Training, last, serveHarness } from '../pages/training.js';

let site: HarnessSite;
let browser: Browser;

beforeAll(async () => {
  [site, browser] = await Promise.all([serveHarness(), launch({ gpu: true })]);
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
});

/** Memory and scores every thousand steps of the spiral at its defaults. */
async function held(steps: number): Promise<void> {
  const training = await Training.open(site, browser, 'page');
  await training.start('spiral');
  const curve = [];
  for (let step = 1000; step <= steps; step += 1000) {
    const run = await training.run(step);
    const now = await training.held();
    curve.push(now);
    const { stepMilliseconds } = last(run, 'progress');
    const { batchNorm, plain } = last(run, 'scores').test;
    console.log(
      `${step} steps: ${now.buffers} buffers of ${(now.bytes / 2 ** 20).toFixed(1)} MiB, ${now.bindGroups} bind groups, heap ` +
        `${(now.heapBytes / 2 ** 20).toFixed(2)} MiB; ` +
        `${batchNorm.accuracy.toFixed(3)} and ${plain.accuracy.toFixed(3)}, ${stepMilliseconds.toFixed(1)} ms a step`,
    );
  }
  const [first, end] = [curve[0], curve.at(-1)!];
  expect(end.buffers - first.buffers).toBeLessThanOrEqual(4);
  expect(end.bytes - first.bytes).toBeLessThanOrEqual(1 << 16);
  expect(end.heapBytes - first.heapBytes).toBeLessThan(2 << 20);
  expect(training.complaints).toEqual([]);
  await training.close();
}

test('3000 steps of the spiral', { tags: ['long'] }, () => held(3000));

test('10 000 steps of the spiral', { tags: ['soak'] }, () => held(10_000));

test('digits: 97 % of held-out ones with batch norm', { tags: ['long'] }, async () => {
  const training = await Training.open(site, browser);
  await training.start('digits');
  const run = await training.run(300);
  const { batchNorm, plain } = last(run, 'scores').test;
  console.log(`digits: ${(100 * batchNorm.accuracy).toFixed(1)} % with batch norm, ${(100 * plain.accuracy).toFixed(1)} % without, ` +
    `${last(run, 'progress').stepMilliseconds.toFixed(0)} ms a step`);
  expect(batchNorm.accuracy).toBeGreaterThanOrEqual(0.97);
  await training.close();
});

test('twenty weight scales from 1e-4 to 1', { tags: ['soak'] }, async () => {
  const training = await Training.open(site, browser);
  await training.start('digits');
  const news = await training.send({ kind: 'sweep', scales: SWEEP.scales, steps: 200 }, 'sweepDone', 'refused');
  const points = news.filter((one) => one.kind === 'sweepPoint');
  for (const { scale, scores: { batchNorm, plain } } of points) {
    console.log(`scale ${scale.toExponential(1)}: ${(100 * batchNorm.accuracy).toFixed(1)} % with batch norm, ${(100 * plain.accuracy).toFixed(1)} % without`);
  }
  expect(points.map(({ scale }) => scale)).toEqual(SWEEP.scales);
  expect(last(news, 'sweepDone').stopped).toBe(false);
  for (const { scale, scores: { batchNorm, plain } } of points) {
    if (scale < 0.02) expect(batchNorm.accuracy - plain.accuracy, `scale ${scale}`).toBeGreaterThan(0.5);
    if (scale < 0.2) expect(batchNorm.accuracy, `scale ${scale}`).toBeGreaterThan(0.9);
  }
  expect(Math.max(...points.map(({ scores }) => scores.plain.accuracy))).toBeGreaterThan(0.6);
  await training.close();
});
