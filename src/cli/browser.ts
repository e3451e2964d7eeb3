import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job, News } from '../benchmark/peers/job.js';
import { type Browser, LOOKED, findChromium } from './chromium.js';

/** The page whose worker does the job; it has no face and is no part of the site. */
const PAGE = 'demo/benchmark/command.html';

/** A headless Chromium with the benchmark's page open. */
export interface BenchBrowser {
  /** Which browser, with its version. */
  engine: string;
  /** Does a job in a worker of the page, and resolves at its end. */
  run(job: Job, hear: (news: News) => void): Promise<void>;
  close(): Promise<void>;
}

/** A page of the repository, built and served on this machine alone. */
export interface ServedPage {
  url: string;
  chromium: typeof import('playwright').chromium;
  /** Where the Chromium stands, and its flags. */
  found: Browser;
  close(): Promise<void>;
}

/**
 * Builds a page and serves it on this machine alone.
 *
 * @param path - from the repository's root.
 * @throws {Error} vite, playwright, a Chromium or the repository is missing; which, and what to do.
 */
export async function servePage(path: string): Promise<ServedPage> {
  const { chromium } = await load<typeof import('playwright')>('playwright', 'to open a browser');
  const vite = await load<typeof import('vite')>('vite', 'to build the page');
  const found = findChromium(chromium.executablePath(), 'hardware');
  if (!found) {
    throw new Error(
      `bench: "--browser" is given and there is no Chromium (${LOOKED}), needs one to run in. Install it (Debian: apt-get install chromium; ` +
        'elsewhere: npx playwright install chromium) or set CHROMIUM_PATH.',
    );
  }
  const root = findRoot();
  const outDir = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-bench-'));
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true })); // interrupted or not
  await vite.build({
    root, configFile: false, base: './', logLevel: 'error',
    worker: { format: 'es' }, // or every peer would be loaded with the worker
    build: { outDir, emptyOutDir: true, target: 'es2022', rolldownOptions: { input: join(root, path) } },
  });
  const server = await vite.preview({ root, configFile: false, logLevel: 'error', build: { outDir }, preview: { host: '127.0.0.1', port: 0 } });
  return { url: `${server.resolvedUrls!.local[0]}${path}`, chromium, found: found.browser, close: () => server.close() };
}

/** A headless Chromium with an empty profile, and the process that all of it is below. */
export async function launchServer({ chromium, found }: ServedPage): Promise<{ browser: import('playwright').Browser; pid: number; close(): Promise<void> }> {
  const server = await chromium.launchServer({ headless: true, ...found }).catch((error: Error) => {
    throw didNotStart(found, error);
  });
  const browser = await chromium.connect(server.wsEndpoint());
  const close = async () => {
    await browser.close();
    await server.close();
  };
  return { browser, pid: server.process().pid!, close };
}

const didNotStart = ({ executablePath }: Browser, error: Error): Error =>
  new Error(`bench: ${executablePath} did not start (${error.message.split('\n')[0]}), needs to be a Chromium. Set CHROMIUM_PATH to one.`);

/**
 * Builds the page whose worker times, serves it and opens it.
 *
 * @throws as `servePage`.
 */
export async function openBrowser(): Promise<BenchBrowser> {
  const served = await servePage(PAGE);
  const closing: (() => Promise<void>)[] = [served.close];
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    const browser = await served.chromium.launch({ headless: true, ...served.found }).catch((error: Error) => {
      throw didNotStart(served.found, error);
    });
    closing.push(() => browser.close());
    const page = await browser.newPage();
    let hear: (news: News) => void = () => {};
    await page.exposeFunction('hear', (news: News) => hear(news));
    await page.goto(served.url);
    return {
      engine: `Chromium ${browser.version()}`,
      run: (job, tell) => new Promise((resolve, reject) => {
        const fail = (message: string) => reject(new Error(message));
        page.once('crash', () => fail('bench: the page crashed, perhaps for want of memory. Time fewer shapes at once.'));
        page.once('close', () => fail('bench: the browser was closed before the end. Try again.'));
        hear = (news) => {
          tell(news);
          if (news.kind === 'end') resolve();
          if (news.kind === 'error') fail(news.message);
          if (news.kind === 'lost') fail(`bench: the GPU device was lost (${news.why}). Try again.`);
        };
        page.evaluate((job) => window.start(job), job).catch(reject);
      }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A development dependency, loaded when it is needed: the command runs without it, and is built without it inside. */
async function load<T>(name: string, why: string): Promise<T> {
  try {
    return (await import(/* @vite-ignore */ name)) as T;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`bench: "--browser" is given and the package ${name} did not load (${code ?? message}), needs it ${why}. Run npm ci in the repository.`);
  }
}

/** The repository's root: the folder above this file that has the page. */
function findRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, PAGE))) return folder;
    if (folder === dirname(folder)) throw new Error(`bench: "--browser" is given outside the repository (${start}), needs its ${PAGE}. Run it there.`);
  }
}
