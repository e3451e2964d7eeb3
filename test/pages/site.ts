import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, type Download, type Page, chromium } from 'playwright';
import { afterAll, beforeAll, inject } from 'vitest';
import { INSECURE_HOST, launchOptions } from './browser.js';

const ROOT = join(import.meta.dirname, '../..');
const ARTIFACTS = join(ROOT, 'test/artifacts');

/** How long a page may take for anything: a busy machine is no fault of it. */
const PATIENCE_MS = 600_000;

export interface Site {
  /** The built files. */
  folder: string;
  url: string;
  insecureUrl: string;
}

/** A browser of its own, for a test that breaks it. */
export function launch(options: { gpu: boolean }): Promise<Browser> {
  return chromium.launch(launchOptions(options));
}

/** What a file's tests share. `plain` is a browser without WebGPU. */
export interface Shared {
  site: Site;
  gpu: Browser;
  plain: Browser;
}

/** The site and the browsers, which all files share: build.ts opened them. */
export function share<K extends 'gpu' | 'plain'>(...browsers: K[]): Pick<Shared, 'site' | K> {
  const url = inject('siteUrl');
  const shared: Partial<Shared> = { site: { folder: inject('siteFolder'), url, insecureUrl: url.replace('127.0.0.1', INSECURE_HOST) } };
  beforeAll(async () => {
    await Promise.all(browsers.map(async (kind) => (shared[kind] = await chromium.connect(inject('browsers')[kind]))));
  });
  afterAll(async () => {
    for (const kind of browsers) await shared[kind]?.close(); // of this file's pages; the browser stays
  });
  return shared as Shared;
}

/** What a page has saved. */
export async function textOf(download: Download): Promise<string> {
  const path = join(ARTIFACTS, 'downloads', `${process.pid}-${download.suggestedFilename()}`);
  await download.saveAs(path);
  return readFileSync(path, 'utf8');
}

/** A page, and what it complained about: console errors, uncaught errors, breaches of its own policy, requests to elsewhere. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => console.error(`policy: ${effectiveDirective} ${blockedURI}`)));
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!['data:', 'blob:'].includes(protocol) && !['127.0.0.1', INSECURE_HOST].includes(hostname)) complaints.push(`request: ${request.url()}`);
  });
  return { page, complaints };
}

/** For a person to look at: in the long tests, for a page is painted for seconds. */
export async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env.TEST_RUN !== 'long') return;
  mkdirSync(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`), fullPage: true });
}

/** The page must not scroll sideways; what is wide scrolls in a frame of its own. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
