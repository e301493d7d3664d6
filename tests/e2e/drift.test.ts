import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { EnginePool } from '../../src/engine/index.ts';
import { openModel } from '../../src/models/open-model.ts';
import { Scheduler } from '../../src/scheduler/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { referenceOf } from '../../training/evaluate/index.ts';
import { samples } from '../support/exposition.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { mbtiTask, writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'watched');
const features = [...mbtiTask.axes.map(({ name }) => name), 'text_length', 'unknown_rate'];

const words = 'quiet evening garden argue plans long warm day friends reading'.split(' ');
/** Usual texts, of 5 to 24 words; the window holds as many. */
const usual = Array.from({ length: 100 }, (_, i) =>
  Array.from({ length: 5 + (i % 20) }, (_, j) => words[(i * 7 + j * 3) % words.length]).join(' '),
);

let server: RunningServer;
const { config } = loadConfig({
  overrides: ['server.port=0', 'server.host=127.0.0.1', 'drift.window=100'],
  env: {},
});

beforeAll(async () => {
  await writeTinyBundle(bundle);
  const { spec } = await openModel({ dir: bundle }, config);
  const engines = new EnginePool({ spec, size: 1 });
  await engines.ready;
  const scheduler = new Scheduler({ engines, maxDepth: usual.length, maxTokens: 1e6 });
  const scores = await scheduler.submit(usual, { timeoutMs: 60_000 });
  await engines.stop();
  await writeTinyBundle(bundle, { reference: referenceOf(mbtiTask.axes, scores) });
  server = await startServer({ config, modelDir: bundle, logger: quietLogger });
});
afterAll(() => server.stop());

async function feed(texts: readonly string[]): Promise<void> {
  const answer = await fetch(`${server.url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ texts }),
  });
  expect(answer.status).toBe(200);
}

async function drift(): Promise<{ size: number | undefined; psi: Record<string, number> }> {
  const found = samples(await (await fetch(`${server.url}/metrics`)).text());
  const of = (name: string) => found.get(`mbti_drift_psi{feature="${name}"}`) ?? Number.NaN;
  return {
    size: found.get('mbti_drift_window_size'),
    psi: Object.fromEntries(features.map((name) => [name, of(name)])),
  };
}

describe('drift', () => {
  it('is 0 at the start, and for the texts of the reference themselves', async () => {
    const none = Object.fromEntries(features.map((name) => [name, 0]));
    expect(await drift()).toEqual({ size: 0, psi: none });
    await feed(usual);
    const { size, psi } = await drift();
    expect(size).toBe(100);
    // 1e-9: the shares are the same fractions, counted twice.
    for (const name of features) expect(psi[name]).toBeCloseTo(0, 9);
  });

  it('is major in every feature when all texts are one long strange one, and goes with them', async () => {
    // A word of over 100 letters is unknown to every WordPiece tokenizer.
    const unknown = 'quiet'.repeat(24);
    const others = usual.map(() => `${unknown} ${usual[19]} ${unknown} ${usual[19]}`);
    await feed(others);
    const { size, psi } = await drift();
    expect(size).toBe(100);
    for (const name of features) {
      expect([name, (psi[name] ?? 0) > 0.25]).toEqual([name, true]);
    }
    await feed(usual);
    for (const value of Object.values((await drift()).psi)) expect(value).toBeCloseTo(0, 9);
  });
});
