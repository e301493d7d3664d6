import { exactly, type Schema } from '../openapi/operation.ts';

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const model = { name: text, version: text } as const;

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
    model: exactly({
      ...model,
      precision: text,
      max_length: { ...count, description: 'Tokens of a window' },
      explains: { type: 'boolean', description: 'Whether /explain answers for it' },
    }),
    task: exactly({
      name: text,
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
    }),
    limits: exactly({
      minimum_text_length: count,
      max_texts: count,
      max_body_bytes: count,
      max_windows: count,
      max_depth: { ...count, description: 'Texts that may wait' },
      timeout_ms: count,
    }),
  }),
};
