import { integer, optional, text } from './formats.ts';
import { key } from './key.ts';
import { ownKeysOf, perModel } from './per-model.ts';
import { servingKeys } from './schema-serving.ts';

/** Several models in one server. */
export const modelsKeys = {
  models: {
    default_model: key.free(
      'The model that /predict, /explain and /info are of',
      optional(text(), 'the only one, else the one called run.name'),
      null,
    ),
    versions: key.free(
      'Versions of a model that are served, the highest ones',
      optional(integer(1, 1000), 'all that are there'),
      null,
    ),
    settings: key.free(
      'What a model has of its own: {"name": {"queue": {"max_depth": 64}}}',
      perModel(ownKeysOf(servingKeys)),
      {},
    ),
    load_timeout_ms: key.free(
      'How long a reload may take before the old model is kept; a start has a minute at least',
      integer(1, 86400000),
      300000,
    ),
  },
};

export type ModelSettings = NonNullable<
  (typeof modelsKeys)['models']['settings']['format']['type']
>;
