import { minimumLength } from '../../task/index.ts';
import type { CleaningMode } from '../../text/index.ts';
import type { AppDeps } from '../deps.ts';
import { modelsOf } from '../models.ts';
import { exactly, ref, type Schema } from '../openapi/operation.ts';
import { textSchema } from './text.ts';

const text = { type: 'string' } as const;

const size = { type: 'integer', minimum: 1 } as const;

/** The tensors that the model takes and gives, as its metadata names them; -1 is the number of texts. */
export function tensors({ model }: Pick<AppDeps, 'model'>) {
  return {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
    outputs: [
      { name: 'probabilities', datatype: 'FP32', shape: [-1, model.task.axes.length] },
      { name: 'labels', datatype: 'BYTES', shape: [-1] },
    ],
  } as const;
}

export const outputNames = ['probabilities', 'labels'] as const;
export type OutputName = (typeof outputNames)[number];

/** What the Open Inference Protocol's routes take and answer. */
export function protocolSchemas(deps: AppDeps): Record<string, Schema> {
  return { ...requestSchemas(deps), ...answerSchemas };
}

/**
 * What some model of the server takes: the others refuse more. A text that `mbti` leaves enough of is
 * one that `none` does.
 */
export function widest(deps: AppDeps): {
  readonly maxTexts: number;
  readonly cleaning: CleaningMode;
  readonly minimum: number;
} {
  const models = modelsOf(deps);
  const isAnyUncleaned = models.some(({ model }) => model.task.cleaning === 'none');
  return {
    maxTexts: Math.max(...models.map(({ limits }) => limits.maxTexts)),
    cleaning: isAnyUncleaned ? 'none' : 'mbti',
    minimum: Math.min(...models.map(({ model }) => minimumLength(model.task))),
  };
}

function requestSchemas(deps: AppDeps): Record<string, Schema> {
  const { maxTexts, cleaning, minimum } = widest(deps);
  return {
    InferenceRequest: inferenceRequest,
    InferenceInput: inferenceInput(maxTexts),
    NestedText: {
      ...textSchema(cleaning, minimum),
      type: ['string', 'array'],
      description: 'A text, or a list of such',
      items: ref('NestedText'),
    },
    RequestedOutput: requestedOutput,
  };
}

/** Of a member that clients may send as null when they mean nothing by it. */
function optional(type: string): { readonly type: readonly string[] } {
  return { type: [type, 'null'] };
}

/** Said of what would be answered wrongly if it were ignored as other parameters are. */
const plainTexts = 'How values are encoded; by these, as MLServer names them, not at all.';
const noSharedMemory = { const: null, description: 'Tensors come and go in the body alone.' };

const inferenceRequest: Schema = {
  type: 'object',
  required: ['inputs'],
  additionalProperties: false,
  properties: {
    id: { ...optional('string'), description: 'Comes back in the answer' },
    model_name: { ...optional('string'), description: "The path's, where it is sent" },
    model_version: { ...optional('string'), description: 'The one that answers, likewise' },
    parameters: {
      ...optional('object'),
      description: 'Others than these are accepted and mean nothing.',
      properties: {
        binary_data_output: {
          ...optional('boolean'),
          description: 'Answer outputs in binary that do not say themselves',
        },
        content_type: { enum: ['str', 'np', 'pd', null], description: plainTexts },
      },
    },
    inputs: { type: 'array', minItems: 1, maxItems: 1, items: ref('InferenceInput') },
    outputs: {
      ...optional('array'),
      description: 'The outputs that are wanted; all of them where there is none.',
      maxItems: outputNames.length,
      items: ref('RequestedOutput'),
    },
  },
};

function inferenceInput(maxTexts: number): Schema {
  return {
    type: 'object',
    description: 'The texts, as `data` or behind the JSON as `parameters.binary_data_size` bytes.',
    required: ['name', 'shape', 'datatype'],
    additionalProperties: false,
    properties: {
      name: { const: 'text' },
      datatype: { const: 'BYTES' },
      shape: {
        type: 'array',
        description: 'The number of texts, and 1 where they stand in a column',
        minItems: 1,
        maxItems: 2,
        items: { ...size, maximum: maxTexts },
      },
      parameters: {
        ...optional('object'),
        properties: {
          binary_data_size: { ...optional('integer'), minimum: 0 },
          content_type: { enum: ['str', 'np', null], description: plainTexts },
          shared_memory_region: noSharedMemory,
        },
      },
      data: {
        ...optional('array'),
        description: 'Texts, flat or nested; read row by row.',
        items: ref('NestedText'),
      },
    },
  };
}

const requestedOutput: Schema = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { enum: outputNames },
    parameters: {
      ...optional('object'),
      properties: {
        binary_data: optional('boolean'),
        content_type: { enum: ['str', 'np', null], description: plainTexts },
        classification: { enum: [0, null], description: 'Outputs are given whole.' },
        shared_memory_region: noSharedMemory,
      },
    },
  },
};

const tensorMetadata = exactly({
  name: text,
  datatype: text,
  shape: { type: 'array', items: { type: 'integer', minimum: -1 } },
});

const answerSchemas: Readonly<Record<string, Schema>> = {
  InferenceResponse: {
    type: 'object',
    required: ['model_name', 'model_version', 'outputs'],
    additionalProperties: false,
    properties: {
      model_name: text,
      model_version: text,
      id: text,
      outputs: { type: 'array', minItems: 1, items: ref('InferenceOutput') },
    },
  },
  InferenceOutput: {
    type: 'object',
    description: 'Its values are `data`, or `parameters.binary_data_size` bytes behind the JSON.',
    required: ['name', 'datatype', 'shape'],
    additionalProperties: false,
    oneOf: [{ required: ['data'] }, { required: ['parameters'] }],
    properties: {
      name: { enum: outputNames },
      datatype: { enum: ['FP32', 'BYTES'] },
      shape: { type: 'array', minItems: 1, maxItems: 2, items: size },
      data: { type: 'array', items: { type: ['number', 'string'] } },
      parameters: exactly({ binary_data_size: { type: 'integer', minimum: 0 } }),
    },
  },
  ServerMetadata: exactly({
    name: text,
    version: text,
    extensions: { type: 'array', items: text },
  }),
  ModelMetadata: exactly({
    name: text,
    versions: { type: 'array', items: text },
    platform: { const: 'onnx_onnxv1' },
    inputs: { type: 'array', items: tensorMetadata },
    outputs: { type: 'array', items: tensorMetadata },
  }),
  LoadedModel: exactly({ name: text, version: text }),
  RepositoryIndex: {
    type: 'array',
    items: exactly({
      name: text,
      version: text,
      state: { enum: ['READY', 'UNAVAILABLE'] },
      reason: text,
    }),
  },
  Live: exactly({ live: { const: true } }),
  Ready: exactly({ ready: { const: true } }),
  ModelReady: exactly({ name: text, ready: { const: true } }),
};
