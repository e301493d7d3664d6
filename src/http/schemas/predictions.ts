import { MBTI, minimumLength, type Task, toPrediction } from '../../task/index.ts';
import type { AppDeps } from '../deps.ts';
import { modelsOf } from '../models.ts';
import { exactly, ref, type Schema } from '../openapi/operation.ts';
import { widest } from './protocol.ts';
import { textSchema } from './text.ts';

const probability = { type: 'number', minimum: 0, maximum: 1 } as const;
const count = { type: 'integer', minimum: 0 } as const;

/** What is asked of /predict and /explain, and what they answer. */
export function predictionSchemas(deps: AppDeps): Record<string, Schema> {
  const { model, limits } = deps;
  return {
    PredictRequest: requestSchema('Text', limits.maxTexts),
    Text: textSchema(model.task.cleaning, minimumLength(model.task)),
    ...answerSchemas('', {
      prediction: predictionSchema(model.task),
      explained: explainedSchema(model.task),
    }),
    Explanation: explanation(model.task),
    ...anyModelSchemas(deps),
  };
}

/** The same where the path names the model: what some model of the server takes, and what one of them answers. */
function anyModelSchemas(deps: AppDeps): Record<string, Schema> {
  const { maxTexts, cleaning, minimum } = widest(deps);
  const tasks = new Map(modelsOf(deps).map(({ model: { task } }) => [shapeOf(task), task]));
  tasks.delete(shapeOf(deps.model.task));
  const others = [...tasks.values()];
  return {
    AnyPredictRequest: requestSchema('AnyText', maxTexts),
    AnyText: textSchema(cleaning, minimum),
    ...answerSchemas('Any', {
      prediction: { anyOf: [ref('Prediction'), ...others.map(predictionSchema)] },
      explained: {
        anyOf: [
          ref('ExplainedPrediction'),
          ...others.map((task) => explainedSchema(task, explanation(task))),
        ],
      },
    }),
  };
}

/** Tasks of one shape have answers of one shape. */
function shapeOf({ name, axes }: Task): string {
  return JSON.stringify([name, axes.map(({ name, labels }) => [name, labels])]);
}

function requestSchema(text: string, maxTexts: number): Schema {
  return {
    type: 'object',
    description: 'One text, or several: exactly one of the two properties.',
    additionalProperties: false,
    oneOf: [{ required: ['text'] }, { required: ['texts'] }],
    properties: {
      text: ref(text),
      texts: { type: 'array', minItems: 1, maxItems: maxTexts, items: ref(text) },
    },
  };
}

/** One prediction and several, without explanations and with. */
function answerSchemas(
  prefix: string,
  { prediction, explained }: { readonly prediction: Schema; readonly explained: Schema },
): Record<string, Schema> {
  const listOf = (name: string) =>
    exactly({ predictions: { type: 'array', minItems: 1, items: ref(name) } });
  return {
    [`${prefix}Prediction`]: prediction,
    [`${prefix}Predictions`]: listOf(`${prefix}Prediction`),
    [`${prefix}ExplainedPrediction`]: explained,
    [`${prefix}ExplainedPredictions`]: listOf(`${prefix}ExplainedPrediction`),
  };
}

function predictionSchema(task: Task): Schema {
  return exactly(predictionProperties(task));
}

function explainedSchema(task: Task, explanation: Schema = ref('Explanation')): Schema {
  return exactly({ ...predictionProperties(task), explanation });
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
