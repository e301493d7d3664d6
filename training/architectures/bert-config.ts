import { type Activation, activationNames } from './activations.ts';
import { checkedConfig, count, index, oneOf, positive, probability } from './config-checks.ts';

/** What BERT's graph depends on, by the names of Hugging Face's `config.json`. */
export interface BertConfig {
  readonly model_type: 'bert';
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly type_vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly hidden_act: Activation;
  readonly hidden_dropout_prob: number;
  readonly attention_probs_dropout_prob: number;
  readonly initializer_range: number;
  readonly layer_norm_eps: number;
  readonly pad_token_id: number;
  readonly position_embedding_type: 'absolute';
  readonly is_decoder: false;
}

/**
 * The keys of a Hugging Face config that BERT's graph needs, with transformers' defaults for those
 * left out; other keys are ignored. AppError `model_invalid` that lists every wrong value.
 */
export function bertConfig(raw: Readonly<Record<string, unknown>>): BertConfig {
  return checkedConfig<BertConfig>(raw, {
    title: 'BERT',
    defaults: {
      model_type: 'bert',
      vocab_size: 30522,
      max_position_embeddings: 512,
      type_vocab_size: 2,
      hidden_size: 768,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      intermediate_size: 3072,
      hidden_act: 'gelu',
      hidden_dropout_prob: 0.1,
      attention_probs_dropout_prob: 0.1,
      initializer_range: 0.02,
      layer_norm_eps: 1e-12,
      pad_token_id: 0,
      position_embedding_type: 'absolute',
      is_decoder: false,
    },
    allowed: {
      model_type: oneOf('bert'),
      vocab_size: count,
      max_position_embeddings: count,
      type_vocab_size: count,
      hidden_size: count,
      num_hidden_layers: count,
      num_attention_heads: count,
      intermediate_size: count,
      hidden_act: oneOf(...activationNames),
      hidden_dropout_prob: probability,
      attention_probs_dropout_prob: probability,
      initializer_range: positive,
      layer_norm_eps: positive,
      pad_token_id: index,
      position_embedding_type: oneOf('absolute'),
      is_decoder: oneOf(false),
    },
    relations: ({ hidden_size: width, num_attention_heads: heads }) =>
      width % heads === 0
        ? []
        : [`num_attention_heads is ${heads}: expected a divisor of hidden_size (${width})`],
  });
}
