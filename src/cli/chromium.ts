import { existsSync } from 'node:fs';

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

const BASE = ['--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const ROOT = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/**
 * A Chromium: what CHROMIUM_PATH names, else the system's, else Playwright's own; null where there is none.
 *
 * @param own - where Playwright's would stand.
 * @param adapter - `'software'` is SwiftShader on every machine; `'hardware'` is the machine's GPU, and SwiftShader
 *   where it has none. WEBGPU_ADAPTER overrides it.
 */
export function findChromium(own: string, adapter: 'software' | 'hardware'): Browser | null {
  const args = [...BASE, ...ROOT, ...adapterFlags(process.env.WEBGPU_ADAPTER ?? adapter)];
  const set = process.env.CHROMIUM_PATH;
  if (set && !existsSync(set)) throw new Error(`CHROMIUM_PATH is "${set}", which does not exist, needs a Chromium. Correct or unset it.`);
  const executablePath = set || [...SYSTEM, own].find((path) => existsSync(path));
  return executablePath ? { executablePath, args } : null;
}

function adapterFlags(wanted: string): string[] {
  if (wanted !== 'software' && wanted !== 'hardware') {
    throw new Error(`WEBGPU_ADAPTER is "${wanted}", needs "software" or "hardware".`);
  }
  return ['--enable-unsafe-webgpu', ...(wanted === 'software' ? ['--use-webgpu-adapter=swiftshader'] : [])];
}
