// Runs Vitest's browser mode in a stock Firefox, over WebDriver BiDi; Playwright would need a build of its own.
import { defineBrowserProvider } from '@vitest/browser';
import type { Browser, Page } from 'puppeteer-core';
import type { BrowserProvider, BrowserProviderOption } from 'vitest/node';
import { launch, newPage } from './firefox.js';

class FirefoxProvider implements BrowserProvider {
  readonly name = 'firefox';
  readonly supportsParallelism = false;
  #browser: Promise<Browser> | undefined;
  readonly #pages = new Map<string, Page>();

  async openPage(session: string, url: string): Promise<void> {
    const browser = await (this.#browser ??= launch({ gpu: true }));
    await this.#pages.get(session)?.close();
    const page = await newPage(browser);
    this.#pages.set(session, page);
    await page.goto(url);
  }

  getCommandsContext(session: string): Record<string, unknown> {
    return { page: this.#pages.get(session) };
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close();
  }
}

export function firefox(): BrowserProviderOption {
  return defineBrowserProvider({ name: 'firefox', supportedBrowser: ['firefox'], providerFactory: () => new FirefoxProvider() });
}
