import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';

const named = process.env.CHROMIUM_PATH;
const path = named ?? '/usr/bin/chromium';

/** One that was named has to be there. */
export const hasBrowser = named !== undefined || existsSync(path);

/** What tests say that are skipped without one. */
export const needsBrowser = `they need a browser at ${path}: apt-get install chromium, or name another in CHROMIUM_PATH`;

export interface WatchedPage {
  readonly page: Page;
  /** What no page should do: errors and warnings on the console, thrown errors, requests to other servers. */
  readonly complaints: string[];
}

/** Opens pages of one browser, each with storage of its own; `close` ends all of it. */
export async function openBrowser(): Promise<{
  open(url: string): Promise<WatchedPage>;
  close(): Promise<void>;
}> {
  // What is shown is our own; the sandbox does not work for root, nor in most containers.
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
  return {
    async open(url) {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('console', (message) => {
        // The browser itself reports every answer that is no success; the page shows those.
        if (message.text().startsWith('Failed to load resource')) return;
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('request', (request) => {
        const { origin, protocol } = new URL(request.url());
        if (protocol !== 'data:' && origin !== new URL(url).origin) complaints.push(request.url());
      });
      page.setDefaultTimeout(10_000);
      await page.goto(url);
      return { page, complaints };
    },
    close: () => browser.close(),
  };
}
