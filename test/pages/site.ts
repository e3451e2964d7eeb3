import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright';
import { build, preview } from 'vite';
import { findChromium } from '../chromium.js';

const ROOT = join(import.meta.dirname, '../..');
const ARTIFACTS = join(ROOT, 'test/artifacts');

/** Not a path the build could know: the pages have to work from any. */
const BASE = '/some/where/';

/** A name that is no localhost, so that http is insecure there: browsers hide WebGPU and the clipboard. */
const INSECURE_HOST = 'batchnorm.test';

export interface Site {
  url: string;
  insecureUrl: string;
  close(): Promise<void>;
}

/** Builds the pages as they are published, into a temporary folder, and serves them. */
export async function serveSite(): Promise<Site> {
  const outDir = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-site-'));
  await build({ root: ROOT, configFile: join(ROOT, 'vite.config.ts'), mode: 'production', logLevel: 'error', build: { outDir, emptyOutDir: true } });
  const server = await preview({
    root: ROOT, configFile: false, logLevel: 'error', base: BASE, build: { outDir },
    preview: { host: '127.0.0.1', port: 0, allowedHosts: [INSECURE_HOST] },
  });
  const url = server.resolvedUrls!.local[0]!;
  return {
    url,
    insecureUrl: url.replace('127.0.0.1', INSECURE_HOST),
    async close() {
      await server.close();
      rmSync(outDir, { recursive: true });
    },
  };
}

/** `gpu: false` leaves out the flags without which headless Chromium has no adapter. */
export function launch({ gpu }: { gpu: boolean }): Promise<Browser> {
  const { executablePath, args } = findChromium();
  const kept = gpu ? args : args.filter((arg) => !arg.includes('webgpu'));
  return chromium.launch({ headless: true, executablePath, args: [...kept, `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`] });
}

/** A page, and what it complained about: console errors, uncaught errors, requests to elsewhere. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
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
