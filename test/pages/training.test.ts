// Claim: the training page trains two nets by itself, on the GPU and without one, shows what becomes of them in pictures and in
// words, and says of everything it refuses or loses what it was and what stands.
// Control: a sweep that is stopped, a row that is not there and a file without labels give no result.
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Curve } from '../../demo/training/charts/curve.js';
import { SpreadHistory, spreadOf } from '../../demo/training/pictures/history.js';
import { DEFAULTS } from '../../demo/training/settings.js';
import { launch, openPage, overflow, screenshot, share, textOf } from './site.js';

const PAGE = 'demo/training/index.html';
/** A net that steps fast anywhere. */
const SMALL = 'depth=1&width=8';

const shared = share('gpu', 'plain');

async function open(where: Browser, query: string, options: BrowserContextOptions = {}, base = shared.site.url) {
  const opened = await openPage(where, options);
  await opened.page.goto(`${base}${PAGE}${query}`);
  return opened;
}

async function reached(page: Page, ...states: string[]): Promise<string> {
  await page.waitForFunction((wanted) => wanted.includes(document.documentElement.dataset.state!), states);
  return (await page.getAttribute('html', 'data-state'))!;
}

async function paused(page: Page, steps: number): Promise<void> {
  await page.waitForFunction(
    (steps) => document.documentElement.dataset.state === 'error' || document.querySelector('#verdict')!.textContent!.startsWith(`Paused after ${steps} step`),
    steps,
  );
  expect(await page.getAttribute('html', 'data-state'), await page.innerText('#refusal')).toBe('paused');
}

/** Share of a canvas that is painted, and how many colours it has. */
function painted(page: Page, selector: string): Promise<{ share: number; colors: number }> {
  return page.$eval(selector, (canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
    const words = new Uint32Array(data.buffer);
    return { share: words.filter((word) => word !== 0).length / words.length, colors: new Set(words).size };
  });
}

/** Drops files on the page as a hand does. */
async function drop(page: Page, ...files: { name: string; text: string }[]): Promise<void> {
  const transfer = await page.evaluateHandle((files) => {
    const made = new DataTransfer();
    for (const { name, text } of files) made.items.add(new File([text], name));
    return made;
  }, files);
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
}

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').flatMap(
    ({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}

const rowsOf = (page: Page, table: string) => page.$$eval(`${table} tbody tr`, (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent!)));

/** 98.5 % */
const percentOf = (text: string) => Number(/^([\d.]+)\u00a0%$/.exec(text)![1]);

describe('with WebGPU', () => {
  test('trains the spiral by itself; curves, plane, layers and words follow; runs, pauses, steps, begins anew', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.gpu, '?depth=1&steps=30'); // each layer's products compile for seconds on SwiftShader
    await paused(page, 30);
    const place = (await page.innerText('#facts')).includes('(software)') ? 'software adapter' : 'GPU';
    expect(await page.innerText('#verdict')).toMatch(
      new RegExp(`^Paused after 30 steps on the ${place}: \\d+\\.\\d\\s% of the held-out rows are right with batch norm, \\d+\\.\\d\\s% without\\.$`),
    );
    expect(await page.innerText('#count')).toMatch(/^Step 30 of 30, [\d.]+ ms a step of both nets, \d+ examples a second$/);
    expect(await page.innerText('#facts')).toMatch(
      /backend\s+GPU, .+[\s\S]*layers\s+jax-js .+ batch norm by this library\s+data\s+600 rows of 2 values to train on, 300 held out, 3 classes\s+parameters\s+with batch norm 227, without 195/,
    );
    expect(await page.isHidden('#banner')).toBe(true);

    await page.waitForTimeout(300); // the pictures follow
    expect(await page.getAttribute('#loss-plot', 'aria-label')).toMatch(
      /^Mean of the last \d+ steps?, up to step 30: with batch norm [\d.]+, without [\d.]+\.$/,
    );
    expect(await page.getAttribute('#accuracy-plot', 'aria-label')).toMatch(/^At step 30: with batch norm \d+\.\d\s%, without \d+\.\d\s%\. Loss there/);
    for (const plot of ['#loss-plot', '#accuracy-plot']) expect((await painted(page, `${plot} canvas`)).share, plot).toBeGreaterThan(0.01);
    for (const net of ['norm', 'plain']) {
      const canvas = `#regions-${net}`;
      const { share, colors } = await painted(page, canvas);
      expect(share, canvas).toBe(1);
      expect(colors, canvas).toBeGreaterThan(6); // tints and points of three classes
      expect(await page.getAttribute(canvas, 'aria-label')).toMatch(
        new RegExp(`^The plane as the net with${net === 'norm' ? ' batch norm' : 'out'} divides it at step 30, shares of each class: 1: `),
      );
    }
    expect(await page.locator('.layer canvas').count()).toBe(6);
    for (const [i, canvas] of (await page.locator('.layer canvas').all()).entries()) {
      const words = (await canvas.getAttribute('aria-label'))!;
      expect(words).toMatch(new RegExp(`^Layer ${Math.floor(i / 6) + 1}, .+ at step 30: `));
      await canvas.evaluate((one) => (one.id = 'looked-at'));
      expect((await painted(page, '#looked-at')).share, words).toBeGreaterThan(0.03);
      await canvas.evaluate((one) => one.removeAttribute('id'));
    }
    expect(await page.textContent('#op-code')).toContain("from 'webgpu-batchnorm'");

    expect(await violations(page), 'in light').toEqual([]);
    await screenshot(page, 'training-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(100); // the plots follow
    expect(await violations(page), 'in dark').toEqual([]);
    await screenshot(page, 'training-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 375, height: 800 });
    await page.waitForTimeout(200);
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'training-mobile');

    const accuracy = await page.innerText('#accuracy-words');
    await page.focus('#step');
    for (const step of [31, 32]) {
      await page.keyboard.press('Enter');
      await paused(page, step);
      expect(await page.getAttribute('#loss-plot', 'aria-label')).toMatch(new RegExp(`^Mean of the last step, up to step ${step}: `));
    }
    expect(await page.innerText('#accuracy-words')).not.toBe(accuracy);
    await page.focus('#run');
    await page.keyboard.press('Enter'); // to the next pause
    await page.waitForSelector('html[data-state="running"]');
    expect(await page.innerText('#run')).toBe('Pause');
    await paused(page, 60);
    await page.fill('#steps', '100000');
    await page.press('#steps', 'Enter');
    await page.waitForSelector('html[data-state="running"]');
    await page.waitForFunction(() => Number(/^Step (\d+)/.exec(document.querySelector('#count')!.textContent!)?.[1]) > 0);
    await page.click('#run');
    expect(await reached(page, 'paused')).toBe('paused');
    const [, at] = /^Paused after (\d+) step/.exec(await page.innerText('#verdict'))!;
    await page.waitForTimeout(500);
    expect(await page.innerText('#count')).toMatch(new RegExp(`^Step ${at} of 100000, `)); // it stands
    await page.click('#reset');
    await page.waitForFunction(() => document.querySelector('#verdict')!.textContent!.startsWith('Ready on the '));
    expect(await page.innerText('#loss-words')).toBe('Nothing has been trained yet.');
    expect(await page.innerText('#accuracy-words')).toMatch(/^At step 0: /);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a sweep shows its points and stops; batch sizes and one example alone; nets saved are loaded', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.gpu, `?${SMALL}&steps=50`);
    await paused(page, 50);
    const stood = await page.innerText('#accuracy-words');

    await page.fill('#sweep-steps', '49');
    await page.click('#sweep-run');
    expect(await page.innerText('#sweep-refusal')).toBe('sweep: "steps" is "49", needs an integer from 50 to 10000.');
    expect(await page.isHidden('#sweep-result')).toBe(true);
    await page.fill('#sweep-steps', '50');
    await page.focus('#sweep-run');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('#sweep-table tbody tr').length >= 2);
    expect(await page.isDisabled('#run')).toBe(true);
    await page.keyboard.press('Enter'); // the focus has gone on to Stop
    await page.waitForSelector('#sweep[data-state="stopped"]');
    const points = await rowsOf(page, '#sweep-table');
    expect(points.slice(0, 2).map(([scale]) => scale)).toEqual(['0.0001', '0.000162']);
    expect(points.length).toBeLessThan(20);
    for (const [scale, own, other, ...losses] of points) {
      expect(percentOf(own!), scale).toBeLessThanOrEqual(100);
      expect(percentOf(own!), scale).toBeGreaterThan(percentOf(other!) + 5);
      expect(losses.map((loss) => Number(loss) > 0)).toEqual([true, true]);
    }
    expect(await page.innerText('#sweep-status')).toBe(`Stopped after ${points.length} of 20 scales, the spiral, 1 hidden layer of 8 channels.`);
    expect(await page.getAttribute('#sweep-accuracy', 'aria-label')).toContain(`${points.length} weight scales from 0.0001 to ${points.at(-1)![0]}`);
    for (const plot of ['#sweep-accuracy', '#sweep-loss']) expect((await painted(page, `${plot} canvas`)).share, plot).toBeGreaterThan(0.01);
    expect(await page.innerText('#accuracy-words')).toBe(stood);

    await page.click('#batches-run');
    await page.waitForSelector('#batches-table tbody tr');
    const sizes = await rowsOf(page, '#batches-table');
    expect(sizes.map(([size]) => size)).toEqual(['5', '10', '50']);
    const [right] = new Set(sizes.map(([, running]) => running));
    expect(sizes.map(([, running]) => running)).toEqual([right, right, right]); // running statistics know no batch
    expect(stood).toContain(`with batch norm ${right}`);
    expect(new Set(sizes.map(([, , , , loss]) => loss)).size).toBe(3);

    await page.fill('#one-row', '300');
    await page.click('#one-run');
    expect(await page.innerText('#one-status')).toBe('testOne: "row" is "300", needs an integer from 0 to 299.');
    await page.fill('#one-row', '299');
    await page.click('#one-run');
    await page.waitForFunction(() => document.querySelector('#one-status')!.textContent!.startsWith('Row 299 alone'));
    expect(await page.innerText('#one-status')).toMatch(
      /^Row 299 alone is taken for [123], (which is right|and its label is 3)\. Each batch norm gives it the same bits alone and within a batch; (so do|the whole net’s scores differ by [\d.e−]+, which is) /,
    );

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    expect(download.suggestedFilename()).toBe('spiral-50-steps.json');
    const text = await textOf(download);
    expect(Object.keys((JSON.parse(text) as { nets: { batchNorm: object } }).nets.batchNorm)).toContain('norms.0.running_mean');
    await page.fill('#seed', '9');
    await page.press('#seed', 'Enter');
    await page.waitForFunction(() => location.search.includes('seed=9'));
    await paused(page, 50);
    expect(await page.innerText('#accuracy-words')).not.toBe(stood);
    await page.setInputFiles('#load', { name: 'broken.json', mimeType: 'application/json', buffer: Buffer.from('{"format":') });
    await page.waitForSelector('#files-status.refusal');
    expect(await page.innerText('#files-status')).toMatch(/^load: .+/);
    expect(await page.getAttribute('html', 'data-state')).toBe('paused');
    await page.setInputFiles('#load', { name: 'saved.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await page.waitForFunction((stood) => document.querySelector('#accuracy-words')!.textContent === stood, stood);
    await paused(page, 50);
    expect(await page.innerText('#files-status')).toBe('Loaded: 50 steps of training.');
    expect(await page.inputValue('#seed')).toBe('1');
    expect(new URL(page.url()).search).toBe('?depth=1&width=8&steps=50');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a device that is lost is said with what to do, and the next start has another', { tags: ['long'] }, async () => {
    const own = await launch({ gpu: true });
    onTestFinished(() => own.close());
    const { page, complaints } = await open(own, `?${SMALL}&steps=100000`);
    await page.waitForFunction(() => Number(/^Step (\d+)/.exec(document.querySelector('#count')!.textContent!)?.[1]) > 20);
    const devtools = await own.newBrowserCDPSession();
    await devtools.send('Browser.crashGpuProcess');
    expect(await reached(page, 'error')).toBe('error');
    expect(await page.innerText('#verdict')).toMatch(/^Broke off after \d+ steps\.$/);
    expect(await page.innerText('#banner')).toMatch(/^The GPU device was lost\. ./);
    expect(await page.innerText('#refusal')).toMatch(/^The device was lost, .+“Start anew” opens another device/);
    expect(await page.isDisabled('#step')).toBe(true);
    await page.fill('#steps', '5');
    await page.press('#steps', 'Enter');
    await paused(page, 5);
    expect(await page.innerText('#facts')).toMatch(/backend\s+GPU/);
    expect(await page.isHidden('#banner')).toBe(true);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

describe('without WebGPU', () => {
  test.each([
    { name: 'no adapter', base: () => shared.site.url, why: 'WebGPU has no adapter here. The CPU runs instead.' },
    { name: 'no navigator.gpu', base: () => shared.site.insecureUrl, why: 'This environment has no WebGPU' },
  ])('$name: trains on the CPU and says so', async ({ base, why }) => {
    const { page, complaints } = await open(shared.plain, '?steps=60&scale=0.001', {}, base());
    await paused(page, 60);
    expect(await page.innerText('#verdict')).toContain('on the CPU');
    expect(await page.innerText('#banner')).toContain(`No GPU is used. ${why}`);
    expect(await page.innerText('#facts')).toMatch(/backend\s+CPU\s+why\s+\S/);
    expect((await painted(page, '#regions-norm')).share).toBe(1);
    // At this scale the net without batch norm sees nothing yet: every picture is of the net it names.
    expect(await page.getAttribute('#regions-plain', 'aria-label')).toContain('100.0\u00a0%');
    expect(await page.getAttribute('#regions-norm', 'aria-label')).not.toContain('100.0\u00a0%');
    expect(await page.locator('.layer').count()).toBe(3);
    const [own, other] = await Promise.all(['with batch norm', 'without'].map(async (net) => {
      const words = await page.getAttribute(`.layer:last-child canvas[aria-label*="activations ${net} at"]`, 'aria-label');
      return Number(/deviation (\S+)\.$/.exec(words!)![1]!.replaceAll('−', '-'));
    }));
    expect(own).toBeGreaterThan(0.5);
    expect(other).toBeLessThan(0.01);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('the digits that are wrong are shown, as many as are said', { tags: ['long'] }, async () => {
    const { page, complaints } =
      await open(shared.plain, '?data=digits&backend=cpu&steps=60&scale=0.001', { viewport: { width: 375, height: 800 }, colorScheme: 'dark' });
    await paused(page, 60);
    expect(await page.isHidden('#banner')).toBe(true); // the CPU was asked for
    expect(await page.isHidden('#regions')).toBe(true);
    const accuracy = await page.innerText('#accuracy-words');
    const [, ...rights] = /with batch norm ([\d.]+)\s%, without ([\d.]+)\s%/.exec(accuracy)!;
    expect(Number(rights[0])).toBeGreaterThan(2 * Number(rights[1])); // at this scale the other sees nothing yet
    for (const [i, net] of ['norm', 'plain'].entries()) {
      const wrong = Math.round(10 * (100 - Number(rights[i])));
      expect(await page.innerText(`#wrong-${net}-words`)).toMatch(new RegExp(`^${wrong} of 1000 are wrong`));
      const labels = await page.$$eval(`#wrong-${net} li`, (items) => items.map((item) => item.textContent!));
      expect(labels.length).toBe(Math.min(28, wrong));
      for (const label of labels) expect(label).toMatch(/^(\d) → (?!\1)\d$/);
      const { share, colors } = await painted(page, `#wrong-${net} canvas`);
      expect(share).toBeGreaterThan(0.05);
      expect(share).toBeLessThan(0.8);
      expect(colors).toBeGreaterThan(2); // edges are grey
    }
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'training-digits-mobile-dark');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a link gives its run again; what is refused says why and leaves what runs', async () => {
    const query = '?backend=cpu&depth=2&width=16&batch=32&rate=0.02&scale=0.3&optimiser=sgd&fused=false&seed=7&steps=30';
    const { page, complaints } = await open(shared.plain, query, { permissions: ['clipboard-read', 'clipboard-write'] });
    await paused(page, 30);
    const wanted = { data: 'spiral', backend: 'cpu', depth: '2', width: '16', batch: '32', rate: '0.02', scale: '0.3', optimiser: 'sgd', fused: 'false',
      seed: '7', steps: '30' };
    for (const [name, value] of Object.entries(wanted)) expect(await page.inputValue(`#${name}`), name).toBe(value);
    expect(await page.locator('.layer').count()).toBe(2);
    const first = await page.innerText('#accuracy-words');
    await page.click('#copy-link');
    await page.waitForFunction(() => document.querySelector('#copied')!.textContent);
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toBe(page.url());

    for (const { field, value, why } of [
      { field: 'width', value: '0', why: 'train: "width" is 0, needs an integer from 1 to 512.' },
      { field: 'rate', value: 'fast', why: 'train: "rate" is "fast", needs a number from 0.000001 to 10.' },
      { field: 'batch', value: '601', why: 'train: "batch" is 601, needs at most 600 (the rows to train on).' },
      { field: 'steps', value: '0', why: 'train: "steps" is "0", needs an integer from 1 to 1000000.' },
    ]) {
      const before = await page.inputValue(`#${field}`);
      await page.fill(`#${field}`, value);
      await page.press(`#${field}`, 'Enter');
      await page.waitForFunction(() => document.querySelector('#refusal')!.textContent);
      expect((await page.innerText('#refusal')).replace('1e-6', '0.000001')).toBe(why);
      await paused(page, 30);
      expect(await page.innerText('#accuracy-words')).toBe(first);
      expect(new URL(page.url()).search).toBe(new URL(link).search);
      await page.fill(`#${field}`, before);
    }

    // Of two starts at once the last one stays, and runs.
    await page.evaluate(() => {
      for (const seed of ['11', '12']) {
        document.querySelector<HTMLInputElement>('#seed')!.value = seed;
        document.querySelector('form')!.requestSubmit();
      }
    });
    await page.waitForFunction(() => location.search.includes('seed=12'));
    await paused(page, 30);
    expect(await page.innerText('#accuracy-words')).not.toBe(first);

    await page.goto('about:blank');
    await page.goto(link);
    await paused(page, 30);
    for (const [name, value] of Object.entries(wanted)) expect(await page.inputValue(`#${name}`), name).toBe(value);
    expect(await page.innerText('#accuracy-words')).toBe(first);

    await page.fill('#steps', '100000');
    await page.selectOption('#data', 'digits'); // brings its own defaults, and starts
    await page.waitForFunction(() => location.search.includes('data=digits'));
    expect(await page.inputValue('#width')).toBe(String(DEFAULTS.digits.width));
    expect(await page.inputValue('#seed')).toBe('7');
    await page.fill('#batch', '4000');
    await page.press('#batch', 'Enter');
    await page.waitForFunction(() => document.querySelector('#refusal')!.textContent);
    expect(await reached(page, 'running')).toBe('running'); // what ran goes on
    await page.goto(`${shared.site.url}${PAGE}?optimiser=newton`);
    expect(await reached(page, 'error')).toBe('error');
    expect(await page.innerText('#refusal')).toBe('train: "optimiser" is "newton", needs "sgd", "momentum" or "adam".');
    expect(await page.innerText('#verdict')).toBe('Not training.');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a file of one’s own is dropped, split by the column chosen, and learned', async () => {
    const { page, complaints } = await open(shared.plain, '?data=own&backend=cpu&width=8&steps=40');
    expect(await reached(page, 'waiting')).toBe('waiting');
    expect(await page.innerText('#verdict')).toBe('Choose a file of your own, or drop it on this page.');
    expect(await violations(page)).toEqual([]);
    const header = 'width,kind,height,side';
    const line = (_: unknown, i: number) => `${(i % 2 ? 3 : 1) + (i % 7) / 10},${i % 2 ? 'tall' : 'low'},${(i % 2 ? 8 : 2) + (i % 5) / 10},${i % 3}`;
    await drop(page, { name: 'things.csv', text: [header, ...Array.from({ length: 200 }, line)].join('\n') });
    await paused(page, 40);
    expect(await page.innerText('#own-status')).toBe('things.csv: 200 rows × 4 columns.');
    expect(await page.$$eval('#own-label option', (all) => all.map((one) => one.textContent))).toEqual(['width', 'kind, text', 'height', 'side']);
    expect(await page.$eval('#own-label', (select) => (select as HTMLSelectElement).selectedOptions[0]!.textContent)).toBe('kind, text');
    expect(await page.innerText('#facts')).toMatch(/data\s+160 rows of 3 values to train on, 40 held out, 2 classes/);
    expect(await page.innerText('#accuracy-words')).toContain('with batch norm 100.0\u00a0%');
    expect(await page.innerText('#wrong-norm-words')).toBe('All 40 are right.');
    expect(new URL(page.url()).search).toBe('?data=own&backend=cpu&width=8&steps=40');

    await page.selectOption('#own-label', { label: 'side' });
    await page.waitForFunction(() => document.querySelector('#refusal')!.textContent);
    expect(await page.innerText('#refusal')).toMatch(/things\.csv.* line 2, column 2 is "low", needs a number/);
    expect(await page.innerText('#facts')).toContain('2 classes'); // what was learned stands

    await drop(page, { name: 'page-bad-cell.csv', text: readFileSync('test/data/cases/page-bad-cell.csv', 'utf8') });
    await page.waitForSelector('#own-status.refusal');
    expect(await page.innerText('#own-status')).toMatch(/page-bad-cell\.csv" line 32, column 2 is "#N\/A", needs a finite number/);
    expect(await page.$eval('#own-label', (select) => (select as HTMLSelectElement).selectedOptions[0]!.textContent)).toBe('y');
    expect(await page.innerText('#facts')).toContain('2 classes');

    await drop(page, { name: 'broken.csv', text: 'a,b\n1,2\n3\n' });
    await page.waitForSelector('#own-status.refusal');
    expect(await page.innerText('#own-status')).toMatch(/broken\.csv.* line 3, column 2 is missing, needs 2 cells/);
    await page.setInputFiles('#own-file',
      { name: 'numbers.csv', mimeType: 'text/csv', buffer: Buffer.from(Array.from({ length: 90 }, (_, i) => `${i % 3},${i % 3},${i % 5}`).join('\n')) });
    await page.waitForFunction(() => document.querySelector('#facts')!.textContent!.includes('5 classes'));
    await paused(page, 40);
    await page.selectOption('#own-label', { label: 'column 1' });
    await page.waitForFunction(() => document.querySelector('#facts')!.textContent!.includes('3 classes'));
    await paused(page, 40);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('two files: the data, and their labels', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, '?backend=cpu&steps=5');
    await paused(page, 5);
    const rows = Array.from({ length: 50 }, (_, i) => i % 2);
    await drop(page, { name: 'labels.csv', text: rows.join('\n') }, { name: 'data.csv', text: rows.map((row, i) => `${row},${i % 3}`).join('\n') });
    await page.waitForFunction(() => document.querySelector('#facts')!.textContent!.includes('40 rows of 2 values'));
    await paused(page, 5);
    expect(await page.innerText('#own-status')).toBe('data.csv: 50 rows with their labels.');
    expect(await page.inputValue('#data')).toBe('own');
    expect(await page.isVisible('#regions')).toBe(true); // two values lie in a plane
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test.each([
    { name: 'breaks down', put: "setTimeout(() => { throw new Error('broken on purpose'); }, 800);",
      why: /^The worker broke down: .*broken on purpose\. “Start anew” begins with another worker\.$/ },
    { name: 'cannot start', put: null, why: /^This page needs a module web worker and could create none \(.+\)\. Use a current browser\./ },
  ])('a worker that $name is said plainly', async ({ put, why }) => {
    const { page } = await openPage(shared.plain);
    await page.context().route(/\/worker-[^/]*\.js/, async (route) => {
      if (put === null) return route.abort();
      const response = await route.fetch();
      await route.fulfill({ response, body: `${put}\n${await response.text()}` });
    });
    await page.goto(`${shared.site.url}${PAGE}?backend=cpu&steps=100000`);
    expect(await reached(page, 'error')).toBe('error');
    expect(await page.innerText('#refusal')).toMatch(why);
    expect(await page.innerText('#verdict')).toMatch(put === null ? /^Not training\.$/ : /^(Broke off after \d+ steps?|Not training)\.$/);
    await page.context().close();
  });
});

describe('what the pictures are drawn from', () => {
  test('a curve of any length keeps its mean in at most 1000 points', () => {
    for (const length of [1, 1000, 1001, 2500, 10_007]) {
      const curve = new Curve();
      for (let step = 1; step <= length; step++) curve.push(step, { batchNorm: step, plain: -step });
      const [steps, own, other] = curve.data();
      expect(steps.length).toBeLessThanOrEqual(1000);
      expect(steps.length).toBeGreaterThan(Math.min(length, 1000) / 2 - 1);
      const width = steps[0]!;
      steps.forEach((step, i) => {
        expect(step).toBe((i + 1) * width);
        expect(own[i]).toBeCloseTo(step - (width - 1) / 2, 6); // the mean of the steps it stands for
        expect(other[i]).toBe(-own[i]!);
      });
    }
  });

  test('a value that is not finite is a gap', () => {
    const curve = new Curve();
    [NaN, 1, Infinity].forEach((value, i) => curve.push(i, { batchNorm: value, plain: 0 }));
    expect(curve.data()).toEqual([[0, 1, 2], [null, 1, null], [0, 0, 0]]);
  });

  test('a spread is of quartiles; its history is bounded and ends with the last', () => {
    expect(spreadOf([5, 1, 2, 3, 4])).toEqual({ least: 1, low: 2, median: 3, high: 4, most: 5 });
    expect(spreadOf([7])).toEqual({ least: 7, low: 7, median: 7, high: 7, most: 7 });
    const history = new SpreadHistory();
    for (let step = 0; step < 2000; step++) history.push(step, [step]);
    expect(history.moments.length).toBeLessThanOrEqual(300);
    expect(history.moments[0]!.step).toBe(0);
    expect(history.moments.at(-1)).toMatchObject({ step: 1999, spread: { median: 1999 } });
    history.push(1999, [5]); // again at the same step
    expect(history.moments.at(-1)!.spread.median).toBe(5);
    expect(history.moments.filter(({ step }) => step === 1999)).toHaveLength(1);
  });
});
