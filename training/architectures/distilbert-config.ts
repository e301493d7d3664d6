import { AppError } from '../../src/errors.ts';

/** What DistilBERT's graph depends on, by the names of Hugging Face's `config.json`. */
export interface DistilBertConfig {
  readonly model_type: 'distilbert';
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  readonly dim: number;
  readonly n_layers: number;
  readonly n_heads: number;
  readonly hidden_dim: number;
  readonly activation: 'gelu' | 'relu';
  readonly dropout: number;
  readonly attention_dropout: number;
  readonly initializer_range: number;
  readonly sinusoidal_pos_embds: boolean;
  readonly pad_token_id: number;
}

const defaults: DistilBertConfig = {
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
};

interface Allowed {
  readonly text: string;
  readonly holds: (value: unknown) => boolean;
}

const count: Allowed = {
  text: 'a positive integer',
  holds: (value) => Number.isSafeInteger(value) && Number(value) > 0,
};
const probability: Allowed = {
  text: 'a number from 0 to less than 1',
  holds: (value) => typeof value === 'number' && value >= 0 && value < 1,
};
const oneOf = (...words: readonly unknown[]): Allowed => ({
  text: words.join(' or '),
  holds: (value) => words.includes(value),
});

const allowed: Readonly<Record<keyof DistilBertConfig, Allowed>> = {
  model_type: oneOf('distilbert'),
  vocab_size: count,
  max_position_embeddings: count,
  dim: count,
  n_layers: count,
  n_heads: count,
  hidden_dim: count,
  activation: oneOf('gelu', 'relu'),
  dropout: probability,
  attention_dropout: probability,
  initializer_range: {
    text: 'a positive number',
    holds: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
  },
  sinusoidal_pos_embds: oneOf(true, false),
  pad_token_id: {
    text: 'an integer from 0',
    holds: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  },
};

/**
 * The keys of a Hugging Face config that DistilBERT's graph needs, with transformers' defaults for those
 * left out; other keys are ignored. AppError `model_invalid` that lists every wrong value.
 */
export function distilbertConfig(raw: Readonly<Record<string, unknown>>): DistilBertConfig {
  const keys = Object.keys(defaults) as (keyof DistilBertConfig)[];
  const config = Object.fromEntries(
    keys.map((key) => [key, raw[key] ?? defaults[key]]),
  ) as unknown as DistilBertConfig;
  const problems = keys
    .filter((key) => !allowed[key].holds(config[key]))
    .map((key) => `${key} is ${JSON.stringify(config[key])}: expected ${allowed[key].text}`);
  if (problems.length === 0) problems.push(...relationProblems(config));
  if (problems.length > 0) {
    throw new AppError(
      'model_invalid',
      `the DistilBERT config is not valid: ${problems.join('; ')}`,
    );
  }
  return config;
}

function relationProblems(config: DistilBertConfig): string[] {
  const { dim, n_heads: heads, pad_token_id: pad, vocab_size: words } = config;
  return [
    ...(dim % heads === 0 ? [] : [`n_heads is ${heads}: expected a divisor of dim (${dim})`]),
    ...(pad < words ? [] : [`pad_token_id is ${pad}: expected less than vocab_size (${words})`]),
  ];
}
