import { chromium } from 'playwright';
import { namedChromium } from './chromium.js';

const OPENED = Symbol.for('webgpu-batchnorm: the tests’ Chromium was opened');

/**
 * Opens the tests' Chromium before their first, for however many projects, and prints which it is.
 *
 * @throws {Error} it does not start or has no WebGPU; what to do.
 */
export default function openedChromium(): Promise<void> {
  const once = globalThis as { [OPENED]?: Promise<void> };
  return (once[OPENED] ??= open());
}

async function open(): Promise<void> {
  const { browser: launch, origin } = namedChromium();
  const which = `${launch.executablePath} (${origin})`;
  const browser = await chromium.launch({ headless: true, ...launch }).catch((error: Error) => {
    const why = /error while loading shared libraries: [^\n]+/.exec(error.message)?.[0] ?? error.message.split('\n')[0]!;
    throw sentence(`The tests need a Chromium, and ${which} did not start: ${why.replace(/\.$/, '')}.`);
  });
  try {
    const page = await browser.newPage();
    await page.route('http://localhost/', (route) => route.fulfill({ contentType: 'text/html', body: '' })); // where WebGPU may be
    await page.goto('http://localhost/');
    const adapter = await page.evaluate(async () => {
      const info = (await navigator.gpu?.requestAdapter())?.info;
      return info ? `${info.vendor} ${info.architecture}`.trim() || 'not told' : null;
    });
    if (adapter === null) {
      const flags = launch.args.filter((arg) => arg.includes('webgpu')).join(' ');
      throw sentence(`The tests need WebGPU, and ${which}, Chromium ${browser.version()}, has no adapter with ${flags}.`);
    }
    console.log(`Chromium ${browser.version()}, ${which}, adapter ${adapter}`);
  } finally {
    await browser.close();
  }
}

function sentence(what: string): Error {
  return new Error(`${what} Set CHROMIUM_PATH to another (on Linux on x64 CHROMIUM_PATH=npm takes that of the npm package @sparticuz/chromium).`);
}
