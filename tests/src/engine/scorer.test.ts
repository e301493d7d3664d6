import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { Scorer } from '../../../src/engine/scorer.ts';
import { openModel } from '../../../src/models/open-model.ts';
import { explainFile } from '../../../training/artifacts/index.ts';
import { decodeModel, encodeModel } from '../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import type { Graph } from '../../../training/onnx/graph.ts';
import { withInt32Inputs } from '../../support/int32-inputs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tinyClassifier, writeTinyBundle } from '../../support/tiny-bundle.ts';

const folder = temporaryFolder();

/** A scorer of a bundle with this graph. */
async function scorerOf(
  model: Uint8Array,
  extra: Record<string, Uint8Array> = {},
  overrides: readonly string[] = [],
) {
  const dir = join(mkdtempSync(join(folder.path, 'b-')), 'bundle');
  await writeTinyBundle(dir, {}, extra, model);
  return Scorer.load((await openModel({ dir }, loadConfig({ overrides, env: {} }).config)).spec);
}

function changed(change: (graph: Graph) => void): Uint8Array {
  const model = decodeModel(tinyClassifier(4));
  change(model.graph);
  return encodeModel(model);
}

const text = 'the quiet evening garden and many plans';

describe('a scorer', () => {
  it('feeds graphs of int32 inputs as those of int64, to the same scores and explanations', async () => {
    const wide = tinyClassifier(4);
    const narrow = encodeModel(withInt32Inputs(decodeModel(wide)));
    const answers = [];
    for (const model of [wide, narrow]) {
      const explain = explainFile(model, 'model.onnx', { steps: 5, kept: [2, 3] });
      const scorer = await scorerOf(model, { 'onnx/explain.onnx': explain });
      const options = { explain: { until: Date.now() + 60_000 } };
      const { probabilities, explanation } = await scorer.score(text, options);
      answers.push({ probabilities, words: explanation?.words });
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  it('gives way between windows and goes on from there, to the same answer and explanation', async () => {
    const explain = explainFile(tinyClassifier(4), 'model.onnx', { steps: 5, kept: [2, 3] });
    const scorer = await scorerOf(tinyClassifier(4), { 'onnx/explain.onnx': explain });
    const long = `${text} `.repeat(200);
    for (const options of [{}, { explain: { until: Number.POSITIVE_INFINITY } }]) {
      const atOnce = await scorer.score(long, options);
      expect(atOnce.windows).toBeGreaterThan(5);
      let score = await scorer.score(long, { ...options, givesWayAfterMs: 0 });
      const results = [];
      for (let calls = 1; score.begun; calls++) {
        expect(score.begun.windows).toHaveLength(atOnce.windows - calls);
        results.push(...score.begun.results);
        // As between processes: text and results of earlier times only where they are needed.
        const isLast = score.begun.windows.length === 0;
        const begun = { ...score.begun, results: isLast ? results : [] };
        score = await scorer.score(isLast ? long : '', {
          ...options,
          givesWayAfterMs: 0,
          begun: JSON.parse(JSON.stringify(begun)),
        });
      }
      const { tokenizeMs: _, computeMs: __, ...answer } = atOnce;
      expect(score).toMatchObject(answer);
    }
  });

  it('begins no window of a text that nobody waits for any more', async () => {
    const scorer = await scorerOf(tinyClassifier(4));
    const late = Date.now() - 1;
    for (const options of [{ until: late }, { explain: { until: late } }]) {
      await expect(scorer.score(text, options)).rejects.toMatchObject({
        code: 'deadline_exceeded',
      });
    }
  });

  it.each<[string, (graph: Graph) => void, RegExp]>([
    [
      'positions are an input',
      (graph) => void graph.addInput('position_ids', 'int64', [symbolicDim('batch'), 4]),
      /has an input position_ids: expected input_ids/,
    ],
    [
      'the length of texts is fixed',
      ({ inputs }) => {
        for (const input of inputs) input.shape = [symbolicDim('batch'), 16];
      },
      /input_ids has 16 fixed as its sequence \(axis 1\)/,
    ],
    [
      'ids are floats',
      (graph) => {
        const mask = graph.inputs.find(({ name }) => name === 'attention_mask');
        if (mask) mask.type = 'float32';
      },
      /input attention_mask is float32 \[batch, sequence\], not int64 or int32/,
    ],
  ])('refuses a graph of which %s, naming the input', async (_, change, says) => {
    await expect(scorerOf(changed(change))).rejects.toMatchObject({
      code: 'bundle_invalid',
      message: expect.stringMatching(says),
    });
  });

  it('counts tokens and windows, and the tokens that it does not know', async () => {
    const scorer = await scorerOf(tinyClassifier(4));
    const known = await scorer.score(text);
    expect(known).toMatchObject({ windows: 1, truncated: false, unknownTokens: 0 });
    expect(known.batches).toEqual([{ texts: 1, tokens: known.tokens }]);
    const unknown = await scorer.score(`${text} 漢 字 漢`);
    expect(unknown).toMatchObject({ unknownTokens: 3, tokens: known.tokens + 3 });
  });

  it('takes no more time for its parts than it takes in all', async () => {
    const scorer = await scorerOf(tinyClassifier(4), {}, ['runtime.batch_tokens=64']);
    const parts = async (
      work: () => Promise<readonly { tokenizeMs: number; computeMs: number }[]>,
    ) => {
      const begun = performance.now();
      const scores = await work();
      const whole = performance.now() - begun;
      const tokenizeMs = scores.reduce((sum, score) => sum + score.tokenizeMs, 0);
      for (const { computeMs } of scores) {
        expect(tokenizeMs).toBeGreaterThan(0);
        expect(computeMs).toBeGreaterThan(0);
        expect(tokenizeMs + computeMs).toBeLessThanOrEqual(whole);
      }
    };
    await parts(async () => [await scorer.score(text)]);
    await parts(() => scorer.scoreTogether([text, 'dream alone'], () => {}));
  });

  it('gives texts together what it gives each alone, and says in which batches they were', async () => {
    const overrides = ['runtime.batch_tokens=64', 'runtime.precision=fp32'];
    const scorer = await scorerOf(tinyClassifier(4), {}, overrides);
    expect(scorer.scoresTogether).toBe(true);
    const texts = [text, 'dream alone', `${text} `.repeat(12), 'argue about ideas', text];
    const alone = [];
    for (const one of texts) alone.push(await scorer.score(one));
    let steps = 0;
    const together = await scorer.scoreTogether(texts, () => {
      steps += 1;
    });
    for (const [
      i,
      { probabilities, tokens, windows, unknownTokens, truncated },
    ] of alone.entries()) {
      expect(together[i]).toMatchObject({ tokens, windows, unknownTokens, truncated });
      for (const [axis, p] of probabilities.entries()) {
        // Float32, in another order of sums.
        expect(together[i]?.probabilities[axis]).toBeCloseTo(p, 5);
      }
    }
    const batches = together.flatMap((score) => score.batches);
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    expect(steps).toBe(batches.length);
    expect(batches.length).toBeGreaterThan(2);
    expect(sum(batches.map(({ tokens }) => tokens))).toBe(sum(alone.map(({ tokens }) => tokens)));
    expect(batches.every((batch) => batch.texts >= 1 && batch.tokens <= 64)).toBe(true);
    expect(sum(batches.map((batch) => batch.texts))).toBeGreaterThanOrEqual(texts.length);
  });
});
