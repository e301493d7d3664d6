import { type Activation, activationNames } from './activations.ts';
import { checkedConfig, count, index, oneOf, positive, probability } from './config-checks.ts';

/** What DistilBERT's graph depends on, by the names of Hugging Face's `config.json`. */
export interface DistilBertConfig {
  readonly model_type: 'distilbert';
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly dim: number;
  readonly n_layers: number;
  readonly n_heads: number;
  readonly hidden_dim: number;
  readonly activation: Activation;
  readonly dropout: number;
  readonly attention_dropout: number;
  readonly initializer_range: number;
  readonly sinusoidal_pos_embds: boolean;
  readonly pad_token_id: number;
}

/**
 * The keys of a Hugging Face config that DistilBERT's graph needs, with transformers' defaults for
 * those left out; other keys are ignored. AppError `model_invalid` that lists every wrong value.
 */
export function distilbertConfig(raw: Readonly<Record<string, unknown>>): DistilBertConfig {
  return checkedConfig<DistilBertConfig>(raw, {
    title: 'DistilBERT',
    defaults: {
      model_type: 'distilbert',
      vocab_size: 30522,
      max_position_embeddings: 512,
      dim: 768,
      n_layers: 6,
      n_heads: 12,
      hidden_dim: 3072,
      activation: 'gelu',
      dropout: 0.1,
      attention_dropout: 0.1,
      initializer_range: 0.02,
      sinusoidal_pos_embds: false,
      pad_token_id: 0,
    },
    allowed: {
      model_type: oneOf('distilbert'),
      vocab_size: count,
      max_position_embeddings: count,
      dim: count,
      n_layers: count,
      n_heads: count,
      hidden_dim: count,
      activation: oneOf(...activationNames),
      dropout: probability,
      attention_dropout: probability,
      initializer_range: positive,
      sinusoidal_pos_embds: oneOf(true, false),
      pad_token_id: index,
    },
    relations: ({ dim, n_heads: heads, pad_token_id: pad, vocab_size: words }) => [
      ...(dim % heads === 0 ? [] : [`n_heads is ${heads}: expected a divisor of dim (${dim})`]),
      ...(pad < words ? [] : [`pad_token_id is ${pad}: expected less than vocab_size (${words})`]),
    ],
  });
}
