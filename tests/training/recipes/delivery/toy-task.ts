import {
  distilbert,
  distilbertConfig,
  randomWeights,
} from '../../../../training/architectures/index.ts';
import type { TokenizedExample } from '../../../../training/data/index.ts';
import type { Model } from '../../../../training/onnx/model.ts';
import { Random } from '../../../../training/random.ts';

/** An encoder with random weights, for windows of 12 tokens and two axes. */
export function toyModel(config: Readonly<Record<string, number>>): Model {
  const shape = distilbertConfig({ n_heads: 2, max_position_embeddings: 12, ...config });
  return distilbert(shape, randomWeights(shape, 1), 2);
}

export interface ToyTexts {
  /** Of the draw. */
  readonly name: string;
  readonly count: number;
  /** So many ids texts are drawn from. */
  readonly ids: number;
  readonly maxWindows: number;
}

/** Texts of 3 to 8 tokens with two labels each, as they are scored. */
export function toyTexts({ name, count, ids, maxWindows }: ToyTexts) {
  const random = new Random(4, name);
  const examples = Array.from(
    { length: count },
    (_, i): TokenizedExample => ({
      ids: Int32Array.from({ length: 3 + random.int(6) }, () => 4 + random.int(ids)),
      labels: Float32Array.of(i % 2, i % 3 === 0 ? 1 : 0),
    }),
  );
  const axes = ['a', 'b'].map((axis) => ({
    name: axis,
    labels: ['yes', 'no'] as const,
    threshold: 0.5,
    temperature: 1,
  }));
  return {
    examples,
    task: { name: 'toy', cleaning: 'none' as const, axes },
    batch: { maxLength: 12, maxWindows, tokenizer: { clsId: 2, sepId: 3, padId: 0 } },
  };
}
