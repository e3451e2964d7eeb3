import { existsSync } from 'node:fs';
import { type PackagedChromium, packagedChromium } from './packagedChromium.js';

/** Where a Chromium stands, the flags that give it WebGPU without a screen, as root or not, and its environment. */
export interface Browser {
  executablePath: string;
  args: string[];
  /** Where it needs more than this process has. */
  env?: Record<string, string | undefined>;
}

/** The browser, and whose it is. */
export interface FoundChromium {
  browser: Browser;
  origin: string;
}

/** What the search asks; tests put another in its place. */
export interface Machine {
  env: Record<string, string | undefined>;
  exists(path: string): boolean;
  packaged(): PackagedChromium | null;
}

const HERE: Machine = { env: process.env, exists: existsSync, packaged: () => packagedChromium() };

const SYSTEM = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const BASE = ['--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const ROOT = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/** Where a Chromium was looked for, for a sentence that says there is none. */
export const LOOKED =
  'CHROMIUM_PATH is not set, the system has none, Playwright has downloaded none, and that of the npm package @sparticuz/chromium ' +
  `runs on Linux on x64 alone (this is ${process.platform} on ${process.arch}) and when npm ci has installed it`;

/**
 * A Chromium: what CHROMIUM_PATH names, else the system's, else Playwright's own, else the npm package's; null where
 * there is none. CHROMIUM_PATH=npm takes the package's.
 *
 * @param own - where Playwright's would stand.
 * @param adapter - `'software'` is SwiftShader on every machine; `'hardware'` is the machine's GPU, and SwiftShader
 *   where it has none. WEBGPU_ADAPTER overrides it.
 * @throws {Error} CHROMIUM_PATH names none, or the package's cannot be unpacked.
 */
export function findChromium(own: string, adapter: 'software' | 'hardware', { env, exists, packaged }: Machine = HERE): FoundChromium | null {
  const args = [...BASE, ...ROOT, ...adapterFlags(env.WEBGPU_ADAPTER ?? adapter)];
  const found = (executablePath: string, origin: string) => ({ browser: { executablePath, args }, origin });
  const set = env.CHROMIUM_PATH;
  if (set && set !== 'npm') {
    if (!exists(set)) throw new Error(`CHROMIUM_PATH is "${set}", which does not exist, needs a Chromium. Correct or unset it.`);
    return found(set, 'CHROMIUM_PATH');
  }
  if (!set) {
    const system = SYSTEM.find((path) => exists(path));
    if (system) return found(system, 'the system’s');
    if (exists(own)) return found(own, 'Playwright’s');
  }
  const npms = packaged();
  if (npms) {
    const { executablePath, version } = npms;
    return { browser: { executablePath, args, env: { ...env, ...npms.env } }, origin: `npm’s @sparticuz/chromium ${version}` };
  }
  if (set) throw new Error('CHROMIUM_PATH is "npm", and the npm package @sparticuz/chromium is not there, needs it, on Linux on x64. Run npm ci, or unset it.');
  return null;
}

function adapterFlags(wanted: string): string[] {
  if (wanted !== 'software' && wanted !== 'hardware') {
    throw new Error(`WEBGPU_ADAPTER is "${wanted}", needs "software" or "hardware".`);
  }
  return ['--enable-unsafe-webgpu', ...(wanted === 'software' ? ['--use-webgpu-adapter=swiftshader'] : [])];
}
