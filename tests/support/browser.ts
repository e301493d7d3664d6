import { existsSync } from 'node:fs';
import { chromium, type Page } from 'playwright-core';

const named = process.env.CHROMIUM_PATH;
const path = named ?? '/usr/bin/chromium';

/** One that was named has to be there. */
export const hasBrowser = named !== undefined || existsSync(path);

/** What tests say that are skipped without one. */
export const needsBrowser = `they need a browser at ${path}: apt-get install chromium, or name another in CHROMIUM_PATH`;

export interface WatchedBrowser {
  /** Goes to a page, and watches what it does. */
  open(url: string): Promise<Page>;
  /** What no page should have done: errors and warnings on the console, thrown errors, requests to other servers. */
  complaints(): readonly string[];
  close(): Promise<void>;
}

/** A browser with one tab: a new one for each test would take longer than the test. */
export async function openBrowser(): Promise<WatchedBrowser> {
  // What is shown is our own; the sandbox does not work for root, nor in most containers.
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  let complaints: string[] = [];
  let home = '';
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    // The browser itself reports every answer that is no success; the page shows those.
    if (message.text().startsWith('Failed to load resource')) return;
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== home) complaints.push(request.url());
  });
  return {
    async open(url) {
      complaints = [];
      home = new URL(url).origin;
      await page.context().setOffline(false);
      await page.goto(url);
      return page;
    },
    complaints: () => complaints,
    close: () => browser.close(),
  };
}
