// Claim: the landing page says what runs the library here, and the code it shows is the code it runs.
// Control: the same page where there is no adapter says so, and the same code refuses with its sentence.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tableOfReadme } from '../../demo/site/readme.js';
import { openPage, screenshot, share } from './site.js';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const SAMPLE = readFileSync(join(ROOT, 'demo/landing/sample.ts'), 'utf8');

/** Markdown without its marks for code and links, in one line. */
const plainOf = (markdown: string) => markdown.replace(/`([^`]*)`/g, '$1').replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').replace(/\s+/g, ' ');
const cellsOf = (line: string) => line.split('|').slice(1, -1).map((cell) => plainOf(cell).trim());

const shared = share('gpu', 'plain');

describe('with WebGPU', () => {
  test('names the adapter, and the sample gives y by the formula', async () => {
    const { page, complaints } = await openPage(shared.gpu);
    await page.goto(shared.site.url);
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
    const { page } = await openPage(shared.gpu);
    await page.goto(shared.site.url);
    expect(SAMPLE).toContain("'../../src/index.js'");
    expect(await page.textContent('#sample')).toBe(SAMPLE.replace("'../../src/index.js'", "'webgpu-batchnorm'").trimEnd());
  });

  test('shows README’s tables, cell by cell, and its links lead to the tests', async () => {
    const { page } = await openPage(shared.gpu);
    await page.goto(shared.site.url);
    for (const [id, heading] of [['abilities', 'What it does, beside others'], ['exact', 'How exact'], ['fast', 'How fast']] as const) {
      const section = page.locator(`section[aria-labelledby="${id}"]`);
      expect(await section.locator('h2').innerText()).toBe(heading);
      const shown = await section.locator('tr').evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
      const written = README.split(`\n## ${heading}\n`)[1]!.split(/\n## /)[0]!;
      const lines = written.split('\n').filter((line) => /^\| (?!---)/.test(line));
      expect(shown.length).toBeGreaterThan(2);
      expect(shown).toEqual(lines.slice(0, shown.length).map((line) => cellsOf(line)));
      expect(lines[shown.length], 'one table').toBeUndefined();
      expect(plainOf(written)).toContain(await section.locator('.note').innerText());
    }

    const links = await page.locator('a[href]').evaluateAll((all: HTMLAnchorElement[]) => all.map(({ href }) => href));
    const tests = links.filter((href) => href.endsWith('.test.ts.txt'));
    expect(tests.length).toBeGreaterThan(10);
    const [first] = tests;
    await page.goto(first!);
    const file = first!.slice(`${shared.site.url}source/`.length, -'.txt'.length);
    expect((await page.innerText('body')).trimEnd()).toBe(readFileSync(join(ROOT, file), 'utf8').trimEnd());
  });
});

describe('control: without WebGPU', () => {
  test.each([
    { name: 'no adapter', url: () => shared.site.url, why: 'WebGPU has no adapter here. The CPU runs instead.' },
    { name: 'no navigator.gpu', url: () => shared.site.insecureUrl, why: 'This environment has no WebGPU' },
  ])('$name: says so, and the sample refuses', async ({ url, why }) => {
    const { page, complaints } = await openPage(shared.plain);
    await page.goto(url());
    await page.waitForSelector('[data-backend="cpu"]');
    expect(await page.innerText('#facts')).toContain(why);
    await page.click('#run');
    await page.waitForSelector('#output.refusal');
    expect(await page.innerText('#output')).toBe('There is no WebGPU adapter here.');
    expect(complaints).toEqual([]);
  });
});

test('a section that README has no longer is refused with what to do', () => {
  expect(tableOfReadme('# x\n\n## How fast\n\nWords:\n\n| a | b |\n| --- | --- |\n| c | 1 |\n', 'How fast')).toEqual(
    { heading: 'How fast', words: 'Words:', columns: ['a', 'b'], rows: [['c', '1']] },
  );
  expect(() => tableOfReadme('# x\n\n## How slow\n', 'How fast')).toThrow(
    'tableOfReadme: "heading" is "How fast", needs a section of README.md with a paragraph and a table after it (a page shows them). ' +
      'Write them there, or take the section out of demo/site/plugin.ts and the page.',
  );
});
