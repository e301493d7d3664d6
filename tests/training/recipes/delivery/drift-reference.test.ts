import { describe, expect, it } from '@jest/globals';
import { driftReference } from '../../../../training/recipes/delivery/drift-reference.ts';

const task = {
  name: 'tone',
  cleaning: 'none',
  axes: [{ name: 'tone', labels: ['warm', 'cold'], threshold: 0.5, temperature: 1 }],
} as const;
const tokenizer = { clsId: 1, sepId: 2, padId: 0, unkId: 3 };

const example = (...ids: number[]) => ({
  ids: Int32Array.from(ids),
  labels: Float32Array.of(1),
});

describe('the reference of a run', () => {
  const examples = [example(9, 3, 5, 3, 7), example(8)];
  const answers = Float64Array.of(0.9, 0.4);

  it('takes texts as they are served: their answers, all their tokens', () => {
    const options = { maxLength: 4, maxWindows: 32, tokenizer };
    const { features, texts } = driftReference(task, examples, answers, options);
    expect(texts).toBe(2);
    expect(features.tone?.edges).toEqual([0.4]);
    expect(features.text_length?.edges).toEqual([1]);
    expect(features.unknown_rate).toEqual({ edges: [0], shares: [0.5, 0.5] });
  });

  it('takes no token of windows beyond those that are scored', () => {
    const options = { maxLength: 4, maxWindows: 1, tokenizer };
    // Of 9, 3 the second is unknown; two windows would have 2 of 4 unknown, three 2 of 5.
    const long = [example(9, 3, 5, 3, 7), example(9, 9, 3, 3, 3)];
    const { features } = driftReference(task, long, answers, options);
    expect(features.unknown_rate).toEqual({ edges: [0], shares: [0.5, 0.5] });
  });
});
