import type { Arrival } from '../benchmark/peers/first.js';
import { type ServedPage, launchServer, servePage } from './browser.js';
import { quietSeconds } from './processor.js';

/** The page that comes to a first y and dx. */
const PAGE = 'demo/benchmark/first.html';

/** One library at one shape, medians over browsers started from nothing. */
export interface FirstRow extends Arrival {
  name: string;
  shape: string;
  /** Of all the browser's processes, from the call until they are quiet again. */
  processorSeconds: number;
  /** Each browser's. */
  all: number[];
}

/** What is to be shown: names as in the page. */
export interface FirstOptions {
  shapes: readonly string[];
  names: readonly string[];
  samples: number;
  onStep(words: string): void;
}

/** Starts a browser with an empty profile for every figure, in turn, and adds up what its processes take. */
export async function firstTimes({ shapes, names, samples, onStep }: FirstOptions): Promise<{ engine: string; rows: FirstRow[] }> {
  if (process.platform !== 'linux') throw new Error(`bench: "--first" is given on ${process.platform}, needs Linux: it reads processor time from /proc.`);
  onStep('building the page');
  const served = await servePage(PAGE);
  try {
    const runs = new Map<string, (Arrival & { seconds: number })[]>();
    let engine = '';
    for (let sample = 0; sample < samples; sample++) {
      for (const shape of shapes) {
        for (let i = 0; i < names.length; i++) {
          const name = names[(sample + i) % names.length]; // so that none is always first
          onStep(`${shape}: ${name}, browser ${sample + 1} of ${samples}`);
          const one = await oneBrowser(served, shape, name);
          engine = one.engine;
          const key = JSON.stringify([shape, name]);
          runs.set(key, [...(runs.get(key) ?? []), one]);
        }
      }
    }
    const rows = shapes.flatMap((shape) => names.map((name): FirstRow => {
      const own = runs.get(JSON.stringify([shape, name]))!;
      return {
        name, shape, toY: median(own.map(({ toY }) => toY)), toDx: median(own.map(({ toDx }) => toDx)),
        processorSeconds: median(own.map(({ seconds }) => seconds)), all: own.map(({ seconds }) => seconds),
      };
    }));
    return { engine, rows };
  } finally {
    await served.close();
  }
}

async function oneBrowser(served: ServedPage, shape: string, name: string): Promise<Arrival & { seconds: number; engine: string }> {
  const { browser, pid, close } = await launchServer(served);
  try {
    const page = await browser.newPage();
    await page.goto(served.url);
    await page.evaluate((shape) => window.ready(shape), shape);
    const before = await quietSeconds(pid);
    const arrival = await page.evaluate((name) => window.go(name), name);
    const seconds = (await quietSeconds(pid)) - before;
    await page.evaluate(() => window.check());
    return { ...arrival, seconds, engine: `Chromium ${browser.version()}` };
  } finally {
    await close();
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
