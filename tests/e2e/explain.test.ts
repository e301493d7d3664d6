import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readBundle } from '../../src/bundle/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { createLogger } from '../../src/telemetry/index.ts';
import { type ExplainOptions, explainFile } from '../../training/artifacts/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tinyGraph, writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const text = "Quiet evenings! I don't argue, I read alone when plans end.";
/** [CLS] and [SEP] of the learnt tokenizer. */
const kept = [2, 3];

const started: RunningServer[] = [];

/** A server of the tiny model with an explain graph of these options. */
async function serve(name: string, options: ExplainOptions): Promise<RunningServer> {
  const modelDir = join(folder.path, name);
  const explain = explainFile(readFileSync(tinyGraph), 'model.onnx', { kept, ...options });
  await writeTinyBundle(modelDir, {}, { 'onnx/explain.onnx': explain });
  const { config } = loadConfig({
    flags: { 'server.port': 0, 'server.host': '127.0.0.1', 'server.workers': 1 },
  });
  const logger = createLogger({ level: 'error', format: 'json', stream: process.stderr });
  const running = await startServer({ config, modelDir, logger });
  started.push(running);
  return running;
}

let server: RunningServer;
beforeAll(async () => {
  // The fixture's head has a ReLU.
  server = await serve('explained', { baseline: 0, steps: 129 });
}, 30_000);
afterAll(() => Promise.all(started.map((running) => running.stop())));

async function post(route: string, body: object, { url }: RunningServer = server) {
  const answer = await fetch(url + route, {
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

  it('explains by gradient × input where the graph has no more, special tokens apart', async () => {
    const simple = await serve('simple', { steps: 0 });
    const { status, body } = await post('/explain', { text }, simple);
    expect(status).toBe(200);
    const { method, special_tokens: special, words, ...rest } = body.explanation;
    expect(method).toBe('gradient_x_input');
    expect(Object.keys(rest)).toEqual(['text', 'logits']);
    expect(Object.values(special)).not.toContain(0);
    expect(words[0].word).toBe('Quiet');
    for (const value of Object.values(words[0].attributions)) expect(value).not.toBe(0);
  });

  it('does not start when the explain graph is not the one of the manifest', async () => {
    const dir = join(folder.path, 'edited');
    await writeTinyBundle(dir, {}, { 'onnx/explain.onnx': Buffer.from('explain') });
    folder.write('edited/onnx/explain.onnx', 'another');
    await expect(readBundle(dir)).rejects.toThrow(/explain\.onnx does not match the manifest/);
  });
});
