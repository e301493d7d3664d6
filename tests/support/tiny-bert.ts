import { bert } from '../../training/architectures/bert.ts';
import { bertConfig } from '../../training/architectures/bert-config.ts';
import { initialWeights } from '../../training/architectures/weights.ts';
import type { Model } from '../../training/onnx/model.ts';

const config = bertConfig({
  vocab_size: 24,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 16,
  max_position_embeddings: 12,
});

/** Ends in `logits` where it has labels, else in the hidden states. */
export const tinyBert = (labels?: number): Model => bert(config, initialWeights(1), labels);
