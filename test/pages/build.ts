import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    siteFolder: string;
  }
}

const ROOT = join(import.meta.dirname, '../..');

/** Builds the pages as they are published, into a temporary folder. */
export default async function buildSite(project: TestProject): Promise<() => void> {
  const outDir = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-site-'));
  await build({ root: ROOT, configFile: join(ROOT, 'vite.config.ts'), mode: 'production', logLevel: 'error', build: { outDir, emptyOutDir: true } });
  project.provide('siteFolder', outDir);
  return () => rmSync(outDir, { recursive: true });
}
