import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ResultCache } from '../../src/cache/index.ts';
import { describeKeys, loadConfig } from '../../src/config/index.ts';
import { Scorer } from '../../src/engine/scorer.ts';
import { openModel } from '../../src/models/open-model.ts';
import { openModels } from '../../src/models/open-models.ts';
import { Scheduler } from '../../src/scheduler/index.ts';
import { RateLimiter } from '../../src/security/index.ts';
import { DriftWindow } from '../../src/telemetry/drift/drift-window.ts';
import { RotatingFile } from '../../src/telemetry/prediction-log/rotating-file.ts';
import { FakeEngines, fakeScore } from '../support/fake-engines.ts';
import { type Limits, tryLimits } from '../support/limits.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mbtiTask, writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const many = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}`);

/** Whether a request of so many texts finds its place while others, or none, are waiting. */
async function isAdmitted(
  options: { readonly maxDepth: number; readonly maxTokens?: number },
  before: readonly string[],
  texts: readonly string[],
): Promise<boolean> {
  const engines = new FakeEngines(1);
  const scheduler = new Scheduler({ engines, ...options });
  const answers = [['busy'], before, texts].map((some) =>
    scheduler.submit(some, { timeoutMs: 60_000 }).then(
      () => 'ok',
      ({ code }) => code,
    ),
  );
  engines.auto = true;
  engines.running[0]?.finish();
  const [, first, last] = await Promise.all(answers);
  expect(first).toBe('ok');
  expect(['ok', 'queue_full']).toContain(last);
  return last === 'ok';
}

/** A text that counts as so many tokens: 4 characters each, and 2 for its ends. */
const ofTokens = (tokens: number) => 'x'.repeat((tokens - 2) * 4);

/** Whether a text of so many words, each a token, is scored whole. */
async function isWhole(maxWindows: number, tokens: number): Promise<boolean> {
  const dir = join(folder.path, 'windows');
  if (!existsSync(dir)) await writeTinyBundle(dir);
  const { config } = loadConfig({ overrides: [`limits.max_windows=${maxWindows}`], env: {} });
  const scorer = await Scorer.load((await openModel({ dir }, config)).spec);
  const { truncated, windows, tokens: scored } = await scorer.score('the '.repeat(tokens), {});
  expect(windows).toBe(Math.min(maxWindows, Math.ceil(tokens / 62)));
  expect(truncated).toBe(scored < tokens + 2 * windows);
  return !truncated;
}

/** Of requests that are sent all the time, those that one minute lets through behind the first. */
function inAMinute(perMinute: number): number {
  let now = 0;
  const limiter = new RateLimiter({ perMinute, burst: 1, now: () => now });
  let passed = 0;
  for (limiter.take('me'); now <= 60_000; now += 8) if (limiter.take('me') === 0) passed += 1;
  return passed;
}

/** How many of so many requests at once pass. */
function atOnce(burst: number, requests: number): number {
  const limiter = new RateLimiter({ perMinute: 1, burst, now: () => 0 });
  return Array.from({ length: requests }, () => limiter.take('me')).filter((s) => s === 0).length;
}

/** Writes lines to a log of its own and tells the files that there are then. */
async function logOf(
  name: string,
  options: { readonly maxBytes?: number; readonly keepFiles?: number; readonly keepDays?: number },
  lines: readonly string[],
): Promise<string[]> {
  const dir = join(folder.path, name);
  const usual = { maxBytes: 1e6, keepFiles: 100, keepDays: 30 };
  const file = new RotatingFile({
    path: join(dir, 'log'),
    ...usual,
    ...options,
    onError: (_duty, error) => {
      throw error;
    },
  });
  for (const line of lines) file.append(line);
  await file.close();
  return readdirSync(dir);
}

const DAY_MS = 86_400_000;

async function isKeptAfter(days: number, name: string): Promise<boolean> {
  const dir = join(folder.path, name);
  mkdirSync(dir);
  // A minute younger than that, as time goes on.
  const stamp = new Date(Date.now() - days * DAY_MS + 60_000).toISOString().replace(/[:.]/g, '-');
  writeFileSync(join(dir, `log.${stamp}`), 'old\n');
  return (await logOf(name, { keepDays: 3 }, ['new'])).length === 2;
}

/** Whether so many versions of a model are all served. */
async function areAllServed(versions: number, count: number): Promise<boolean> {
  const one = join(folder.path, 'versions');
  const dir = join(folder.path, `versions-${count}`);
  if (!existsSync(one)) await writeTinyBundle(join(one, 'm', '1'));
  for (let i = 1; i <= count; i += 1) {
    cpSync(join(one, 'm', '1'), join(dir, 'm', String(i)), { recursive: true });
  }
  const { config } = loadConfig({ overrides: [`models.versions=${versions}`], env: {} });
  const { models } = await openModels(dir, config, { logger: quietLogger, verbose: false });
  const served = models.map(({ opened }) => opened.model.version);
  const highest = Array.from({ length: Math.min(versions, count) }, (_, i) => count - i);
  expect(served).toEqual(highest.reverse().map(String));
  return served.length === count;
}

const ofServers: Limits = {
  'limits.max_windows': { limit: 2, allows: (n) => isWhole(2, n * 62) },
  'limits.max_windows, in tokens': { limit: 2 * 62, allows: (n) => isWhole(2, n) },
  'queue.max_depth': {
    limit: 5,
    allows: (n) => isAdmitted({ maxDepth: 5 }, ['a', 'b'], many(n - 2)),
  },
  'queue.max_depth, of one request': {
    limit: 5,
    allows: (n) => isAdmitted({ maxDepth: 5 }, [], many(n)),
  },
  'queue.max_tokens': {
    limit: 50,
    allows: (n) => isAdmitted({ maxDepth: 9, maxTokens: 50 }, [ofTokens(20)], [ofTokens(n - 20)]),
  },
  'cache.max_entries': {
    limit: 3,
    allows: (n) => {
      const cache = new ResultCache(3);
      const model = cache.of('m');
      for (const one of many(n)) model.set(one, fakeScore(one));
      expect(cache.size).toBe(Math.min(n, 3));
      return model.get(many(1)[0] ?? '') !== undefined;
    },
  },
  // A request in 32 ms, of which all sums are exact.
  'security.rate_limit': { limit: 1875, allows: (n) => inAMinute(1875) >= n },
  'security.rate_burst': { limit: 3, allows: (n) => atOnce(3, n) === n },
  'prediction_log.max_bytes': {
    limit: 40,
    allows: async (n) => {
      const name = `bytes-${n}`;
      const files = await logOf(name, { maxBytes: 40 }, ['x'.repeat(9), 'y'.repeat(n - 11)]);
      const whole = statSync(join(folder.path, name, 'log')).size === n;
      expect(files.length).toBe(whole ? 1 : 2);
      return whole;
    },
  },
  'prediction_log.keep_files': {
    limit: 3,
    allows: async (n) => {
      const lines = Array.from({ length: n + 1 }, (_, i) => `line ${i}`);
      const files = await logOf(`files-${n}`, { maxBytes: 8, keepFiles: 3 }, lines);
      return files.length === n + 1;
    },
  },
  'prediction_log.keep_days': { limit: 3, allows: (n) => isKeptAfter(n, `days-${n}`) },
  'models.versions': { limit: 2, allows: (n) => areAllServed(2, n) },
  'drift.window': {
    limit: 3,
    allows: (n) => {
      const features = { text_length: { edges: [10], shares: [0.5, 0.5] } };
      const drift = new DriftWindow({ texts: 9, features }, mbtiTask.axes, 3);
      for (const one of many(n)) drift.observe(fakeScore(one));
      return drift.size === n;
    },
  },
};

/** Numbers in the sections of limits that are tried elsewhere, or bound no amount. */
const others: Readonly<Record<string, string>> = {
  'limits.max_body_bytes': 'tests/src/http/limits.test.ts',
  'limits.max_texts': 'tests/src/http/limits.test.ts',
  'queue.timeout_ms': 'a time',
  'models.load_timeout_ms': 'a time',
  'security.trusted_proxies': 'a place in a row of proxies',
  'prediction_log.sample': 'a share',
};

describe('limits of servers', () => {
  tryLimits(ofServers);

  it('are all the numbers of the configuration that bound an amount', () => {
    const sections = ['limits', 'queue', 'cache', 'security', 'prediction_log', 'models', 'drift'];
    const numbers = describeKeys(sections).filter(({ allowed }) => /integer|number/.test(allowed));
    const rows = Object.keys(ofServers).map((name) => name.split(',')[0]);
    const known = [...new Set([...rows, ...Object.keys(others)])];
    expect(known.sort()).toEqual(numbers.map(({ path }) => path).sort());
  });
});
