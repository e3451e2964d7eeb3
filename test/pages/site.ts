import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright';
import { preview } from 'vite';
import { afterAll, beforeAll, inject } from 'vitest';
import { findChromium } from '../chromium.js';

const ROOT = join(import.meta.dirname, '../..');
const ARTIFACTS = join(ROOT, 'test/artifacts');

/** Not a path the build could know: the pages have to work from any. */
const BASE = '/some/where/';

/** A name that is no localhost, so that http is insecure there: browsers hide WebGPU and the clipboard. */
const INSECURE_HOST = 'batchnorm.test';

export interface Site {
  /** The built files. */
  folder: string;
  url: string;
  insecureUrl: string;
  close(): Promise<void>;
}

/** Serves the pages as they are published. */
async function serveSite(): Promise<Site> {
  const folder = inject('siteFolder');
  const server = await preview({
    root: ROOT, configFile: false, logLevel: 'error', base: BASE, build: { outDir: folder },
    appType: 'mpa', // a page that is not there is a 404, as on a static host
    preview: { host: '127.0.0.1', port: 0, allowedHosts: [INSECURE_HOST] },
  });
  const url = server.resolvedUrls!.local[0]!;
  return { folder, url, insecureUrl: url.replace('127.0.0.1', INSECURE_HOST), close: () => server.close() };
}

/** `gpu: false` leaves out the flags without which headless Chromium has no adapter. */
export function launch({ gpu }: { gpu: boolean }): Promise<Browser> {
  const { args, ...found } = findChromium();
  const kept = gpu ? args : args.filter((arg) => !arg.includes('webgpu'));
  return chromium.launch({ headless: true, ...found, args: [...kept, `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`] });
}

/** What a file's tests share. `plain` is a browser without WebGPU. */
export interface Shared {
  site: Site;
  gpu: Browser;
  plain: Browser;
}

/** Serves the site and opens the browsers before a file's first test, and closes them after its last. */
export function share<K extends 'gpu' | 'plain'>(...browsers: K[]): Pick<Shared, 'site' | K> {
  const shared: Partial<Shared> = {};
  beforeAll(async () => {
    shared.site = await serveSite();
    await Promise.all(browsers.map(async (kind) => (shared[kind] = await launch({ gpu: kind === 'gpu' }))));
  });
  afterAll(async () => {
    for (const each of [shared.gpu, shared.plain, shared.site]) await each?.close();
  });
  return shared as Shared;
}

/** A page, and what it complained about: console errors, uncaught errors, breaches of its own policy, requests to elsewhere. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => console.error(`policy: ${effectiveDirective} ${blockedURI}`)));
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!['data:', 'blob:'].includes(protocol) && !['127.0.0.1', INSECURE_HOST].includes(hostname)) complaints.push(`request: ${request.url()}`);
  });
  return { page, complaints };
}

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`), fullPage: true });
}

/** The page must not scroll sideways; what is wide scrolls in a frame of its own. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
