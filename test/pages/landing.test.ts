// Claim: the landing page says what runs the library here, and the code it shows is the code it runs.
// Control: the same page where there is no adapter says so, and the same code refuses with its sentence.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Site, launch, openPage, overflow, screenshot, serveSite } from './site.js';

const SAMPLE = readFileSync(join(import.meta.dirname, '../../demo/landing/sample.ts'), 'utf8');

let site: Site;
let browser: Browser;
let plain: Browser;

beforeAll(async () => {
  site = await serveSite();
  [browser, plain] = await Promise.all([launch({ gpu: true }), launch({ gpu: false })]);
});

afterAll(async () => {
  await browser?.close();
  await plain?.close();
  await site?.close();
});

describe('with WebGPU', () => {
  test('names the adapter, and the sample gives y by the formula', async () => {
    const { page, complaints } = await openPage(browser);
    await page.goto(site.url);
    await page.waitForSelector('[data-backend="gpu"]');
    expect(await page.innerText('#facts')).toMatch(/GPU[\s\S]*WebGPU has/);

    await page.click('#run');
    await page.waitForFunction(() => document.querySelector('#output')?.textContent?.startsWith('y ='));
    const shown = (await page.innerText('#output')).match(/-?\d+\.\d+/g)!.map(Number);
    // Columns 1 … 4 and 10 … 40: means 2.5 and 25, biased variances 1.25 and 125.
    const want = [1, 2, 3, 4].flatMap((row) => [(row - 2.5) / Math.sqrt(1.25 + 1e-5), (10 * row - 25) / Math.sqrt(125 + 1e-5)]);
    expect(shown).toHaveLength(8);
    shown.forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThanOrEqual(3e-6)); // 2e-6 · max|y|, and six digits
    await screenshot(page, 'landing-light');
    expect(complaints).toEqual([]);
  });

  test('shows the module that runs, but for the package’s name', async () => {
    const { page } = await openPage(browser);
    await page.goto(site.url);
    await page.waitForFunction(() => document.querySelector('#sample')?.textContent);
    expect(SAMPLE).toContain("'../../src/index.js'");
    expect(await page.textContent('#sample')).toBe(SAMPLE.replace("'../../src/index.js'", "'webgpu-batchnorm'").trimEnd());
  });

  test('every link that stands on the page leads somewhere', async () => {
    const { page } = await openPage(browser);
    await page.goto(site.url);
    await page.waitForSelector('[data-backend]');
    const links = await page.$$eval('a', (all) => all.filter((link) => !link.hidden).map((link) => ({ text: link.textContent, href: link.href })));
    expect(links.map(({ text }) => text)).toContain('Correctness');
    for (const { href } of links.filter(({ href }) => href.startsWith(site.url))) expect((await page.request.get(href)).status(), href).toBe(200);
    for (const { text, href } of links) expect(href, `${text}`).toMatch(/^https?:/);
  });

  test.each([
    { name: 'landing-dark', options: { colorScheme: 'dark' as const } },
    { name: 'landing-mobile', options: { viewport: { width: 375, height: 800 } } },
  ])('$name does not scroll sideways', async ({ name, options }) => {
    const { page, complaints } = await openPage(browser, options);
    await page.goto(site.url);
    await page.waitForSelector('[data-backend]');
    expect(await overflow(page)).toBe(0);
    await screenshot(page, name);
    expect(complaints).toEqual([]);
  });
});

describe('control: without WebGPU', () => {
  test.each([
    { name: 'no adapter', url: () => site.url, why: 'WebGPU has no adapter here. The CPU runs instead.' },
    { name: 'no navigator.gpu', url: () => site.insecureUrl, why: 'This environment has no WebGPU' },
  ])('$name: says so, and the sample refuses', async ({ url, why }) => {
    const { page, complaints } = await openPage(plain);
    await page.goto(url());
    await page.waitForSelector('[data-backend="cpu"]');
    expect(await page.innerText('#facts')).toContain(why);
    await page.click('#run');
    await page.waitForSelector('#output.refusal');
    expect(await page.innerText('#output')).toBe('There is no WebGPU adapter here.');
    expect(complaints).toEqual([]);
  });
});
