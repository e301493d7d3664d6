import type { CleaningMode } from '../text/cleaning.ts';
import {
  choice,
  either,
  type Format,
  flag,
  integer,
  list,
  number,
  optional,
  text,
} from './formats.ts';
import { key } from './key.ts';
import { axes, modelBase } from './structures.ts';

const name = text(
  'letters, digits, dot, dash and underscore, beginning with a letter or digit',
  /^[A-Za-z0-9][\w.-]{0,99}$/,
);
const cleaning: Format<CleaningMode> = choice('mbti', 'none');
const input = { input: true } as const;

/** What is learnt, from what, starting where. */
export const learningKeys = {
  seed: key.learnt(
    'Decides splits, initial weights, windows and dropout',
    integer(0, 4294967295),
    42,
  ),
  run: {
    name: key.free('Names the run', optional(name, "the task's name"), null),
    dir: key.free('The folder of the run', optional(text(), 'runs/<run.name>'), null),
  },
  task: {
    name: key.learnt('Names the task', optional(name, "mbti, or the axes' names"), null),
    text_column: key.learnt('The column of the text', optional(text(), 'posts for mbti'), null),
    label_column: key.learnt(
      'The column of a code with one label per axis in order, such as INFP',
      optional(text(), 'type for mbti; without it every axis names its column'),
      null,
    ),
    axes: key.learnt('What is predicted', optional(axes, 'E/I, S/N, T/F, J/P'), null),
  },
  data: {
    // The data is known by its hash, wherever it lies.
    source: key.free(
      'The file to learn from: CSV, .tsv, or .jsonl and .json',
      optional(text(), 'not set'),
      null,
      input,
    ),
    dir: key.free('Where prepared data is written', text(), 'data/processed'),
    clean: key.learnt(
      'How texts are cleaned, in training and in serving alike',
      optional(cleaning, 'mbti for the mbti task, else none'),
      null,
    ),
    min_length: key.learnt(
      'Characters that a text must have after cleaning, in training and in serving alike',
      optional(integer(1, 1000), '10 for the mbti cleaning, else 1'),
      null,
    ),
    test_fraction: key.learnt(
      'The share held out for the test',
      number({ above: 0, to: 0.5 }),
      0.15,
    ),
    validation_fraction: key.learnt(
      'The share of the rest held out for validation',
      number({ above: 0, to: 0.5 }),
      0.15,
    ),
  },
  model: {
    base: key.learnt('What training starts from', optional(modelBase, 'not set'), null, input),
    tokenizer: key.learnt(
      'A tokenizer.json or its folder, or "train" to learn one from the training texts',
      optional(text(), 'the one beside model.base'),
      null,
      input,
    ),
    vocab_size: key.learnt('Word pieces of a tokenizer that is learnt', integer(64, 250000), 8000),
    hidden: key.learnt(
      "The value of the graph, [batch, sequence, width], that the task's head is attached to",
      optional(text(), 'the output last_hidden_state'),
      null,
    ),
    out: key.free(
      'The bundle: where training writes it and the server reads it',
      optional(text(), 'models/<run.name>'),
      null,
    ),
  },
  train: {
    epochs: key.learnt('Passes over the training texts', integer(1, 10000), 10),
    max_steps: key.learnt(
      'Stops after so many updates',
      optional(integer(1, 1e9), 'no limit'),
      null,
    ),
    batch_size: key.learnt('Texts that are computed together', integer(1, 4096), 16),
    max_length: key.learnt('Tokens of a window, [CLS] and [SEP] included', integer(8, 8192), 512),
    accumulate: key.learnt(
      'Batches whose gradients, averaged, make one update',
      integer(1, 4096),
      1,
    ),
    learning_rate: key.learnt('The peak learning rate', number({ above: 0, to: 1 }), 2e-5),
    weight_decay: key.learnt(
      'Decay of weights; biases and LayerNorm have none',
      number({ from: 0, to: 1 }),
      0.01,
    ),
    warmup_steps: key.learnt('Updates until the learning rate peaks', integer(0, 1e9), 500),
    schedule: key.learnt(
      'The learning rate after warm-up',
      choice('linear', 'cosine', 'constant'),
      'linear',
    ),
    max_grad_norm: key.learnt(
      'Gradients are scaled down to this norm',
      optional(number({ above: 0, to: 1e6 }), 'no clipping'),
      1,
    ),
    dropout: key.learnt(
      'Dropout, at every place where the source model has it and in the task head',
      number({ from: 0, below: 1 }),
      0.1,
    ),
    freeze: key.learnt(
      'Parameters that stay as they are: embeddings, layers:N (the first N), encoder, or names with *',
      list(text()),
      [],
    ),
    label_smoothing: key.learnt(
      'How far the targets of training are drawn from 0 and 1 towards the middle',
      number({ from: 0, below: 1 }),
      0,
    ),
    recompute: key.learnt(
      "layers: the backward pass computes each layer's activations again: less memory, more time",
      choice('none', 'layers'),
      'none',
    ),
    pos_weight: key.learnt(
      "Weight of each axis's positive label in the loss",
      optional(either(choice('balanced'), list(number({ above: 0, to: 1e6 }))), 'all 1'),
      null,
    ),
    evaluate_every: key.learnt(
      'Updates between validations',
      optional(integer(1, 1e9), 'after each epoch'),
      null,
    ),
    checkpoint_every: key.learnt(
      'Updates between checkpoints',
      optional(integer(1, 1e9), 'after each epoch'),
      null,
    ),
    keep_checkpoints: key.free(
      'Checkpoints that are kept beside the best and the last one',
      integer(0, 1000),
      0,
    ),
    max_minutes: key.free(
      'Training and its validations end within so many minutes; test, int8 and bundle follow; a resumed run counts anew',
      optional(number({ above: 0, to: 1e6 }), 'no limit'),
      null,
    ),
    best_metric: key.learnt(
      'The number of a validation that chooses the best state: an average over the axes, or loss, as it is trained on',
      choice(
        'log_loss',
        'loss',
        'brier',
        'accuracy',
        'balanced_accuracy',
        'f1',
        'macro_f1',
        'mcc',
        'roc_auc',
        'average_precision',
      ),
      'log_loss',
    ),
    patience: key.learnt(
      'Validations without a better train.best_metric before training stops',
      optional(integer(1, 1e6), 'never stop early'),
      3,
    ),
  },
  explain: {
    method: key.bundle(
      'How the bundle explains predictions; none: not at all',
      choice('integrated_gradients', 'gradient_x_input', 'none'),
      'integrated_gradients',
    ),
    steps: key.bundle(
      'Points of the path of integrated gradients, at most: 17 are tried first',
      integer(3, 1025),
      65,
    ),
  },
  quantize: {
    scheme: key.bundle(
      'The 8-bit file of the bundle: int8, or weight8 where int8 misses a limit; weight8 alone; none',
      choice('int8', 'weight8', 'none'),
      'int8',
    ),
    required: key.bundle(
      'A run whose bundle lacks a smaller file that it should have ends with exit code 1',
      flag(),
      false,
    ),
    fp16: key.bundle(
      'A float16 file in the bundle, for GPUs; auto: where the run was on CUDA or in fp16',
      choice('auto', 'yes', 'no'),
      'auto',
    ),
    texts: key.bundle('Validation texts that it is measured on, at most', integer(1, 1e6), 1000),
    min_agreement: key.bundle(
      'Decisions that must be those of the fp32 model',
      number({ from: 0, to: 1 }),
      0.99,
    ),
    max_mean_dp: key.bundle(
      'The mean difference of probability that is allowed',
      number({ from: 0, to: 1 }),
      0.01,
    ),
    max_dp: key.bundle(
      'The largest difference of probability that is allowed',
      optional(number({ from: 0, to: 1 }), 'no limit'),
      null,
    ),
    max_f1_drop: key.bundle(
      'The loss of macro-F1 that is allowed',
      number({ from: 0, to: 1 }),
      0.01,
    ),
    max_size_ratio: key.bundle(
      'A file above this share of the fp32 one is left out: it is not worth it',
      number({ above: 0, to: 1 }),
      0.3,
    ),
  },
};
