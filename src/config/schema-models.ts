import { integer, optional, text } from './formats.ts';
import { key } from './key.ts';
import { perModel } from './per-model.ts';
import { servingKeys } from './schema-serving.ts';

const { runtime, server, queue, limits, drift } = servingKeys;

/** What a model may have of its own where a server has several: sections and keys as everywhere. */
const ownKeys = {
  runtime: { precision: runtime.precision },
  server: { workers: server.workers },
  queue: {
    max_depth: queue.max_depth,
    max_tokens: queue.max_tokens,
    timeout_ms: queue.timeout_ms,
  },
  limits: {
    max_body_bytes: limits.max_body_bytes,
    max_texts: limits.max_texts,
    max_windows: limits.max_windows,
  },
  drift: { window: drift.window },
};

/** Several models in one server. */
export const modelsKeys = {
  models: {
    default_model: key(
      'The model that /predict, /explain and /info are of',
      optional(text(), 'the only one, else the one called run.name'),
      null,
    ),
    versions: key(
      'Versions of a model that are served, the highest ones',
      optional(integer(1, 1000), 'all that are there'),
      null,
    ),
    settings: key(
      'What a model has of its own: {"name": {"queue": {"max_depth": 64}}}',
      perModel(ownKeys),
      {},
    ),
    load_timeout_ms: key(
      'How long a reload may take before the old model is kept',
      integer(1, 86400000),
      300000,
    ),
  },
};

export type ModelSettings = NonNullable<
  (typeof modelsKeys)['models']['settings']['format']['type']
>;
