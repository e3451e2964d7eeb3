import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { INSECURE_HOST, launchOptions } from './browser.js';

declare module 'vitest' {
  interface ProvidedContext {
    siteFolder: string;
    siteUrl: string;
    /** Where the two browsers listen. */
    browsers: { gpu: string; plain: string };
  }
}

const ROOT = join(import.meta.dirname, '../..');

/** Not a path the build could know: the pages have to work from any. */
const BASE = '/some/where/';

/** Builds the pages as they are published, into a temporary folder, serves them, and opens the browsers: once for all files. */
export default async function buildSite(project: TestProject): Promise<() => Promise<void>> {
  const outDir = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-site-'));
  await build({
    root: ROOT, configFile: join(ROOT, 'vite.config.ts'), mode: 'production', logLevel: 'error', build: { outDir, emptyOutDir: true },
  });
  const server = await preview({
    root: ROOT, configFile: false, logLevel: 'error', base: BASE, build: { outDir },
    appType: 'mpa', // a page that is not there is a 404, as on a static host
    preview: { host: '127.0.0.1', port: 0, allowedHosts: [INSECURE_HOST] },
  });
  const [gpu, plain] = await Promise.all([true, false].map((gpu) => chromium.launchServer(launchOptions({ gpu }))));
  project.provide('siteFolder', outDir);
  project.provide('siteUrl', server.resolvedUrls!.local[0]!);
  project.provide('browsers', { gpu: gpu.wsEndpoint(), plain: plain.wsEndpoint() });
  return async () => {
    await Promise.all([gpu.close(), plain.close(), server.close()]);
    rmSync(outDir, { recursive: true });
  };
}
