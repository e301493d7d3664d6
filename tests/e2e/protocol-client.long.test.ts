import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

/** A Python that may have tritonclient[http] and kserve. */
const python = process.env.MBTI_CLIENTS_PYTHON ?? 'python3';
const has = (module: string) => spawnSync(python, ['-c', `import ${module}`]).status === 0;
const needs = (what: string) =>
  `needs ${what} for ${python} (MBTI_CLIENTS_PYTHON names another Python)`;
const folder = temporaryFolder();

const texts = [
  "I enjoy solving complex problems alone and reading books, don't you?",
  'Parties! People! Plans… et le café crème, 12 % off.',
  'quiet evenings in the garden '.repeat(60),
];

interface Answer {
  readonly id: string;
  readonly labels: readonly string[];
  readonly probabilities: readonly (readonly number[])[] | null;
}

describe("Triton's Python client", () => {
  if (!has('tritonclient.http')) {
    it.skip(needs('tritonclient[http]'), () => {});
    return;
  }

  it('gets the answers of /predict, in binary and in JSON, and clear errors', async () => {
    const url = await serveTiny();
    const found = speak('triton_client.py', new URL(url).host);
    expect([found.live, found.ready, found.model_ready]).toEqual([true, true, [true, true, false]]);
    expect(found.metadata.platform).toBe('onnx_onnxv1');
    const predictions = await predict(url);
    const answers: [string, Answer][] = Object.entries(found.answers);
    expect(answers).toHaveLength(8);
    for (const [way, answer] of answers) {
      expect([way, answer.id]).toEqual([way, 'triton-1']);
      expect([way, answer.labels]).toEqual([way, predictions.map((one) => one.mbti_type)]);
      if (way === 'one output') expect(answer.probabilities).toBeNull();
      // What Triton's client reads is float32.
      else
        expect(answer.probabilities).toEqual(predictions.map((one) => one.scores.map(Math.fround)));
    }
    expect(found.refused).toEqual({
      gzip: { status: '415', message: expect.stringContaining('content encoding') },
      deflate: { status: '415', message: expect.stringContaining('content encoding') },
      output: { status: '400', message: expect.stringContaining('"logits"') },
      version: { status: '404', message: expect.stringContaining('no version "none"') },
      load: { status: '403', message: expect.stringContaining('API keys') },
    });
  }, 120_000);
});

describe("KServe's REST client", () => {
  if (!has('kserve')) {
    it.skip(needs('kserve'), () => {});
    return;
  }

  it('gets the answers of /predict, in binary and in JSON, and clear errors', async () => {
    const url = await serveTiny();
    const found = speak('kserve_client.py', url);
    expect([found.live, found.ready, found.model_ready]).toEqual([true, true, [true, false]]);
    const predictions = await predict(url);
    const answers: [string, Answer][] = Object.entries(found.answers);
    expect(answers).toHaveLength(7);
    for (const [way, answer] of answers) {
      expect([way, answer]).toEqual([
        way,
        {
          id: 'kserve-1',
          model: 'tiny',
          labels: predictions.map((one) => one.mbti_type),
          probabilities: predictions.map((one) => one.scores.map(Math.fround)),
        },
      ]);
    }
    expect(found.refused).toEqual({
      name: { status: 400, message: expect.stringContaining('the path names "tiny"') },
      model: { status: 404, message: expect.stringContaining('no model "nobody"') },
      base64: { status: 400, message: expect.stringContaining('content_type is "base64"') },
    });
  }, 120_000);
});

async function serveTiny(): Promise<string> {
  const bundle = join(folder.path, 'tiny');
  await writeTinyBundle(bundle);
  return (await serveProcess('--model', bundle, '--workers', '1')).url;
}

/** What a client's script found. */
function speak(script: string, address: string) {
  const path = join(packageRoot, 'tests/support/peers', script);
  const { stdout, stderr, status } = spawnSync(
    python,
    [path, address, 'tiny', JSON.stringify(texts)],
    { encoding: 'utf8' },
  );
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

async function predict(url: string): Promise<{ mbti_type: string; scores: number[] }[]> {
  const answer = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ texts }),
  });
  const { predictions } = JSON.parse(await answer.text());
  return predictions.map((one: { mbti_type: string; dimensions: { score: number }[] }) => ({
    mbti_type: one.mbti_type,
    scores: one.dimensions.map(({ score }) => score),
  }));
}
