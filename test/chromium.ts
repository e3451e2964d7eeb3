import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';

/** Where a Chromium stands, and the flags that give it WebGPU without a screen, as root or not. */
export interface Browser {
  executablePath: string;
  args: string[];
}

const SYSTEM = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * A Chromium for the tests: what CHROMIUM_PATH names, else the system's, else Playwright's, which is
 * downloaded when it is missing. Its adapter is SwiftShader, the same on every machine; with
 * WEBGPU_ADAPTER=hardware it is the machine's own.
 */
export function findChromium(): Browser {
  return { executablePath: findExecutable(), args: [...BASE, ...ROOT, ...adapterFlags()] };
}

const BASE = ['--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc'];
const ROOT = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

function adapterFlags(): string[] {
  const wanted = process.env.WEBGPU_ADAPTER ?? 'software';
  if (wanted !== 'software' && wanted !== 'hardware') {
    throw new Error(`WEBGPU_ADAPTER is "${wanted}", needs "software" or "hardware".`);
  }
  return ['--enable-unsafe-webgpu', ...(wanted === 'software' ? ['--use-webgpu-adapter=swiftshader'] : [])];
}

function findExecutable(): string {
  const set = process.env.CHROMIUM_PATH;
  if (set) {
    if (existsSync(set)) return set;
    throw new Error(`CHROMIUM_PATH is "${set}", which does not exist, needs a Chromium. Correct or unset it.`);
  }
  const own = chromium.executablePath();
  const found = [...SYSTEM, own].find((path) => existsSync(path));
  if (found) return found;
  try {
    execFileSync(process.execPath, ['node_modules/playwright/cli.js', 'install', 'chromium'], { stdio: 'inherit' });
  } catch {
    // said below, with what to do
  }
  if (existsSync(own)) return own;
  throw new Error(
    'The tests need a Chromium and none could be downloaded. Install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.',
  );
}
