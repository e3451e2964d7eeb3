import { execFileSync } from 'node:child_process';
import { chromium } from 'playwright';
import { type Browser, findChromium as find } from '../src/cli/chromium.js';

export type { Browser };

/**
 * A Chromium for the tests: the command line's, and where there is none Playwright's is downloaded. Its adapter is
 * SwiftShader, the same on every machine; with WEBGPU_ADAPTER=hardware it is the machine's own.
 */
export function findChromium(): Browser {
  const own = chromium.executablePath();
  const { executablePath, args } = find(own, 'software') ?? download(own);
  return { executablePath, args: [...args, '--js-flags=--expose-gc'] };
}

function download(own: string): Browser {
  try {
    execFileSync(process.execPath, ['node_modules/playwright/cli.js', 'install', 'chromium'], { stdio: 'inherit' });
  } catch {
    // said below, with what to do
  }
  const found = find(own, 'software');
  if (found) return found;
  throw new Error(
    'The tests need a Chromium and none could be downloaded. Install one (Debian: apt-get install chromium) or set CHROMIUM_PATH.',
  );
}
