import { chromium } from 'playwright';
import type { TestProject } from 'vitest/node';
import { launchOptions } from './browser.js';
import { serveSite } from './serve.js';

declare module 'vitest' {
  interface ProvidedContext {
    siteFolder: string;
    siteUrl: string;
    /** Where the two browsers listen. */
    browsers: { gpu: string; plain: string };
  }
}

/** Builds and serves the pages, and opens the browsers: once for all files. */
export default async function buildSite(project: TestProject): Promise<() => Promise<void>> {
  const site = await serveSite();
  const [gpu, plain] = await Promise.all([true, false].map((gpu) => chromium.launchServer(launchOptions({ gpu }))));
  project.provide('siteFolder', site.folder);
  project.provide('siteUrl', site.url);
  project.provide('browsers', { gpu: gpu.wsEndpoint(), plain: plain.wsEndpoint() });
  return async () => {
    await Promise.all([gpu.close(), plain.close(), site.close()]);
  };
}
