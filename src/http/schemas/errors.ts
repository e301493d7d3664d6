import { errorTable } from '../../errors.ts';
import type { Schema } from '../openapi/operation.ts';

/** How errors look. */
export const errorSchemas: Readonly<Record<string, Schema>> = {
  Problem: {
    type: 'object',
    description: 'RFC 9457, with a stable code',
    required: ['type', 'title', 'status', 'detail', 'code'],
    additionalProperties: false,
    properties: {
      type: { type: 'string', pattern: '^urn:mbti-onnx:error:' },
      title: { type: 'string' },
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: { type: 'string', description: 'What was wrong, and what was expected' },
      code: { type: 'string', enum: Object.keys(errorTable) },
      request_id: { type: 'string' },
    },
  },
  InferenceError: {
    type: 'object',
    required: ['error'],
    additionalProperties: false,
    properties: { error: { type: 'string' } },
  },
};
