// Claim: the benchmark page times this library beside its peers when asked to, and gives every row a time or a reason.
// Control: without an adapter it times nothing and says why.
import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { SHAPES } from '../../src/benchmark/index.js';
import { PEERS } from '../../src/benchmark/peers/index.js';
import { checkLoosely } from '../../src/benchmark/peers/peer.js';
import { openPage, overflow, screenshot, share, textOf } from './site.js';

const PAGE = 'demo/benchmark/index.html';

const shared = share('gpu', 'plain');

async function open(where: Browser, query: string, options: BrowserContextOptions = {}, base = shared.site.url) {
  const opened = await openPage(where, options);
  await opened.page.goto(`${base}${PAGE}${query}`);
  await reached(opened.page, 'ready', 'none');
  return opened;
}

async function reached(page: Page, ...states: string[]): Promise<string> {
  await page.waitForFunction((wanted) => wanted.includes(document.documentElement.dataset.state!), states);
  return (await page.getAttribute('html', 'data-state'))!;
}

const rowsOf = (page: Page) => page.$$eval('tr[data-row]', (rows) => rows.map((row) => ({
  name: (row as HTMLElement).dataset.row!, refused: 'refused' in (row as HTMLElement).dataset, cells: [...row.children].map((cell) => cell.textContent!),
})));

describe('with WebGPU', () => {
  test('does not start by itself; times every row of a shape, peers too', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.gpu, '?shapes=256x64&samples=2');
    expect(await page.innerText('#facts')).toContain('software, computes on the CPU');
    expect(await rowsOf(page)).toEqual([]);
    await page.click('#run');
    expect(await reached(page, 'done', 'error'), await page.innerText('#refusal')).toBe('done');

    const rows = await rowsOf(page);
    const timed = rows.filter(({ refused }) => !refused);
    for (const { name, cells } of timed) {
      expect(Number(cells[1]), name).toBeGreaterThan(0);
    }
    for (const { name, cells } of rows.filter(({ refused }) => refused)) expect(cells[1], name).toMatch(/^not timed: .+/);
    const names = rows.map(({ name }) => name);
    for (const name of ['copy (vec4 kernel)', 'pass: y = a·x + b', 'forward', 'backward', 'inference', 'staged backward', 'forward, CPU', 'backward, CPU']) {
      expect(timed.map((row) => row.name)).toContain(name);
    }
    for (const peer of ['jax-js webgpu', 'jax-js wasm', 'tfjs webgpu', 'tfjs cpu']) expect(names.filter((name) => name.startsWith(peer)), peer).not.toEqual([]);
    const forward = timed.find(({ name }) => name === 'forward')!;
    expect(Number(forward.cells.at(-1))).toBeGreaterThan(0); // a ratio to the fastest peer

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download-json')]);
    const json = JSON.parse(
      await textOf(download),
    ) as { facts: Record<string, string>; shapes: { timings: { name: string; wall: number }[]; refused: unknown[] }[] };
    expect(json.shapes[0]!.timings.map(({ name }) => name)).toEqual(timed.map(({ name }) => name));
    expect(json.shapes[0]!.timings.every(({ wall }) => wall > 0)).toBe(true);
    expect(json.facts.adapter).toContain('software');
    await screenshot(page, 'benchmark-light');
    expect(complaints).toEqual([]);
  });

  test('without peers none is timed; Stop keeps what is done', async () => {
    const { page, complaints } =
      await open(shared.gpu, '?shapes=256x64,1024x4096,1000000x8&samples=1&peers=', { colorScheme: 'dark', viewport: { width: 375, height: 800 } });
    await page.click('#run');
    await page.waitForSelector('[data-shape="256x64"]');
    await page.click('#stop');
    expect(await reached(page, 'stopped')).toBe('stopped');
    expect((await rowsOf(page)).filter(({ name }) => /jax|tfjs/.test(name))).toEqual([]);
    expect(await page.isEnabled('#copy-markdown')).toBe(true);
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'benchmark-mobile');
    expect(complaints).toEqual([]);
  });

  test('a peer that fails has its reason in its row, and ends nothing', async () => {
    const { page, complaints } = await open(shared.gpu, '?shapes=100x3&samples=1&peers=jax-js-wasm,tfjs-cpu');
    await page.context().route(/worker-[^/]*\.js/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `delete globalThis.WebAssembly;${await response.text()}` });
    });
    await page.click('#run');
    expect(await reached(page, 'done', 'error'), await page.innerText('#refusal')).toBe('done');
    const rows = await rowsOf(page);
    expect(rows.filter(({ refused }) => refused).map(({ name, cells }) => [name, cells[1]])).toEqual(
      [['jax-js wasm', 'not timed: jax-js has no wasm backend here.']],
    );
    expect(rows.filter(({ refused }) => !refused).map(({ name }) => name)).toContain('tfjs cpu: forward');
    expect(await page.innerText('#verdict')).toContain('1 with a reason instead');
    expect(complaints).toEqual([]);
  });

  test('offers every shape of the benchmark and every peer', async () => {
    const { page } = await open(shared.gpu, '');
    for (const [group, known] of [['shapes', SHAPES], ['peers', PEERS]] as const) {
      expect(await page.$$eval(`#${group} label`, (labels) => labels.map((label) => label.textContent))).toEqual(known.map(({ name }) => name));
    }
  });

  test('the settings stand in the link, and those without a meaning are refused', async () => {
    const { page, complaints } = await open(shared.gpu, '?shapes=300x300');
    expect(await page.innerText('#refusal')).toContain('"shapes" has "300x300", needs some of 256x64');
    await page.check('input[value="256x1024"]');
    await page.uncheck('input[value="tfjs-cpu"]');
    await page.fill('#samples', '0');
    await page.click('#run');
    expect(await page.innerText('#refusal')).toBe('benchmark: "samples" is "0", needs an integer from 1 to 999.');
    await page.fill('#samples', '1');
    await page.click('#run');
    await reached(page, 'running');
    expect(new URL(page.url()).search).toBe('?shapes=256x1024&samples=1&peers=jax-js-webgpu,jax-js-wasm,tfjs-webgpu');
    await page.click('#stop');
    expect(complaints).toEqual([]);
  });
});

describe('what counts as right', () => {
  const want = Float64Array.from([0, 1, -2]);
  test.each([
    { name: 'control: equal', got: [0, 1, -2], refused: null },
    { name: 'within 1 % of the largest', got: [0.019, 1, -2], refused: null },
    { name: 'beyond it', got: [0.021, 1, -2], refused: 'y is wrong: element 0 is 0.021' },
    { name: 'a NaN', got: [0, 1, NaN], refused: 'y is wrong: element 2 is NaN' },
    { name: 'too few', got: [0, 1], refused: 'y has 2 elements, needs 3.' },
  ])('$name', ({ got, refused }) => {
    const check = () => checkLoosely('y', got, want);
    if (refused === null) check();
    else expect(check).toThrow(refused);
  });
});

describe('without WebGPU', () => {
  test.each([
    { name: 'no adapter', url: () => shared.site.url, why: 'WebGPU has no adapter here.' },
    { name: 'no navigator.gpu', url: () => shared.site.insecureUrl, why: 'This environment has no WebGPU' },
  ])('$name: a banner, and nothing runs', async ({ url, why }) => {
    const { page, complaints } = await open(shared.plain, '', {}, url());
    expect(await page.innerText('#banner')).toMatch(/^Nothing can be timed here\./);
    expect(await page.innerText('#banner')).toContain(why);
    expect(await page.isDisabled('#run')).toBe(true);
    expect(await rowsOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
