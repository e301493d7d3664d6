import { readFileSync } from 'node:fs';
import { createServer, request as forward } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { loadConfig } from '../../src/config/index.ts';
import { listen } from '../../src/http/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import type { Task } from '../../src/task/index.ts';
import { explainFile } from '../../training/artifacts/index.ts';
import { keyFile } from '../support/api-keys.ts';
import { hasBrowser, needsBrowser, openBrowser, type WatchedBrowser } from '../support/browser.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mbtiTask, tinyClassifier, tinyGraph, writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const text = 'Quiet evenings in the garden, alone with a long book.';
const hostile = `<img src=x onerror="document.title='owned'"> & <b>plans</b> שלום עולם 🎉 end`;

const oneAxis: Task = {
  name: 'tone of voice',
  cleaning: 'none',
  axes: [{ name: 'tone', labels: ['kind & calm', '<b>rude'], threshold: 0.8, temperature: 1 }],
};

async function serve(modelDir: string, ...overrides: string[]): Promise<RunningServer> {
  const loopback = ['server.port=0', 'server.host=127.0.0.1', 'server.workers=1'];
  const { config } = loadConfig({ overrides: [...loopback, ...overrides], env: {} });
  return startServer({ config, modelDir, logger: quietLogger });
}

/** An explaining MBTI bundle, whose cleaning lets everything through. */
async function writeExplaining(dir: string): Promise<void> {
  const options = { kept: [2, 3], baseline: 0, steps: 3 };
  const explain = explainFile(readFileSync(tinyGraph), 'model.onnx', options);
  const task = { ...mbtiTask, cleaning: 'none' } as const;
  await writeTinyBundle(dir, { task }, { 'onnx/explain.onnx': explain });
}

async function serveExplaining(): Promise<RunningServer> {
  const dir = join(folder.path, 'mbti');
  await writeExplaining(dir);
  return serve(dir, 'limits.max_windows=2');
}

const otherName = 'tone 100% <b>?';

/** A server of two models, of which the default one does not explain. */
async function serveSeveral(): Promise<RunningServer> {
  const dir = join(folder.path, 'several');
  await writeExplaining(join(dir, 'mbti'));
  await writeTinyBundle(join(dir, otherName), { task: oneAxis }, {}, tinyClassifier(1));
  return serve(dir, `models.default_model=${otherName}`);
}

/** A server of another task, of one axis, that asks for keys and explains nothing. */
async function serveKeyed(): Promise<RunningServer> {
  const dir = join(folder.path, 'tone');
  await writeTinyBundle(dir, { name: 'tone', task: oneAxis }, {}, tinyClassifier(1));
  const keys = folder.write('keys.json', keyFile({ reader: ['predict'] }));
  return serve(dir, `security.api_keys_file=${keys}`);
}

async function predict(page: Page, words: string): Promise<void> {
  await page.getByLabel('Text').fill(words);
  await page.getByRole('button', { name: 'Predict' }).click();
}

const answered = (page: Page) => page.locator('#type:not(:empty)').waitFor();

const inBrowser = hasBrowser ? describe : describe.skip;
inBrowser(hasBrowser ? 'in a browser' : needsBrowser, () => {
  let browser: WatchedBrowser;
  let mbti: RunningServer;
  let keyed: RunningServer;
  let several: RunningServer;

  beforeAll(async () => {
    [browser, mbti, keyed, several] = await Promise.all([
      openBrowser(),
      serveExplaining(),
      serveKeyed(),
      serveSeveral(),
    ]);
  });
  afterAll(() =>
    Promise.all([browser.close(), ...[mbti, keyed, several].map((server) => server.stop())]),
  );

  const open = (url: string) => browser.open(url);
  afterEach(() => expect(browser.complaints()).toEqual([]));

  it('the page predicts by keyboard alone, what the server predicts', async () => {
    const page = await open(mbti.url);
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type(text);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await answered(page);
    const answer = await fetch(`${mbti.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    const { mbti_type: type, probabilities } = JSON.parse(await answer.text());
    expect(await page.locator('#type').textContent()).toBe(type);
    expect(await page.locator('.ends span').allTextContents()).toEqual(
      Object.entries<number>(probabilities).map(
        ([label, p]) => `${label} ${(p * 100).toFixed(1)} %`,
      ),
    );
    expect(await page.locator('button:focus').count()).toBe(1);
  });

  it('the page explains, and shows every text as text', async () => {
    const page = await open(mbti.url);
    await page.getByLabel('show which words').check();
    await predict(page, hostile);
    await answered(page);
    expect(await page.locator('.words').allTextContents()).toEqual(Array(4).fill(hostile));
    expect(
      await page
        .locator('.words .mark')
        .first()
        .evaluate((mark) => mark.style.background),
    ).toMatch(/rgba/);
    expect(await page.locator('img, .words b').count()).toBe(0);
    expect(await page.title()).toBe('Try the classifier');
  });

  it('the page says that a long text was cut', async () => {
    const page = await open(mbti.url);
    await predict(page, `${text} `.repeat(40));
    await answered(page);
    expect(await page.locator('#usage').textContent()).toMatch(
      /in 2 windows.*its end was not read/,
    );
  });

  it('the page says what was wrong, and then goes on', async () => {
    const page = await open(mbti.url);
    await predict(page, text);
    await answered(page);
    await predict(page, 'short');
    const alert = page.getByRole('alert');
    await expect(
      alert.filter({ hasText: /too short.*at least 10/ }).waitFor(),
    ).resolves.toBeUndefined();
    expect(await page.locator('#type, .axis').allTextContents()).toEqual(['']);
    await predict(page, text);
    await answered(page);
    expect(await alert.textContent()).toBe('');
  });

  it('the page of another task shows its own axis, and keeps an API key to itself', async () => {
    const page = await open(keyed.url);
    expect(await page.getByLabel('show which words').isHidden()).toBe(true);
    expect(await page.getByLabel('API key').isHidden()).toBe(true);
    await predict(page, text);
    const alert = page.getByRole('alert');
    await alert.filter({ hasText: 'asks for an API key' }).waitFor();
    await page.keyboard.type('nobody');
    await page.keyboard.press('Enter');
    await alert.filter({ hasText: 'does not know this API key' }).waitFor();
    await page.getByLabel('API key').fill('reader');
    await page.keyboard.press('Enter');
    await answered(page);
    expect(await page.locator('.axis h2').textContent()).toBe('tone');
    expect(await page.locator('.ends').textContent()).toMatch(/^kind & calm .* %<b>rude .* %$/);
    expect(await page.locator('.axis .muted').textContent()).toBe('kind & calm from 80.0 % on');
    expect(
      await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length'),
    ).toBe(0);
  });

  it('the page of one model offers no choice', async () => {
    const page = await open(mbti.url);
    await page.locator('#model:not(:empty)').waitFor();
    expect(await page.locator('#choices').isVisible()).toBe(false);
  });

  it('the page of several models asks the one that is chosen, and shows its labels', async () => {
    const page = await open(several.url);
    const choice = page.getByLabel('Model');
    await choice.waitFor();
    expect(await choice.locator('option').allTextContents()).toEqual(['mbti', otherName]);
    const explains = page.getByLabel('show which words');
    expect([await choice.inputValue(), await explains.isVisible()]).toEqual([otherName, false]);
    await predict(page, text);
    await answered(page);
    expect(await page.locator('.axis h2').allTextContents()).toEqual(['tone']);
    await choice.selectOption('mbti');
    expect(await page.locator('#type, .axis').allTextContents()).toEqual(['']);
    expect(await page.locator('#model').textContent()).toMatch(/^Task mbti · model mbti, version/);
    await explains.check();
    await predict(page, text);
    await answered(page);
    expect(await page.locator('.axis').count()).toBe(4);
    expect(await page.locator('.words').allTextContents()).toEqual(Array(4).fill(text));
    await choice.selectOption(otherName);
    expect([await explains.isVisible(), await page.locator('.words').count()]).toEqual([false, 0]);
    await predict(page, text);
    await answered(page);
    expect(await page.locator('.ends').textContent()).toMatch(/^kind & calm .* %<b>rude .* %$/);
  });

  it('the page works under the prefix of a proxy, whose own error pages it survives', async () => {
    let broken = false;
    const proxy = createServer((request, response) => {
      if (broken) return response.writeHead(502).end('<h1>Bad gateway</h1>');
      const path = request.url?.replace('/some/where', '');
      const options = { port: mbti.port, path, method: request.method, headers: request.headers };
      const onward = forward(options, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    const port = await listen(proxy, '127.0.0.1', 0);
    const page = await open(`http://127.0.0.1:${port}/some/where/`);
    await predict(page, text);
    await answered(page);
    broken = true;
    await predict(page, text);
    await page.getByRole('alert').filter({ hasText: 'The server answered 502.' }).waitFor();
    proxy.close();
    proxy.closeAllConnections();
    await predict(page, text);
    await page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' }).waitFor();
  });

  it('/docs lists every route of /openapi.json, and its links open what they lead to', async () => {
    const page = await open(`${mbti.url}/docs`);
    await page.context().setOffline(true);
    const document = JSON.parse(await (await fetch(`${mbti.url}/openapi.json`)).text());
    const routes = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const listed = await page
      .locator('summary:has(.path)')
      .evaluateAll((summaries) =>
        summaries.map((one) =>
          ['.method', '.path'].map((part) => one.querySelector(part)?.textContent).join(' '),
        ),
      );
    expect(listed.sort()).toEqual(routes.sort());
    await page.locator('#predict > summary').click();
    await page.locator('#predict a', { hasText: 'PredictRequest' }).first().click();
    expect(await page.locator('#schema-PredictRequest').isVisible()).toBe(true);
  });
});
