import { describe, expect, it } from '@jest/globals';
import { probabilities } from '../../../src/task/index.ts';
import type { Batch } from '../../../training/data/index.ts';
import { driftReference } from '../../../training/recipes/drift-reference.ts';

const task = {
  name: 'tone',
  cleaning: 'none',
  axes: [{ name: 'tone', labels: ['warm', 'cold'], threshold: 0.5, temperature: 1 }],
} as const;
const tokenizer = { clsId: 1, sepId: 2, padId: 0, unkId: 3 };

/** A model whose logit is the first id of the window. */
const model = {
  evaluate: async ({ size, length, inputIds }: Batch) => ({
    logits: Float32Array.from({ length: size }, (_, row) => Number(inputIds[row * length + 1])),
  }),
};
const example = (...ids: number[]) => ({
  ids: Int32Array.from(ids),
  labels: Float32Array.of(1),
});

describe('the reference of a run', () => {
  it('takes whole texts: the mean of their windows, all their tokens', async () => {
    const options = { batchSize: 2, maxLength: 4, tokenizer };
    const examples = [example(9, 3, 5, 3, 7), example(8)];
    const { features, texts } = await driftReference(model, examples, task, options);
    expect(texts).toBe(2);
    const p = (logit: number) => probabilities(task, Float32Array.of(logit))[0] ?? Number.NaN;
    const mean = (p(9) + p(5) + p(7)) / 3;
    expect(features.tone?.edges[0]).toBeCloseTo(Math.min(mean, p(8)), 12);
    expect(features.text_length?.edges).toEqual([1]);
    expect(features.unknown_rate).toEqual({ edges: [0], shares: [0.5, 0.5] });
  });
});
