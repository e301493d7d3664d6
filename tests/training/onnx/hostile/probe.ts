import { AppError } from '../../../../src/errors.ts';
import { compileArtifacts } from '../../../../training/artifacts/index.ts';
import { addGradients } from '../../../../training/autodiff/gradients.ts';
import { optimizeForInference, passes } from '../../../../training/deploy/optimize.ts';
import { quantizeModel, schemes } from '../../../../training/deploy/quantize/quantize-model.ts';
import { inspectionReport, inspectModel } from '../../../../training/inspect/index.ts';
import { cloneModel } from '../../../../training/onnx/clone.ts';
import { decodeModel, encodeModel } from '../../../../training/onnx/codec/index.ts';
import type { Graph } from '../../../../training/onnx/graph.ts';
import type { Model } from '../../../../training/onnx/model.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { isFloat } from '../../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../../training/onnx/verify.ts';

/** A text that a command would print, or the error that it would end with. */
export type Work = (model: Model) => string | undefined;

/** Gradients of every float output with respect to every float input and weight. */
function differentiate(graph: Graph): void {
  inferGraph(graph);
  const cotangents = graph.outputs
    .filter(({ type }) => isFloat(type))
    .map((y) => [y, graph.addInput(graph.freshName('cotangent'), y.type, y.shape)] as const);
  const wrt = [...graph.inputs, ...graph.initializers].filter(
    (value) => isFloat(value.type) && !value.name.startsWith('cotangent'),
  );
  addGradients(graph, new Map(cotangents), wrt);
}

const options = {
  posWeight: undefined,
  dropout: 0.1,
  weightDecay: 0.01,
  maxGradNorm: 1,
  seed: 1,
} as const;

/** What the commands do with a model, each on a copy. */
export const works: Readonly<Record<string, Work>> = {
  inspect: (model) => {
    const description = inspectModel(model);
    JSON.stringify(description);
    return inspectionReport('model.onnx', 1, description);
  },
  verify: ({ graph }) => {
    inferGraph(graph);
    return problemsOf(graph).join('\n');
  },
  write: (model) => {
    const again = decodeModel(encodeModel(model));
    return again.graph.nodes.size === model.graph.nodes.size ? '' : 'other nodes';
  },
  optimize: (model) => {
    const { model: made } = optimizeForInference(model, { passes: passes.map(({ name }) => name) });
    encodeModel(made);
    return '';
  },
  differentiate: ({ graph }) => {
    differentiate(graph);
    return '';
  },
  'artifacts of its logits': (model) => {
    const { training } = compileArtifacts(model, { ...options, head: 'keep' } as never);
    encodeModel(training);
    return '';
  },
  'artifacts with a head': (model) => {
    compileArtifacts(model, {
      ...options,
      head: 'mlp',
      labels: 2,
      hidden: model.graph.outputs[0]?.name,
    } as never);
    return '';
  },
  ...Object.fromEntries(
    schemes.map((scheme) => [
      scheme,
      (model: Model) => {
        encodeModel(quantizeModel(model, { scheme }).model);
        return '';
      },
    ]),
  ),
};

/** Lines that look like the program's own, or like a stack's; and what acts on a terminal, but for line breaks. */
const acts = (text: string): boolean =>
  /^(error|hint):|^ {4}at /m.test(text) ||
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text.replaceAll('\n', ' '));

/** Where the rule is broken, a line each: a model is worked with or refused by AppError, and no name acts on the terminal. */
export function violations(
  bytes: Uint8Array,
  wanted: Readonly<Record<string, Work>> = works,
): string[] {
  const found: string[] = [];
  const attempt = (what: string, work: () => string | undefined): void => {
    try {
      const text = work() ?? '';
      if (acts(text)) found.push(`${what}: printed ${JSON.stringify(text)}`);
    } catch (error) {
      const problem = refusalProblem(error);
      if (problem) found.push(`${what}: ${problem}`);
    }
  };
  let model: Model | undefined;
  attempt('read', () => {
    model = decodeModel(bytes, { file: 'model.onnx' });
    return '';
  });
  for (const [what, work] of Object.entries(wanted)) {
    if (model === undefined) break;
    const copy = cloned(model, found);
    if (copy) attempt(what, () => work(copy));
  }
  return found;
}

function cloned(model: Model, found: string[]): Model | undefined {
  try {
    return cloneModel(model);
  } catch (error) {
    const problem = refusalProblem(error);
    if (problem) found.push(`copy: ${problem}`);
    return undefined;
  }
}

const MOST_CHARACTERS = 8000;

function refusalProblem(error: unknown): string | undefined {
  if (!(error instanceof AppError)) return error instanceof Error ? error.stack : String(error);
  if (error.code === 'internal') return `internal: ${error.stack}`;
  const { message } = error;
  if (message.length > MOST_CHARACTERS) return `a message of ${message.length} characters`;
  return acts(message) ? `it says ${JSON.stringify(message)}` : undefined;
}
