// Claim: the correctness page runs the whole self-test by itself, on the GPU and without one, and shows what it found.
// Control: the same page over a GPU that miscomputes goes red, and names the rows.
import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { openPage, overflow, screenshot, share, textOf } from './site.js';

const PAGE = 'demo/correctness/index.html';

/** Rows enough for the page to work a while, of two sets of kernels; all of them take a software adapter minutes. */
const PART = '?filter=column';

/** One quick row of the table. */
const QUICK = '?filter=control';

/** Who runs what a reader brings: the form is the same, and a software adapter takes long. */
const RUNS = [
  { on: 'the CPU', where: () => shared.plain, tags: [] },
  { on: 'the GPU', where: () => shared.gpu, tags: ['long'] },
];

const shared = share('gpu', 'plain');

async function open(where: Browser, query: string, options: BrowserContextOptions = {}, base = shared.site.url) {
  const opened = await openPage(where, options);
  await opened.page.goto(`${base}${PAGE}${query}`);
  return opened;
}

async function end(page: Page): Promise<string> {
  await page.waitForFunction(() => !['running', undefined].includes(document.documentElement.dataset.state));
  return (await page.getAttribute('html', 'data-state'))!;
}

const results = (page: Page) => page.$$eval('#results > tr[data-result]', (rows) => rows.map((row) => (row as HTMLElement).dataset.result));

async function ownState(page: Page): Promise<string> {
  await page.waitForFunction(() => !['running', undefined].includes(document.querySelector<HTMLElement>('#own')!.dataset.state));
  return (await page.getAttribute('#own', 'data-state'))!;
}

/** Drops a file on the page as a hand does. */
async function drop(page: Page, name: string, text: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([name, text]) => {
      const made = new DataTransfer();
      made.items.add(new File([text!], name!));
      return made;
    },
    [name, text],
  );
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: transfer });
}

describe('with WebGPU', () => {
  test('rows of the table pass, one after the other (test/gpu/verify runs all)', async () => {
    const { page, complaints } = await open(shared.gpu, PART, { permissions: ['clipboard-read', 'clipboard-write'] });
    expect(await page.getAttribute('html', 'data-state')).toBe('running');
    await page.waitForSelector('tr[data-result="ok"]');
    expect(new Set(await results(page))).toEqual(new Set(['ok', 'running', 'pending']));
    await screenshot(page, 'correctness-running');

    expect(await end(page)).toBe('passed');
    const rows = await results(page);
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.filter((result) => result !== 'ok')).toEqual([]);
    expect(await page.innerText('#verdict')).toMatch(new RegExp(`^All ${rows.length} passed on the (GPU|software adapter)\\.$`));
    expect(await page.innerText('#facts')).toMatch(
      /backend\s+GPU[\s\S]*vendor[\s\S]*architecture[\s\S]*description[\s\S]*order of operations\s+(kept|the compiler)[\s\S]*Mozilla/,
    );
    expect(await page.isHidden('#banner')).toBe(true);

    // The picture: in words too, and it follows the choice of output.
    const all = (await page.getAttribute('#plot', 'aria-label'))!;
    expect(all).toMatch(/^Histogram of error \/ bound\. [\d,]+ elements of all outputs: none beyond its bound, the worst at 0\.\d+ of it/);
    await page.selectOption('#plot-output', 'dgamma');
    expect(await page.getAttribute('#plot', 'aria-label')).toMatch(/elements of dgamma: none beyond/);
    const inked = await page.$eval('#plot canvas', (canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length / (width * height);
    });
    expect(inked).toBeGreaterThan(0.05);
    await page.selectOption('#plot-output', 'all');

    // A row opens, by keyboard.
    await page.locator('.expand').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.innerText('tr.details')).toMatch(/inferY[\s\S]*frozenDbeta/);

    // The report.
    await page.click('#copy-markdown');
    await page.waitForFunction(() => document.querySelector('#copied')!.textContent);
    const markdown = await page.evaluate(() => navigator.clipboard.readText());
    expect(markdown).toMatch(/^# webgpu-batchnorm self-test/);
    expect(markdown).toContain('Mozilla');
    expect(markdown.match(/^\| ok \|/gm)).toHaveLength(rows.length);
    await page.click('#copy-json');
    await page.waitForFunction(() => document.querySelector('#copied')!.textContent!.includes('JSON'));
    const report = JSON.parse(await page.evaluate(() => navigator.clipboard.readText())) as { passed: number; environment: { page: string } };
    expect(report.passed).toBe(rows.length);
    expect(report.environment.page).toContain(PAGE);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download-json')]);
    expect((JSON.parse(await textOf(download)) as { passed: number }).passed).toBe(rows.length);

    await screenshot(page, 'correctness-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await screenshot(page, 'correctness-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 375, height: 800 });
    expect(await overflow(page)).toBe(0);
    await page.waitForTimeout(200); // the plot follows a frame later
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'correctness-mobile');
    expect(complaints).toEqual([]);
  });

  test('control: a GPU that miscomputes is seen', async () => {
    const { page } = await openPage(shared.gpu);
    // Every readback of 64 bytes or more comes one too large in its first element.
    const fault = `{
      const read = GPUBuffer.prototype.getMappedRange;
      GPUBuffer.prototype.getMappedRange = function (...range) {
        const bytes = read.apply(this, range);
        if (bytes.byteLength >= 64) new Float32Array(bytes, 0, 1)[0] += 1;
        return bytes;
      };
    }\n`;
    let broken = 0;
    await page.context().route(/worker-[^/]*\.js/, async (route) => {
      broken++;
      const response = await route.fetch();
      await route.fulfill({ response, body: fault + (await response.text()) });
    });
    await page.goto(`${shared.site.url}${PAGE}?filter=cal`); // 'typical batch' and its like
    expect(await end(page)).toBe('failed');
    expect(broken).toBe(1);
    expect(await results(page)).toContain('FAIL');
    expect(await page.innerText('#verdict')).toMatch(/^\d+ of \d+ FAILED/);
    expect(await page.innerText('tr.details .refusal >> nth=0')).toMatch(/y: \d+ of \d+ beyond, worst at row 0, channel 0/);
    await expect.poll(() => page.getAttribute('#plot', 'aria-label')).toMatch(/[1-9]\d* beyond their bound/); // a frame later
    await screenshot(page, 'correctness-failed');
  });

  test('a link restores its settings, and a run writes its link', async () => {
    const { page, complaints } = await open(shared.gpu, '?backend=cpu&seed=7&filter=one+row');
    expect(await end(page)).toBe('passed');
    expect(await page.inputValue('#backend')).toBe('cpu');
    expect(await page.inputValue('#seed')).toBe('7');
    expect(await page.inputValue('#filter')).toBe('one row');
    expect(await page.innerText('#facts')).toContain('The CPU was asked for.');
    expect(await page.isHidden('#banner')).toBe(true);
    const names = await page.$$eval('#results td.name', (cells) => cells.map((cell) => cell.textContent!));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(name).toContain('one row');

    await page.selectOption('#backend', 'gpu'); // reruns by itself
    await page.waitForFunction(() => document.querySelector('#facts')!.textContent!.includes('vendor'));
    expect(await end(page)).toBe('passed');
    expect(new URL(page.url()).search).toBe('?seed=7&filter=one+row');
    expect(complaints).toEqual([]);
  });

  test('Stop ends a run with what it has', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.gpu, '');
    await page.waitForSelector('tr[data-result="ok"]');
    await page.click('#stop');
    expect(await end(page)).toBe('stopped');
    expect(await results(page)).toContain('not run');
    expect(await page.isEnabled('#copy-markdown')).toBe(true);
    expect(complaints).toEqual([]);
  });

  test('a worker that cannot start is said plainly', async () => {
    const { page } = await openPage(shared.gpu);
    await page.context().route(/worker-[^/]*\.js/, (route) => route.abort());
    await page.goto(`${shared.site.url}${PAGE}`);
    expect(await end(page)).toBe('error');
    expect(await page.innerText('#refusal')).toMatch(/^This page needs a module web worker and could create none/);
  });
});

describe.each(RUNS)('what a reader brings, on $on', ({ on, where, tags }) => {
  test('settings without a meaning are refused', { tags }, async () => {
    const { page, complaints } = await open(where(), '?seed=one');
    expect(await end(page)).toBe('error');
    expect(await page.innerText('#refusal')).toBe('verify: "seed" is "one", needs an integer from 0 to 999999999.');
    expect(await results(page)).toEqual([]);
    await page.fill('#seed', '1');
    await page.fill('#filter', 'no such row');
    await page.click('button[type=submit]:text("Start")');
    await page.waitForFunction(() => document.querySelector('#refusal')!.textContent!.includes('no such row'));
    expect(await end(page)).toBe('error');
    await page.fill('#filter', 'control');
    await page.click('button[type=submit]:text("Start")');
    await page.waitForSelector('[data-state="passed"]');
    await page.fill('#seed', '-1');
    await page.click('button[type=submit]:text("Start")');
    expect(await page.innerText('#refusal')).toContain('"seed" is "-1"');
    expect(await page.getAttribute('html', 'data-state')).toBe('passed'); // what stood there still stands
    expect(complaints).toEqual([]);
  });

  test('a reader’s own shape, and shapes that have no meaning', { tags }, async () => {
    const { page, complaints } = await open(where(), QUICK);
    expect(await end(page)).toBe('passed');
    const check = async (fields: Record<string, string>) => {
      for (const [id, text] of Object.entries(fields)) await page.fill(`#own-${id}`, text);
      await page.click('#own-form button');
      return ownState(page);
    };
    expect(await check({ rows: '2000', columns: '3', offset: '1e6', seed: '5' })).toBe('done');
    expect(await page.innerText('#own-status')).toBe('2000×3: every output is within its bound.');
    const means = await page.$$eval('#own-result [aria-label="Columns"] tbody tr', (rows) => rows.map((row) => Number(row.children[1]!.textContent)));
    expect(means).toHaveLength(3);
    for (const mean of means) expect(Math.abs(mean - 1e6)).toBeLessThan(1);

    const shown = await page.innerText('#own-result');
    for (const [field, text, sentence] of [
      ['rows', '0', 'verifyOwn: "rows" is 0, needs an integer of at least 1.'],
      ['rows', 'many', 'verifyOwn: "rows" is "many", needs an integer of at least 1.'],
      ['columns', '2.5', 'verifyOwn: "channels" is 2.5, needs an integer of at least 1.'],
      ['rows', '4294967296',
        'verifyOwn: "shape" has 12884901888 elements (rows 4294967296 × channels 3), needs at most 4294967295 (indices are u32). Split the batch.'],
      ['rows', '16777216', 'verifyOwn: "shape" has 50331648 elements (rows 16777216 × columns 3), needs at most 16777216'],
      ['offset', '1e39', 'verifyOwn: "mean offset" is "1e39", needs a finite number (f32).'],
      ['seed', '', 'verifyOwn: "seed" is "", needs an integer from 0 to 999999999.'],
    ] as const) {
      expect(await check({ rows: '2000', columns: '3', offset: '0', seed: '5', [field]: text })).toBe('refused');
      expect(await page.innerText('#own-status')).toContain(sentence);
    }
    expect(await page.innerText('#own-result')).toBe(shown);
    expect(complaints).toEqual([]);
  });

  test('a reader’s own file, and one that is malformed', { tags }, async () => {
    const { page, complaints } = await open(where(), QUICK);
    expect(await end(page)).toBe('passed');
    const csv = 'width,height,kind\n1,10,a\n2,30,b\n6,20,a\n';
    await page.fill('#own-label', 'kind');
    await drop(page, 'flowers.csv', csv);
    expect(await ownState(page)).toBe('done');
    const columns = await page.$$eval('#own-result [aria-label="Columns"] tbody tr',
      (rows) => rows.map((row) => [...row.children].slice(0, 5).map((cell) => cell.textContent)));
    expect(columns).toEqual([
      ['width', '3', '2.16025', '1', '6'], // deviation √(14/3)
      ['height', '20', '8.16497', '10', '30'], // √(200/3)
    ]);
    await page.setViewportSize({ width: 375, height: 800 });
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'correctness-own-mobile');

    const shown = await page.innerText('#own-result');
    await drop(page, 'flowers.csv', 'width,height,kind\n1,wide,a\n');
    await page.waitForSelector('#own[data-state="refused"]');
    expect(await page.innerText('#own-status')).toMatch(/^readTable: "flowers\.csv" line 2, column 2 is "wide", needs a number\./);
    expect(await page.innerText('#own-result')).toBe(shown);

    // The button does what the drop does; without a label column, its text is refused.
    await page.fill('#own-label', '');
    await page.setInputFiles('#own-file', { name: 'plain.csv', mimeType: 'text/csv', buffer: Buffer.from('1,2\n3,4\n5,9\n') });
    await page.waitForFunction(() => document.querySelector('#own-status')!.textContent === 'plain.csv: every output is within its bound.');
    expect(complaints).toEqual([]);
  });

  test('channels-first: a reader’s own shape and file, and what does not divide', { tags }, async () => {
    const { page, complaints } = await open(where(), QUICK);
    expect(await end(page)).toBe('passed');
    expect(await page.isHidden('#own-spatial')).toBe(true);
    expect(await page.innerText('#own-columns-name')).toBe('Channels');
    await page.selectOption('#own-layout', 'channelsFirst');
    expect(await page.innerText('#own-columns-name')).toBe('Columns');
    const check = async (fields: Record<string, string>) => {
      for (const [id, text] of Object.entries(fields)) await page.fill(`#own-${id}`, text);
      await page.click('#own-form button');
      return ownState(page);
    };
    const channels = () =>
      page.$$eval('#own-result [aria-label="Channels"] tbody tr', (rows) => rows.map((row) => [...row.children].slice(0, 5).map((cell) => cell.textContent)));
    expect(await check({ rows: '30', columns: '147', spatial: '49', offset: '1e6' })).toBe('done');
    expect(await page.innerText('#own-status')).toBe('30×147, channels-first: every output is within its bound.');
    expect(await page.innerText('#own-result')).toContain(`[30, 3, 49] channels-first: 1470 rows × 3 channels on ${on}`);
    expect(await channels()).toHaveLength(3);

    const shown = await page.innerText('#own-result');
    for (const [field, text, sentence] of [
      ['spatial', '50',
        'verifyOwn: "spatial" is 50, needs a divisor of 147 (the columns of the table are channels · spatial). Give the columns of one channel: height · ' +
          'width of an image.'],
      ['spatial', '0', 'verifyOwn: "spatial" is 0, needs an integer of at least 1.'],
      ['spatial', '', 'verifyOwn: "spatial" is "", needs an integer of at least 1.'],
      ['columns', '2.5', 'verifyOwn: "columns" is 2.5, needs an integer of at least 1.'],
      ['rows', 'many', 'verifyOwn: "rows" is "many", needs an integer of at least 1.'],
    ] as const) {
      expect(await check({ rows: '30', columns: '147', spatial: '49', [field]: text })).toBe('refused');
      expect(await page.innerText('#own-status')).toBe(sentence);
    }
    expect(await page.innerText('#own-result')).toBe(shown);

    // Two images of two channels and three pixels: a header names columns, and no channel.
    await page.fill('#own-spatial', '3');
    await drop(page, 'images.csv', 'a,b,c,d,e,f\n1,2,3,10,20,30\n4,5,6,10,20,30\n');
    expect(await ownState(page)).toBe('done');
    expect(await page.innerText('#own-status')).toBe('images.csv, channels-first: every output is within its bound.');
    expect(await channels()).toEqual([
      ['0', '3.5', '1.70783', '1', '6'], // deviation √(35/12)
      ['1', '20', '8.16497', '10', '30'], // √(200/3)
    ]);
    await page.fill('#own-spatial', '4');
    await drop(page, 'images.csv', 'a,b,c,d,e,f\n1,2,3,10,20,30\n');
    await page.waitForSelector('#own[data-state="refused"]');
    expect(await page.innerText('#own-status')).toContain('"spatial" is 4, needs a divisor of 6');
    await page.setViewportSize({ width: 375, height: 800 });
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'correctness-own-first');
    expect(complaints).toEqual([]);
  });
});

describe('without WebGPU', () => {
  test('no navigator.gpu: a banner, and rows of the CPU’s own table pass (test/verify runs all); a refused clipboard leaves the text to copy', async () => {
    const { page, complaints } = await open(shared.plain, '?filter=gamma', {}, shared.site.insecureUrl);
    expect(await page.evaluate(() => [typeof navigator.gpu, typeof navigator.clipboard])).toEqual(['undefined', 'undefined']);
    expect(await end(page)).toBe('passed');
    expect(await page.innerText('#banner')).toMatch(/^No GPU is used\. This environment has no WebGPU .* The CPU runs instead\.$/);
    const rows = await results(page);
    expect(rows.length).toBeGreaterThan(4);
    expect(rows.filter((result) => result !== 'ok')).toEqual([]);
    expect(await page.innerText('#results')).toContain('second implementation');
    await page.click('#copy-markdown');
    await page.waitForSelector('#copy-text:focus');
    expect(await page.inputValue('#copy-text')).toMatch(/^# webgpu-batchnorm self-test/);
    await screenshot(page, 'correctness-cpu');
    expect(complaints).toEqual([]);
  });

  test('no adapter: the banner says that', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, QUICK);
    expect(await page.evaluate(async () => (await navigator.gpu.requestAdapter()) === null)).toBe(true);
    expect(await end(page)).toBe('passed');
    expect(await page.innerText('#banner')).toBe('No GPU is used. WebGPU has no adapter here. The CPU runs instead.');
    expect(complaints).toEqual([]);
  });
});
