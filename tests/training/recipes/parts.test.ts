import { describe, expect, it } from '@jest/globals';
import type { Manifest } from '../../../src/bundle/index.ts';
import { loadConfig } from '../../../src/config/index.ts';
import { untunedTask } from '../../../src/task/index.ts';
import { evaluateAxes } from '../../../training/evaluate/index.ts';
import { metricSet } from '../../../training/recipes/delivery/metric-set.ts';
import { packageVersions } from '../../../training/recipes/delivery/provenance.ts';
import { scoreSplit } from '../../../training/recipes/delivery/split-scores.ts';
import { taskSettings, withColumns } from '../../../training/recipes/delivery/task-columns.ts';
import { positiveWeights } from '../../../training/recipes/learn/pos-weight.ts';

const axes = [
  { name: 'E/I', labels: ['E', 'I'] as const },
  { name: 'S/N', labels: ['S', 'N'] as const },
];

describe('positiveWeights', () => {
  /** 1 of 4 and 0 of 4 positive. */
  const labels = [1, 0, 0, 0, 0, 0, 0, 0];

  it('balanced gives negatives for each positive, at most 10', () => {
    expect(positiveWeights('balanced', labels, 2)).toEqual([3, 10]);
  });

  it('given weights stay, none stays none', () => {
    expect(positiveWeights([2, 0.5], labels, 2)).toEqual([2, 0.5]);
    expect(positiveWeights(null, labels, 2)).toBeUndefined();
  });
});

describe('scoreSplit', () => {
  it("returns logits in the examples' order, although batches are sorted by length", async () => {
    const task = untunedTask({ name: 't', axes }, 'none');
    const lengths = [7, 2, 9, 1, 4];
    const examples = lengths.map((length) => ({
      ids: new Int32Array(length).fill(100),
      labels: Float32Array.of(1, 0),
    }));
    /** A model whose logits are the number of a text's tokens. */
    const evaluate = async (batch: {
      size: number;
      length: number;
      attentionMask: BigInt64Array;
    }) => {
      const tokens = Array.from({ length: batch.size }, (_, row) =>
        batch.attentionMask
          .subarray(row * batch.length, (row + 1) * batch.length)
          .reduce((sum, one) => sum + Number(one), 0),
      );
      return { loss: 2, logits: Float32Array.from(tokens.flatMap((count) => [count, -count])) };
    };
    const scores = await scoreSplit({ evaluate }, examples, task, {
      batchSize: 2,
      maxLength: 10,
      maxWindows: 1,
      tokenizer: { clsId: 2, sepId: 3, padId: 0 },
    });
    expect(scores.windows.flat().flatMap((logits) => [...logits])).toEqual([
      9, -9, 4, -4, 10, -10, 3, -3, 6, -6,
    ]);
    expect(scores.loss).toBe(2);
    expect(scores.probabilities[6]).toBeCloseTo(1 / (1 + Math.exp(-3)), 12);
  });
});

describe('metricSet', () => {
  it('holds numbers alone: what is null or a table is left out', () => {
    const named = axes.map((axis) => ({ ...axis, threshold: 0.5 }));
    const set = metricSet(evaluateAxes(named, [0.9, 0.1, 0.8, 0.7], [1, 0, 1, 1]));
    expect(set.axes['E/I']?.accuracy).toBe(1);
    expect(set.axes['E/I']).not.toHaveProperty('roc_auc');
    expect(set.average.exact_match).toBe(1);
    const values = [...Object.values(set.axes), set.average].flatMap((one) => Object.values(one));
    expect(values.every((value) => typeof value === 'number')).toBe(true);
  });
});

describe('the columns of a task', () => {
  const settings = (overrides: readonly string[], chosen = {}) => {
    const { config } = loadConfig({ overrides, env: {} });
    const { clean, min_length: minimum } = config.data;
    const task = withColumns(untunedTask(config.task, clean, minimum), config.task);
    const manifest = { name: 'm', task } as unknown as Manifest;
    const flags = taskSettings(manifest, {
      textColumn: undefined,
      labelColumn: undefined,
      ...chosen,
    });
    return loadConfig({ flags, env: {} }).config;
  };

  it('survive in the manifest, so that a bundle reads other data like its own', () => {
    const overrides = [
      'task.name=mood',
      'task.text_column=review',
      'data.min_length=7',
      'task.axes=[{"name":"mood","labels":["good","bad"],"column":"verdict"}]',
    ];
    const { task, data } = settings(overrides);
    expect(task).toEqual(loadConfig({ overrides, env: {} }).config.task);
    expect([data.clean, data.min_length]).toEqual(['none', 7]);
  });

  it('of the default task are type and posts, and can be named otherwise', () => {
    expect(settings([]).task).toMatchObject({ text_column: 'posts', label_column: 'type' });
    const chosen = { textColumn: 'body', labelColumn: 'code' };
    expect(settings([], chosen).task).toMatchObject({ text_column: 'body', label_column: 'code' });
  });
});

describe('packageVersions', () => {
  it('names this package, the runtime, the tokenizer and Node', () => {
    expect(packageVersions()).toMatchObject({
      'mbti-onnx': expect.stringMatching(/^\d+\.\d+\.\d+/),
      'onnxruntime-node': '1.30.0',
      '@huggingface/tokenizers': '0.2.0',
      node: process.versions.node,
    });
  });
});
