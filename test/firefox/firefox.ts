// A stock Firefox with WebGPU on lavapipe: which one, with which preferences, and what it says of itself.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, type Page, launch as launchBrowser } from 'puppeteer-core';

/** The first whose release builds have WebGPU. */
const OLDEST = 141;

const SYSTEM = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
];

const ICD_FOLDER = '/usr/share/vulkan/icd.d';

const NEEDED = `needs a Firefox of ${OLDEST} or later`;

const INSTALL = 'Install it with a Vulkan driver (Debian: apt-get install firefox-esr mesa-vulkan-drivers libvulkan1), or set FIREFOX_PATH.';

const PREFERENCES = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true, // a software adapter is on it
  'dom.testing.testutils.enabled': true, // TestUtils.gc(), which memory.test.ts needs
};

export interface Firefox {
  executablePath: string;
  version: string;
}

/** What is looked at to find a Firefox. */
export interface Machine {
  env: Record<string, string | undefined>;
  exists(path: string): boolean;
  /** What the program answers to --version. */
  ask(path: string): string;
}

const HERE: Machine = { env: process.env, exists: existsSync, ask: (path) => execFileSync(path, ['--version'], { encoding: 'utf8' }) };

/**
 * What FIREFOX_PATH names, else the system's.
 *
 * @throws {Error} there is none, it does not start, or it is too old: what was tried and what to do.
 */
export function findFirefox({ env, exists, ask }: Machine = HERE): Firefox {
  const set = env.FIREFOX_PATH;
  if (set && !exists(set)) throw new Error(`test:firefox: FIREFOX_PATH is "${set}", which does not exist, ${NEEDED}. Correct or unset it.`);
  const executablePath = set || SYSTEM.find(exists);
  if (!executablePath) {
    throw new Error(`test:firefox: FIREFOX_PATH is not set and there is no ${SYSTEM.join(', ')}, ${NEEDED}. ${INSTALL}`);
  }
  let answer: string;
  try {
    answer = ask(executablePath);
  } catch (error) {
    throw new Error(`test:firefox: "${executablePath} --version" failed (${(error as Error).message}), ${NEEDED}. ${INSTALL}`);
  }
  const version = /Firefox (\d+\S*)/.exec(answer)?.[1];
  if (!version || parseInt(version) < OLDEST) {
    throw new Error(`test:firefox: "${executablePath} --version" says "${answer.trim()}", ${NEEDED} (the first with WebGPU). ${INSTALL}`);
  }
  return { executablePath, version };
}

/** Lavapipe alone, where there is one, so that the adapter is the same on every machine; WEBGPU_ADAPTER=hardware takes the machine's own. */
function driver(): Record<string, string> {
  if (process.env.WEBGPU_ADAPTER === 'hardware' || !existsSync(ICD_FOLDER)) return {};
  const found = readdirSync(ICD_FOLDER).find((name) => name.startsWith('lvp_icd'));
  return found ? { VK_ICD_FILENAMES: join(ICD_FOLDER, found), VK_DRIVER_FILES: join(ICD_FOLDER, found) } : {};
}

/** Headless, with a fresh profile that goes when it closes. Nothing here has a limit on time: a software adapter may be busy. */
export function launch({ gpu }: { gpu: boolean }): Promise<Browser> {
  return launchBrowser({
    browser: 'firefox', headless: true, executablePath: findFirefox().executablePath,
    env: { ...process.env, ...driver() },
    extraPrefsFirefox: { ...PREFERENCES, 'dom.webgpu.enabled': gpu },
    timeout: 0, protocolTimeout: 0,
  });
}

export async function newPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  return page;
}

/** Says which Firefox and adapter the tests run on; throws where there is none, before the first test. */
export default async function checkFirefox(): Promise<void> {
  const { executablePath, version } = findFirefox();
  const drivers = driver().VK_ICD_FILENAMES ?? 'the system’s Vulkan drivers';
  const browser = await launch({ gpu: true });
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>adapter</title>'));
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const page = await newPage(browser);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const found = await page.evaluate(async () => {
      if (!navigator.gpu) return 'has no navigator.gpu';
      const adapter = await navigator.gpu.requestAdapter().catch((error: Error) => error.message);
      if (!adapter || typeof adapter === 'string') return `gives no adapter${adapter ? ` (${adapter})` : ''}`;
      return { software: adapter.info.isFallbackAdapter };
    });
    if (typeof found === 'string') {
      throw new Error(
        `test:firefox: ${executablePath} ${version}, with ${drivers} and ${Object.keys(PREFERENCES).join(', ')} set, ${found}, ` +
          `needs an adapter. ${INSTALL}`,
      );
    }
    console.info(`Firefox ${version} (${executablePath}) on a ${found.software ? 'software' : 'hardware'} adapter (${drivers})`);
  } finally {
    await browser.close();
    server.close();
  }
}
