import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';
import { INSECURE_HOST } from './browser.js';

const ROOT = join(import.meta.dirname, '../..');

/** Not a path the build could know: the pages have to work from any. */
const BASE = '/some/where/';

/** Builds the pages as they are published, into a temporary folder, and serves them. */
export async function serveSite(): Promise<{ folder: string; url: string; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-site-'));
  await build({
    root: ROOT, configFile: join(ROOT, 'vite.config.ts'), mode: 'production', logLevel: 'error', build: { outDir: folder, emptyOutDir: true },
  });
  const server = await preview({
    root: ROOT, configFile: false, logLevel: 'error', base: BASE, build: { outDir: folder },
    appType: 'mpa', // a page that is not there is a 404, as on a static host
    preview: { host: '127.0.0.1', port: 0, allowedHosts: [INSECURE_HOST] },
  });
  return {
    folder, url: server.resolvedUrls!.local[0]!,
    async close() {
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
