import { exactly, type Schema } from '../openapi/operation.ts';

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const model = { name: text, version: text } as const;
const described = {
  ...model,
  precision: { ...text, description: 'Which file of the bundle is served' },
  max_length: { ...count, description: 'Tokens of a window' },
  explains: { type: 'boolean', description: 'Whether /explain answers for it' },
} as const;
const asked = {
  cleaning: { type: 'string', enum: ['mbti', 'none'] },
  axes: {
    type: 'array',
    minItems: 1,
    items: exactly({
      name: text,
      labels: { type: 'array', minItems: 2, maxItems: 2, items: text },
      threshold: { type: 'number' },
    }),
  },
} as const;
/** Where it says more than the precision. */
const scheme = {
  scheme: { ...text, description: 'How the weights are rounded: weight8 in place of int8' },
} as const;
const textLimits = {
  minimum_text_length: { ...count, description: 'Characters that are left after cleaning' },
  max_texts: count,
  max_body_bytes: count,
  max_windows: count,
  max_depth: { ...count, description: 'Texts that may wait' },
  timeout_ms: count,
} as const;

/** What health routes and /info answer. */
export const serviceSchemas: Readonly<Record<string, Schema>> = {
  Health: exactly({
    status: { type: 'string', enum: ['starting', 'ok', 'unavailable', 'draining'] },
    ready: { type: 'boolean' },
    model: exactly(model),
    workers: { ...count, description: 'Inference processes that are up' },
    queue_depth: { ...count, description: 'Texts that wait' },
    uptime_seconds: count,
  }),
  Info: exactly({
    version: { ...text, description: 'Of the server' },
    model: exactly(described, scheme),
    models: {
      type: 'array',
      description: 'All that are served, this one among them',
      minItems: 1,
      items: exactly(
        {
          ...described,
          default: { type: 'boolean', description: 'Routes that name no model are of this one' },
          state: { enum: ['starting', 'ok', 'unavailable', 'draining'] },
          task: { ...text, description: 'Its name' },
          ...asked,
          limits: exactly(textLimits),
        },
        scheme,
      ),
    },
    task: exactly({ name: text, ...asked }),
    limits: exactly(textLimits),
  }),
};
