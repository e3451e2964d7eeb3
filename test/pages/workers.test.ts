// Claim: the workers page trains by itself, on the GPU and without one, and two workers come to what one comes to.
// Control: the same page over ports that change what they carry goes red.
import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { describe, expect, onTestFinished, test } from 'vitest';
import { BOUND, COMPARED } from '../../demo/workers/compare.js';
import { launch, openPage, overflow, screenshot, share } from './site.js';

const PAGE = 'demo/workers/index.html';

const shared = share('gpu', 'plain');

async function open(where: Browser, query: string, options: BrowserContextOptions = {}, base = shared.site.url) {
  const opened = await openPage(where, options);
  await opened.page.goto(`${base}${PAGE}${query}`);
  return opened;
}

/** Puts a script in front of the workers' own. */
async function tamper(page: Page, script: string): Promise<void> {
  await page.context().route(/worker-[^/]*\.js/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${script}\n${await response.text()}` });
  });
}

async function end(page: Page): Promise<string> {
  await page.waitForFunction(() => !['running', undefined].includes(document.documentElement.dataset.state));
  return (await page.getAttribute('html', 'data-state'))!;
}

/** What the table shows: of each value the difference from one worker, and of the two from each other. */
async function shown(page: Page): Promise<Record<string, number[]>> {
  const rows = await page.$$eval('#differences tbody tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent!)));
  return Object.fromEntries(rows.map(([name, ...cells]) => [name, cells.map(numberOf)]));
}

/** 2.4·10⁻⁷ */
function numberOf(text: string): number {
  return Number(text.replace('·10', 'e').replace('⁻', '-').replace(/[⁰¹²³⁴-⁹]/g, (digit) => String('⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(digit))));
}

async function expectSame(page: Page): Promise<void> {
  expect(await page.innerText('#refusal')).toBe('');
  const differences = await shown(page);
  expect(Object.keys(differences)).toEqual(Object.values(COMPARED));
  for (const [name, [fromOne, fromOther]] of Object.entries(differences)) {
    expect(fromOne, name).toBeLessThanOrEqual(BOUND);
    expect(fromOther, name).toBe(0);
  }
  expect(differences.gamma[0]).toBeGreaterThan(0); // not one run shown twice
}

describe('with WebGPU', () => {
  test('two workers train what one trains; curves, table and words say so', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.gpu, '?steps=30');
    expect(await page.getAttribute('html', 'data-state')).toBe('running');
    expect(await end(page)).toBe('passed');
    await expectSame(page);
    expect(await page.innerText('#verdict')).toMatch(
      /^The same training: after 30 steps on the (GPU|software adapter) the largest difference is \d\.\d·10⁻[⁵-⁹], within 10⁻⁵\.$/,
    );
    expect(await page.innerText('#count')).toBe('Steps of 30: one worker 30, first of two 30, second of two 30');
    expect(await page.innerText('#facts')).toMatch(
      /one worker\s+GPU, .+; 96 of 96 rows\s+first of two\s+GPU, .+; 48 of 96 rows\s+second of two\s+GPU, .+; 48 of 96 rows\s+why\s+WebGPU has/,
    );
    expect(await page.isHidden('#banner')).toBe(true);

    await page.waitForTimeout(300); // the charts follow
    expect(await page.getAttribute('#loss-plot', 'aria-label')).toMatch(
      /^Loss over 30 steps: one worker from 1\.695 to (0\.\d+), two workers from 1\.695 to \1\.$/,
    );
    expect(await page.getAttribute('#apart-plot', 'aria-label')).toMatch(/step by step: at most \d\.\d·10⁻[⁵-⁹]\.$/);
    for (const plot of ['#loss-plot', '#apart-plot']) {
      const inked = await page.$eval(`${plot} canvas`, (canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
        return data.filter((value, i) => i % 4 === 3 && value > 0).length / (width * height);
      });
      expect(inked, plot).toBeGreaterThan(0.01);
    }
    expect(await page.textContent('#exchange-code')).toContain("from 'webgpu-batchnorm'");
    expect(await page.textContent('#train-code')).toContain("from 'webgpu-batchnorm/data'");

    await screenshot(page, 'workers-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(200);
    await screenshot(page, 'workers-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 375, height: 800 });
    await page.waitForTimeout(200); // the plots follow a frame later
    expect(await overflow(page)).toBe(0);
    await page.click('summary');
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'workers-mobile');
    expect(complaints).toEqual([]);
  });

  test('a device that is lost is said in a sentence, and the next start has another', { tags: ['long'] }, async () => {
    const own = await launch({ gpu: true });
    onTestFinished(() => own.close());
    const { page, complaints } = await open(own, '?steps=1000');
    await page.waitForFunction(() => document.querySelector('#verdict')!.textContent!.startsWith('Training'));
    const devtools = await own.newBrowserCDPSession();
    await devtools.send('Browser.crashGpuProcess');
    expect(await end(page)).toBe('error');
    expect(await page.innerText('#refusal')).toMatch(
      /^The (one worker|first of two|second of two): [\w.]+: the device was lost \([^()]+\)\. Create a device, and what runs on it, anew\.$/,
    );
    expect(await page.innerText('#banner')).toMatch(/^The GPU device was lost\. ./);
    await page.fill('#steps', '5');
    await page.press('#steps', 'Enter');
    expect(await end(page)).toBe('passed');
    await expectSame(page);
    expect(await page.innerText('#facts')).toMatch(/one worker\s+GPU/);
    expect(complaints).toEqual([]);
  });
});

describe('without WebGPU', () => {
  test.each([
    { name: 'no adapter', base: () => shared.site.url, why: 'WebGPU has no adapter here. The CPU runs instead.' },
    { name: 'no navigator.gpu', base: () => shared.site.insecureUrl, why: 'This environment has no WebGPU' },
  ])('$name: trains on the CPU and says so', async ({ base, why }) => {
    const { page, complaints } = await open(shared.plain, '?steps=30', {}, base());
    expect(await end(page)).toBe('passed');
    await expectSame(page);
    expect(await page.innerText('#verdict')).toContain('on the CPU');
    expect(await page.innerText('#banner')).toContain(`No GPU is used. ${why}`);
    expect(await page.innerText('#facts')).toMatch(/one worker\s+CPU; 96 of 96 rows\s+first of two\s+CPU/);
    expect(complaints).toEqual([]);
  });

  test('unequal shares; a choice starts again, a link keeps it', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, '?backend=cpu&steps=30&seed=3');
    expect(await end(page)).toBe('passed');
    for (const [rows, rest] of [['64', '32'], ['95', '1']] as const) {
      await page.selectOption('#rows', rows);
      await page.waitForFunction((query) => location.search === query, `?backend=cpu&rows=${rows}&steps=30&seed=3`);
      expect(await end(page)).toBe('passed');
      await expectSame(page);
      expect(await page.innerText('#facts')).toMatch(new RegExp(`first of two\\s+CPU; ${rows} of 96 rows\\s+second of two\\s+CPU; ${rest} of 96 rows`));
    }
    await page.goto(`${shared.site.url}${PAGE}?backend=cpu&rows=17&steps=2`);
    expect(await end(page)).toBe('passed');
    expect(await page.inputValue('#rows')).toBe('17');
    expect(complaints).toEqual([]);
  });

  test('control: a part that changes on its way is seen', async () => {
    const { page } = await openPage(shared.plain);
    // The mean of the first channel comes a tenth too large in every part of 4·32 words, the moments.
    await tamper(page, `{
      const post = MessagePort.prototype.postMessage;
      MessagePort.prototype.postMessage = function (part) {
        const sent = part.slice();
        if (sent.length === 128) new Float32Array(sent.buffer)[32] += 0.1;
        post.call(this, sent);
      };
    }`);
    await page.goto(`${shared.site.url}${PAGE}?backend=cpu&rows=64&steps=10`);
    expect(await end(page)).toBe('failed');
    expect(await page.innerText('#verdict')).toMatch(/^Not the same training: /);
    const { 'running mean': [fromOne, fromOther] } = await shown(page);
    expect(Math.min(fromOne, fromOther)).toBeGreaterThan(BOUND);
    expect(await page.locator('#differences tr.bad').count()).toBeGreaterThan(3);
  });

  test('Stop ends a run; what has no meaning is refused and leaves what stands there', async () => {
    const { page, complaints } = await open(shared.plain, '?backend=cpu&steps=1000');
    await page.waitForFunction(() => document.querySelector('#verdict')!.textContent!.startsWith('Training'));
    await page.click('#stop');
    expect(await end(page)).toBe('stopped');
    expect(await page.innerText('#verdict')).toMatch(/^Stopped: steps of 1000: one worker \d+, first of two \d+, second of two \d+\.$/);
    await page.fill('#steps', '0');
    await page.press('#steps', 'Enter');
    expect(await page.innerText('#refusal')).toBe('train: "steps" is "0", needs an integer from 1 to 1000.');
    expect(await page.getAttribute('html', 'data-state')).toBe('stopped');
    await page.goto(`${shared.site.url}${PAGE}?rows=96`);
    expect(await end(page)).toBe('error');
    expect(await page.innerText('#refusal')).toBe('train: "rows" is "96", needs an integer from 1 to 95.');
    expect(complaints).toEqual([]);
  });

  test('a worker that breaks down ends the others, in a sentence', async () => {
    const { page, complaints } = await openPage(shared.plain);
    await tamper(page, "setTimeout(() => { throw new Error('broken on purpose'); }, 500);");
    await page.goto(`${shared.site.url}${PAGE}?backend=cpu&steps=1000`);
    expect(await end(page)).toBe('error');
    expect(await page.innerText('#refusal')).toMatch(
      /^The (one worker|first of two|second of two): The worker broke down: .*broken on purpose\. Start again\.$/,
    );
    expect(complaints).toEqual([]);
  });

  test('a worker that cannot start is said plainly', async () => {
    const { page } = await openPage(shared.plain);
    await page.context().route(/worker-[^/]*\.js/, (route) => route.abort());
    await page.goto(`${shared.site.url}${PAGE}?backend=cpu`);
    expect(await end(page)).toBe('error');
    expect(await page.innerText('#verdict')).toBe('Did not run.');
    expect(await page.innerText('#refusal')).toMatch(
      /^The one worker: This page needs module web workers and could create none \(.+\)\. Use a current browser\.$/,
    );
  });
});
