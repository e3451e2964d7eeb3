import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright';
import { type Browser, type FoundChromium, LOOKED, findChromium as find } from '../src/cli/chromium.js';

/**
 * A Chromium for the tests: the command line's, and where there is none Playwright's is downloaded. Its adapter is
 * SwiftShader, the same on every machine; with WEBGPU_ADAPTER=hardware it is the machine's own.
 *
 * @throws {Error} there is none; where it was looked for, and what to do.
 */
export function findChromium(): Browser {
  return namedChromium().browser;
}

/** The same, with whose it is. */
export function namedChromium(): FoundChromium {
  const own = chromium.executablePath();
  const { browser, origin } = find(own, 'software') ?? download(own);
  return { browser: { ...browser, args: [...browser.args, '--js-flags=--expose-gc'] }, origin };
}

function download(own: string): FoundChromium {
  try {
    execFileSync(process.execPath, ['node_modules/playwright/cli.js', 'install', 'chromium'], { stdio: 'inherit' });
  } catch {
    // said below, with what to do
  }
  const found = find(own, 'software');
  if (found) return found;
  throw new Error(
    `The tests need a Chromium, and there is none (${LOOKED}), and Playwright could not download one now. ` +
      'Run npm ci, install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.',
  );
}
