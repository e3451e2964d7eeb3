// Claim: every page of the site, from a sub-path and under its own policy, opens without a complaint, names truthfully what
// runs it, and can be read and used by keyboard, in light, in dark and on a phone.
// Control: what breaks the policy, what axe forbids and what is too wide are seen.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { PAGES } from '../../demo/site/pages.js';
import { POLICY } from '../../demo/site/policy.js';
import { repositoryOf } from '../../demo/site/repository.js';
import { weighPages } from '../../demo/site/sizes.js';
import { openPage, overflow, screenshot, share } from './site.js';

/** Links that keep a page's own run short. */
const SHORT: Record<string, string> = { Training: '?depth=1&width=8&steps=5', Correctness: '?filter=control', Workers: '?steps=2' };

const EVERY = PAGES.map(({ path, label, ...rest }) => ({ name: label, path, label, query: SHORT[label] ?? '', ...rest }));

const shared = share('gpu', 'plain');

/** The page has looked for an adapter, and what it does by itself is done. */
async function settle(page: Page): Promise<void> {
  await page.waitForSelector('html:is([data-backend], [data-state]):not([data-state="asking"], [data-state="running"])');
}

async function findViolations(page: Page, rules?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}: ${nodes[0]!.failureSummary}`);
}

/** On a software adapter a page takes long, and looks the same: its own suite runs what it does there. */
describe.each([
  { name: 'without WebGPU', browser: () => shared.plain, tags: [], facts: /^(?![^]*(?:swiftshader|GPU, |software adapter))/i,
    runs: /WebGPU has no adapter here/ },
  { name: 'with WebGPU', browser: () => shared.gpu, tags: ['long'], facts: /swiftshader/i, runs: /software adapter|\(software\)/ },
])('$name', ({ browser, tags, facts, runs }) => {
  const whole = tags.length > 0; // in dark too

  test.each(EVERY)('$name', { tags }, async ({ path, query, title, description, label }) => {
    const { page, complaints } = await openPage(browser());
    const loaded: string[] = [];
    page.on('request', (request) => loaded.push(new URL(request.url()).pathname.slice(new URL(shared.site.url).pathname.length)));
    expect((await page.goto(`${shared.site.url}${path}${query}`))!.status()).toBe(200);
    await settle(page);

    expect(await page.title()).toBe(title);
    expect(await page.getAttribute('meta[name="description"]', 'content')).toBe(description);
    expect(await page.getAttribute('meta[http-equiv="Content-Security-Policy"]', 'content')).toBe(POLICY);
    expect(await page.innerText('#facts')).toMatch(facts);
    expect(await page.innerText('main')).toMatch(runs);

    const links = await page.locator('header.site nav a').evaluateAll(
      (all: HTMLAnchorElement[]) => all.filter((link) => !link.hidden).map((link) => ({ text: link.textContent, href: link.href, current: link.ariaCurrent })),
    );
    expect(links.map(({ text }) => text)).toEqual([...PAGES.map((one) => one.label), 'README']);
    expect(links.filter(({ current }) => current)).toEqual([{ text: label, href: `${shared.site.url}${path}`, current: 'page' }]);
    expect(await page.innerText('footer.site')).toMatch(/webgpu-batchnorm \d+\.\d+\.\d+, MIT licence$/);

    const weight = weighPages(shared.site.folder).find((one) => one.path === path)!;
    const [atOnce, known] = [weight.page.files, [weight.page, weight.workers, weight.later].flatMap(({ files }) => files)];
    expect(loaded).toEqual(expect.arrayContaining(atOnce.filter((file) => !file.endsWith('.svg')))); // headless asks for no icon
    expect(loaded.filter((file) => !known.includes(file))).toEqual([]);

    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement!.className)).toBe('skip');
    expect((await page.locator('.skip').boundingBox())!.y).toBeGreaterThan(0);
    expect(await page.$eval('.skip', (link) => getComputedStyle(link).outlineStyle)).toBe('solid');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('main');
    await page.evaluate(() => scrollTo(0, 0));

    expect(await findViolations(page), 'in light').toEqual([]);
    await screenshot(page, `site-${nameOf(label)}-light`);
    if (whole) {
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.waitForTimeout(100); // plots follow
      expect(await findViolations(page, ['color-contrast']), 'in dark').toEqual([]);
      await screenshot(page, `site-${nameOf(label)}-dark`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 375, height: 800 });
    await page.waitForTimeout(100);
    expect(await overflow(page)).toBe(0);
    await screenshot(page, `site-${nameOf(label)}-mobile`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('control: what must not be is seen', { tags }, async () => {
    const { page, complaints } = await openPage(browser());
    await page.goto(shared.site.url);
    await settle(page);
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "ran"';
      const field = document.createElement('input');
      field.setAttribute('style', 'width: 200vw; max-width: none');
      field.style.width = '200vw';
      field.style.maxWidth = 'none';
      document.querySelector('main')!.append(script, field);
    });
    expect(await page.title()).toBe(PAGES[0]!.title);
    expect(complaints).toEqual(expect.arrayContaining(['console: policy: script-src-elem inline', 'console: policy: style-src-attr inline']));
    expect((await findViolations(page)).map((violation) => violation.split(':')[0])).toEqual(['label']);
    expect(await overflow(page)).toBeGreaterThan(0);
  });
});

describe('without navigator.gpu', () => {
  test.each(EVERY)('$name', { tags: ['long'] }, async ({ path, query, title }) => {
    const { page, complaints } = await openPage(shared.plain);
    expect((await page.goto(`${shared.site.insecureUrl}${path}${query}`))!.status()).toBe(200);
    await settle(page);
    expect(await page.title()).toBe(title);
    expect(await page.innerText('main')).toContain('This environment has no WebGPU');
    expect(await page.innerText('#facts')).not.toMatch(/swiftshader|GPU, |software adapter/i);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

test('every link into the site leads somewhere', async () => {
  const links = new Set<string>();
  for (const { path } of PAGES) {
    const page = `${shared.site.url}${path}`;
    const html = await (await fetch(page)).text();
    for (const [, href] of html.matchAll(/<a\b[^>]*\shref="([^"#]+)/g)) links.add(new URL(href!, page).href);
  }
  const inside = [...links].filter((href) => href.startsWith(shared.site.url));
  expect(inside.length).toBeGreaterThan(PAGES.length);
  const answers = await Promise.all(inside.map(async (href) => ({ href, status: (await fetch(href)).status })));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect((await fetch(`${shared.site.url}demo/none/index.html`)).status, 'control').toBe(404);
});

test('on GitHub Pages, README and Source lead to the repository', async () => {
  const { page } = await openPage(shared.plain);
  const root = 'https://owner.github.io/name/';
  await page.route(`${root}**`, async (route) => route.fulfill({ response: await route.fetch({ url: route.request().url().replace(root, shared.site.url) }) }));
  await page.goto(`${root}demo/benchmark/index.html`);
  await page.waitForSelector('#source:not([hidden])');
  expect(await page.getAttribute('#source', 'href')).toBe('https://github.com/owner/name');
  expect(await page.getAttribute('#readme', 'href')).toBe('https://github.com/owner/name#readme');
  await page.context().close();
});

test.each([
  { address: 'https://owner.github.io/name/', repository: 'https://github.com/owner/name' },
  { address: 'https://owner.github.io/', repository: null },
  { address: 'https://owner.github.io/name/deeper/', repository: null },
  { address: 'https://example.org/name/', repository: null },
])('the repository of a site at $address is $repository', ({ address, repository }) => {
  expect(repositoryOf(new URL(address))).toBe(repository);
});

function nameOf(label: string): string {
  return label.toLowerCase();
}
