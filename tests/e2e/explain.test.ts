import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { createLogger } from '../../src/telemetry/index.ts';
import { explainFile } from '../../training/artifacts/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyGraph, writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'explained');
const text = "Quiet evenings! I don't argue, I read alone when plans end.";
/** [CLS] and [SEP] of the learnt tokenizer. */
const kept = [2, 3];

let server: RunningServer;
beforeAll(async () => {
  const explain = explainFile(readFileSync(tinyGraph), 'model.onnx', { kept, baseline: 0 });
  await writeTinyBundle(bundle, {}, { 'onnx/explain.onnx': explain });
  const { config } = loadConfig({
    flags: { 'server.port': 0, 'server.host': '127.0.0.1', 'server.workers': 1 },
  });
  const logger = createLogger({ level: 'error', format: 'json', stream: process.stderr });
  server = await startServer({ config, modelDir: bundle, logger });
}, 30_000);
afterAll(() => server?.stop());

async function post(route: string, body: object) {
  const answer = await fetch(server.url + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

interface ExplainedWord {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  readonly attributions: Readonly<Record<string, number>>;
}

describe('the server of a bundle that explains', () => {
  it.each([
    ['one window', text],
    ['several windows', `${text} `.repeat(12).trim()],
  ])('explains a text of %s: its words add up to its logits', async (_name, long) => {
    const { status, body } = await post('/explain', { text: long });
    expect(status).toBe(200);
    const { explanation, ...prediction } = body;
    expect(prediction).toEqual((await post('/predict', { text: long })).body);
    const words: ExplainedWord[] = explanation.words;
    expect(words.map(({ word }) => word).join(' ')).toContain("I don't argue");
    for (const { word, start, end } of words) {
      expect(explanation.text.slice(start, end)).toBe(word);
    }
    for (const [axis, logit] of Object.entries<number>(explanation.logits)) {
      const total = words.reduce((sum, word) => sum + word.attributions[axis]!, 0);
      const difference = logit - explanation.baseline_logits[axis];
      expect(explanation.special_tokens[axis]).toBe(0);
      // The mean over windows of what each adds up to within 0.5 %; ReLUs in the fixture's head leave a bit more.
      expect(Math.abs(total - difference)).toBeLessThan(0.01 * Math.abs(difference) + 1e-3);
    }
    expect(explanation.method).toBe('integrated_gradients');
  });

  it('answers 408 in time and goes on, when explaining takes too long', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `${text} ${'and more '.repeat(200 + i)}`);
    const answer = await fetch(`${server.url}/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-timeout-ms': '50' },
      body: JSON.stringify({ texts }),
    });
    expect(answer.status).toBe(408);
    expect((await post('/predict', { text })).status).toBe(200);
  });
});
