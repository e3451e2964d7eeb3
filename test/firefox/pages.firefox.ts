// Claim: in a stock Firefox every page of the built site does its main job on WebGPU without a complaint, and without WebGPU on
// the CPU. What a page says and looks like beside that: test/pages, in Chromium.
// Control: a page that breaks its policy, throws or logs an error is seen to.
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGES } from '../../demo/site/pages.js';
import { serveSite } from '../pages/serve.js';
import { launch, newPage } from './firefox.js';

const shared = {} as { site: Awaited<ReturnType<typeof serveSite>>; gpu: Browser; plain: Browser };

beforeAll(async () => {
  shared.site = await serveSite();
  shared.gpu = await launch({ gpu: true });
  shared.plain = await launch({ gpu: false });
});

afterAll(async () => {
  await shared.gpu?.close();
  await shared.plain?.close();
  await shared.site?.close();
});

/** A page, and what it complained about: console errors, uncaught errors, breaches of its own policy. */
async function open(browser: Browser, path: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await newPage(browser);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error instanceof Error ? error.message : error}`));
  await page.evaluateOnNewDocument(() => {
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => console.error(`policy: ${effectiveDirective} ${blockedURI}`));
  });
  await page.goto(`${shared.site.url}${path}`);
  return { page, complaints };
}

const textOf = (page: Page, selector: string): Promise<string> => page.$eval(selector, (element) => (element as HTMLElement).innerText);

/** Asks from here, again and again: puppeteer's own waiting evaluates text in the page, which the site's policy forbids. */
async function until<T>(ask: () => Promise<T>, reached: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (reached(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The first of the states at which a page rests. */
const rest = (page: Page, ...states: string[]): Promise<string | undefined> =>
  until(() => page.evaluate(() => document.documentElement.dataset.state), (state) => [...states, 'error', 'failed'].includes(state!));

interface Job {
  query: string;
  /** Does what the page is for, and holds what it shows. */
  work(page: Page, place: string): Promise<void>;
}

const TRAINS = '?depth=1&width=8&steps=10';

const JOBS: Record<string, Job> = {
  'webgpu-batchnorm': {
    query: '',
    async work(page) {
      await until(() => page.evaluate(() => document.documentElement.dataset.backend), (backend) => backend !== undefined);
      await page.click('#run');
      const output = await until(() => textOf(page, '#output'), (text) => /^y =|adapter|error/i.test(text));
      const shown = output.match(/-?\d+\.\d+/g)!.map(Number);
      // Columns 1 … 4 and 10 … 40: means 2.5 and 25, biased variances 1.25 and 125.
      const want = [1, 2, 3, 4].flatMap((row) => [(row - 2.5) / Math.sqrt(1.25 + 1e-5), (10 * row - 25) / Math.sqrt(125 + 1e-5)]);
      expect(shown).toHaveLength(8);
      shown.forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThanOrEqual(3e-6)); // 2e-6 · max|y|, and six digits
    },
  },
  Training: {
    query: TRAINS,
    async work(page, place) {
      expect(await rest(page, 'paused'), await textOf(page, '#refusal')).toBe('paused');
      expect(await textOf(page, '#verdict')).toMatch(
        new RegExp(`^Paused after 10 steps on the ${place}: [\\d.]+\\s% of the held-out rows are right with batch norm, [\\d.]+\\s% without\\.$`),
      );
      expect(await page.$eval('#accuracy-plot', (plot) => plot.ariaLabel)).toMatch(/^At step 10: with batch norm [\d.]+\s%, without [\d.]+\s%\. Loss/);
      expect(await page.$eval('#loss-plot', (plot) => plot.ariaLabel)).toMatch(/up to step 10: with batch norm [\d.]+, without [\d.]+\.$/);
      await page.click('#step');
      await until(() => textOf(page, '#verdict'), (text) => text.startsWith('Paused after 11 steps'));
    },
  },
  Graph: {
    query: '',
    async work(page, place) {
      expect(await rest(page, 'ready')).toBe('ready');
      expect(await textOf(page, '#adapter-words')).toContain(`on ${place === 'CPU' ? 'the CPU' : `a ${place}`}, in f`);
      const ofScale = await page.$$eval('#adapter-table tbody tr', (rows) => rows.map((row) => row.lastElementChild!.textContent!));
      expect(ofScale).toHaveLength(4);
      for (const difference of ofScale) expect(Number(difference.replaceAll('−', '-'))).toBeLessThanOrEqual(2e-6);
      await page.click('#play'); // walks all steps by itself, to the closed form
      expect(await until(() => textOf(page, '#title'), (title) => title === 'The closed form')).toBe('The closed form');
      expect(await page.$$eval('#lines math', (all) => all.length)).toBeGreaterThan(0);
    },
  },
  Correctness: {
    query: '?filter=control', // the whole table runs in test/gpu/verify
    async work(page, place) {
      expect(await rest(page, 'passed')).toBe('passed');
      expect(await textOf(page, '#verdict')).toMatch(new RegExp(`passed on the ${place}\\.$`));
    },
  },
  Benchmark: {
    query: '?shapes=256x64&samples=1&peers=',
    async work(page, place) {
      if (place === 'CPU') return void expect(await rest(page, 'none')).toBe('none'); // it times adapters alone
      expect(await rest(page, 'ready')).toBe('ready');
      await page.click('#run');
      expect(await rest(page, 'done'), await textOf(page, '#refusal')).toBe('done');
      const times = await page.$$eval('tr[data-row]', (rows) => rows.map((row) => [(row as HTMLElement).dataset.row!, row.children[1]!.textContent] as const));
      for (const name of ['forward', 'backward', 'inference']) expect(Number(new Map(times).get(name)), name).toBeGreaterThan(0);
    },
  },
  Workers: {
    query: '?steps=5',
    async work(page, place) {
      expect(await rest(page, 'passed'), await textOf(page, '#refusal')).toBe('passed');
      expect(await textOf(page, '#verdict')).toMatch(new RegExp(`^The same training: after 5 steps on the ${place} `));
    },
  },
};

test('each page of the site has its job here', () => expect(Object.keys(JOBS)).toEqual(PAGES.map(({ label }) => label)));

describe('with WebGPU', () => {
  test.each(PAGES)('$label', async ({ path, label }) => {
    const { query, work } = JOBS[label]!;
    const { page, complaints } = await open(shared.gpu, `${path}${query}`);
    await work(page, 'software adapter');
    expect(await textOf(page, '#facts')).toMatch(/software/);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

describe('without WebGPU', () => {
  test.each(PAGES.filter(({ label }) => label !== 'webgpu-batchnorm'))('$label: on the CPU', async ({ path, label }) => {
    const { query, work } = JOBS[label]!;
    const { page, complaints } = await open(shared.plain, `${path}${query}`);
    await work(page, 'CPU');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the landing page says what is missing, and its sample refuses', async () => {
    const { page, complaints } = await open(shared.plain, '');
    await until(() => page.evaluate(() => document.documentElement.dataset.backend), (backend) => backend === 'cpu');
    expect(await textOf(page, '#facts')).toContain('This environment has no WebGPU');
    await page.click('#run');
    expect(await until(() => textOf(page, '#output'), (text) => !/Running|^$/.test(text))).toBe('There is no WebGPU adapter here.');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('control: a complaint is seen', async () => {
    const { page, complaints } = await open(shared.plain, 'demo/graph/index.html');
    await page.evaluate(() => {
      console.error('logged');
      setTimeout(() => { throw new Error('thrown'); });
      const image = new Image();
      image.src = 'http://elsewhere.test/';
      document.body.append(image);
    });
    await until(async () => complaints.length, (count) => count >= 3);
    expect(complaints).toEqual(expect.arrayContaining([
      'console: logged', expect.stringContaining('console: policy: img-src'), expect.stringContaining('thrown'),
    ]));
    await page.close();
  });
});
