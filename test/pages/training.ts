import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { build, preview } from 'vite';
import type { Command, DataName, DataSet, News, Settings } from '../../demo/training/messages.js';
import { DEFAULTS } from '../../demo/training/settings.js';
import { openPage } from './site.js';
import type { Counts } from './trainingHarness/count.js';

const ROOT = join(import.meta.dirname, 'trainingHarness');

type Kind = News['kind'];
export type Of<K extends Kind> = Extract<News, { kind: K }>;

export interface HarnessSite {
  url: string;
  close(): Promise<void>;
}

/** Builds the training demo's worker, as the site does, behind a page without anything on it, and serves that. */
export async function serveHarness(): Promise<HarnessSite> {
  const outDir = mkdtempSync(join(tmpdir(), 'webgpu-batchnorm-harness-'));
  const shared = { root: ROOT, configFile: false as const, logLevel: 'error' as const, base: './' };
  await build({ ...shared, worker: { format: 'es' }, build: { outDir, target: 'es2022', emptyOutDir: true } });
  const server = await preview({ ...shared, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } });
  return {
    url: server.resolvedUrls!.local[0]!,
    async close() {
      await server.close();
      rmSync(outDir, { recursive: true });
    },
  };
}

/** The training demo's engine in a page of its own. */
export class Training {
  readonly page: Page;
  readonly complaints: string[];

  private constructor(page: Page, complaints: string[]) {
    this.page = page;
    this.complaints = complaints;
  }

  /** @param where - in its worker, as the demo has it, or in the page, where the heap can be measured. */
  static async open(site: HarnessSite, browser: Browser, where: 'worker' | 'page' = 'worker'): Promise<Training> {
    const { page, complaints } = await openPage(browser);
    await page.goto(site.url);
    await page.waitForFunction(() => 'harness' in window);
    await page.evaluate((where) => window.harness.open(where), where);
    return new Training(page, complaints);
  }

  /** What the command brings, up to the first news of one of these kinds. */
  send(command: Command, ...until: Kind[]): Promise<News[]> {
    return this.page.evaluate(([command, until]) => window.harness.send(command, until), [command, until] as const);
  }

  hear(...until: Kind[]): Promise<News[]> {
    return this.page.evaluate((until) => window.harness.hear(until), until);
  }

  /** Builds both nets; throws where that is refused. */
  async start(data: DataName, settings: Partial<Settings> = {}, own?: DataSet): Promise<News[]> {
    return accepted(await this.send({ kind: 'start', settings: { ...DEFAULTS[data], ...settings }, ...(own ? { own } : {}) }, 'paused', 'refused'));
  }

  async run(until: number): Promise<News[]> {
    return accepted(await this.send({ kind: 'run', until }, 'paused', 'refused'));
  }

  async refusal(command: Command): Promise<string> {
    const news = await this.send(command, 'refused', 'paused', 'saved', 'sweepDone', 'testedBatches', 'testedOne');
    return last(news, 'refused').message;
  }

  /** What the engine holds after a collection; its heap is the page's. */
  async held(): Promise<Counts & { heapBytes: number }> {
    const counts = await this.page.evaluate(() => window.harness.counts());
    const devtools = await this.page.context().newCDPSession(this.page);
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize } = await devtools.send('Runtime.getHeapUsage');
    await devtools.detach();
    return { ...counts, heapBytes: usedSize };
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}

export function last<K extends Kind>(news: News[], kind: K): Of<K> {
  const found = news.findLast((one): one is Of<K> => one.kind === kind);
  if (!found) throw new Error(`No news of ${kind}, but: ${news.map((one) => ('message' in one ? one.message : one.kind)).join(', ')}.`);
  return found;
}

/** The losses of every step in a row. */
export function lossesOf(news: News[]): Record<'batchNorm' | 'plain', number[]> {
  const progress = news.filter((one): one is Of<'progress'> => one.kind === 'progress');
  // An array of f32 comes out of the page as an object.
  return {
    batchNorm: progress.flatMap(({ losses }) => Object.values(losses.batchNorm)),
    plain: progress.flatMap(({ losses }) => Object.values(losses.plain)),
  };
}

function accepted(news: News[]): News[] {
  const end = news.at(-1)!;
  if (end.kind === 'refused' || end.kind === 'error') throw new Error(`Refused: ${end.message}`);
  return news;
}
