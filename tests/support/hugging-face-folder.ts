import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors } from '../../training/onnx/safetensors.ts';
import { elementCount, floatTensor, type Tensor } from '../../training/onnx/tensor.ts';
import type { Random } from '../../training/random.ts';

/** The config of a BERT of one narrow layer. */
export const tinyBert = {
  model_type: 'bert',
  architectures: ['BertForSequenceClassification'],
  vocab_size: 12,
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 6,
  max_position_embeddings: 8,
} as const;

const linear = (name: string, out: number, from: number) =>
  [
    [`${name}.weight`, [out, from]],
    [`${name}.bias`, [out]],
  ] as const;
const norm = (name: string) =>
  [
    [`${name}.weight`, [4]],
    [`${name}.bias`, [4]],
  ] as const;
const layer = 'bert.encoder.layer.0';

/** Names and shapes of tinyBert's tensors in a checkpoint, its head of 3 labels included. */
const shapes: readonly (readonly [string, readonly number[]])[] = [
  ['bert.embeddings.word_embeddings.weight', [12, 4]],
  ['bert.embeddings.position_embeddings.weight', [8, 4]],
  ['bert.embeddings.token_type_embeddings.weight', [2, 4]],
  ...norm('bert.embeddings.LayerNorm'),
  ...['query', 'key', 'value'].flatMap((x) => linear(`${layer}.attention.self.${x}`, 4, 4)),
  ...linear(`${layer}.attention.output.dense`, 4, 4),
  ...norm(`${layer}.attention.output.LayerNorm`),
  ...linear(`${layer}.intermediate.dense`, 6, 4),
  ...linear(`${layer}.output.dense`, 4, 6),
  ...norm(`${layer}.output.LayerNorm`),
  ...linear('bert.pooler.dense', 4, 4),
  ...linear('classifier', 3, 4),
];

export function tinyBertTensors(random: Random): Map<string, Tensor> {
  return new Map(
    shapes.map(([name, shape]) => {
      const values = Float32Array.from({ length: elementCount(shape) }, () => random.normal());
      return [name, floatTensor(shape, values)];
    }),
  );
}

/** Writes config.json and the shards of a checkpoint, one: `model.safetensors`. */
export async function writeHuggingFaceFolder(
  folder: string,
  config: object,
  ...shards: readonly ReadonlyMap<string, Tensor>[]
): Promise<void> {
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const [first, ...more] = shards;
  if (first === undefined) return;
  if (more.length === 0) return writeSafetensors(join(folder, 'model.safetensors'), first);
  const map: Record<string, string> = {};
  for (const [i, tensors] of shards.entries()) {
    const file = `model-${i + 1}-of-${shards.length}.safetensors`;
    await writeSafetensors(join(folder, file), tensors);
    for (const name of tensors.keys()) map[name] = file;
  }
  const index = JSON.stringify({ metadata: {}, weight_map: map });
  writeFileSync(join(folder, 'model.safetensors.index.json'), index);
}
