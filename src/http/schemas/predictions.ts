import { MBTI, minimumLength, type Task, toPrediction } from '../../task/index.ts';
import type { AppDeps } from '../deps.ts';
import { exactly, ref, type Schema } from '../openapi/operation.ts';
import { textSchema } from './text.ts';

const probability = { type: 'number', minimum: 0, maximum: 1 } as const;
const count = { type: 'integer', minimum: 0 } as const;

/** What is asked of /predict and /explain, and what they answer. */
export function predictionSchemas({ model, limits }: AppDeps): Record<string, Schema> {
  const prediction = predictionProperties(model.task);
  return {
    PredictRequest: {
      type: 'object',
      description: 'One text, or several: exactly one of the two properties.',
      additionalProperties: false,
      oneOf: [{ required: ['text'] }, { required: ['texts'] }],
      properties: {
        text: ref('Text'),
        texts: { type: 'array', minItems: 1, maxItems: limits.maxTexts, items: ref('Text') },
      },
    },
    Text: textSchema(model.task.cleaning, minimumLength(model.task)),
    Prediction: exactly(prediction),
    Predictions: exactly({ predictions: { type: 'array', minItems: 1, items: ref('Prediction') } }),
    ExplainedPrediction: exactly({ ...prediction, explanation: ref('Explanation') }),
    ExplainedPredictions: exactly({
      predictions: { type: 'array', minItems: 1, items: ref('ExplainedPrediction') },
    }),
    Explanation: explanation(model.task),
  };
}

function predictionProperties(task: Task): Record<string, Schema> {
  const { axes } = task;
  const [named] = Object.keys(
    toPrediction(
      task,
      axes.map(() => 0),
    ),
  );
  const both = Object.keys(
    toPrediction(
      task,
      axes.map(() => 0),
    ).probabilities,
  );
  return {
    [named ?? MBTI]: { type: 'string', description: "The axes' labels in order" },
    dimensions: {
      type: 'array',
      minItems: axes.length,
      maxItems: axes.length,
      items: exactly({
        dimension: { type: 'string', enum: axes.map(({ name }) => name) },
        score: { ...probability, description: "The probability of the axis's first label" },
        label: { type: 'string', enum: [...new Set(axes.flatMap(({ labels }) => labels))] },
      }),
    },
    probabilities: exactly(Object.fromEntries(both.map((label) => [label, probability]))),
    model: exactly({ name: { type: 'string' }, version: { type: 'string' } }),
    usage: exactly({
      tokens: count,
      windows: count,
      truncated: { type: 'boolean', description: 'Whether some of the text was not scored' },
    }),
  };
}

function explanation({ axes }: Task): Schema {
  const byAxis = exactly(Object.fromEntries(axes.map(({ name }) => [name, { type: 'number' }])));
  const { required, ...rest } = exactly({
    method: { type: 'string', enum: ['integrated_gradients', 'gradient_x_input'] },
    text: { type: 'string', description: 'The text as it was cleaned' },
    logits: byAxis,
    baseline_logits: byAxis,
    special_tokens: byAxis,
    words: {
      type: 'array',
      items: exactly({
        word: { type: 'string' },
        start: count,
        end: count,
        pieces: { type: 'array', items: { type: 'string' } },
        attributions: byAxis,
      }),
    },
  });
  const always = Array.isArray(required) ? required.filter((key) => key !== 'baseline_logits') : [];
  return { ...rest, required: always };
}
