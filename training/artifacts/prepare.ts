import { AppError } from '../../src/errors.ts';
import { nameShown, onOneLine } from '../../src/files/index.ts';
import { attachHead } from '../architectures/index.ts';
import { expandAttention, repeatsMask } from '../graph/transforms/attention-nodes.ts';
import { toFullPrecision } from '../graph/transforms/full-precision.ts';
import { recoverModuleNames } from '../graph/transforms/module-names.ts';
import { raiseOpset } from '../graph/transforms/opset.ts';
import { prune } from '../graph/transforms/prune.ts';
import { repeatRotaryTables } from '../graph/transforms/rotary-nodes.ts';
import { cloneModel } from '../onnx/clone.ts';
import { requireOpset } from '../onnx/codec/index.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { limits } from '../onnx/limits.ts';
import type { Model } from '../onnx/model.ts';
import { inferGraph } from '../onnx/shapes/infer.ts';
import { trueLogits } from './logits.ts';
import type { CompileOptions } from './options.ts';
import { refuseQuantizedWeights } from './weight-places.ts';

export interface PreparedModel {
  readonly model: Model;
  readonly logits: Value;
  /** The initializer of the given graph that a parameter came from, where the name differs. */
  readonly origins: ReadonlyMap<Value, string>;
  /** Parameters of the attached head. */
  readonly headParameters: readonly Value[];
  /** Initializers that were Constant nodes. */
  readonly constants: ReadonlySet<Value>;
  /** What was changed of the given graph's meaning, a line each. */
  readonly notes: readonly string[];
}

const IR_VERSION = 8;

/**
 * A copy of the forward graph with `logits` [batch, labels] as its only output: raised to opset 17,
 * parameters named after their modules and float32, the head attached where it is asked for. The given model stays.
 *
 * @throws AppError `model_invalid` for a graph without the wanted output, with quantized weights, or with an output
 *   `logits` that cannot be logits
 */
export function prepare(forward: Model, options: CompileOptions): PreparedModel {
  requireOpset(forward);
  const model = cloneModel(forward);
  const { graph } = model;
  model.irVersion = Math.max(model.irVersion, IR_VERSION);
  raiseOpset(graph);
  inferGraph(graph);
  const { notes, constants } = toFullPrecision(graph);
  expandAttention(graph, repeatsMask);
  repeatRotaryTables(graph);
  const weights = weightBytes(graph);
  const origins = recoverModuleNames(graph);
  const { logits, notes: cuts } =
    options.head === 'mlp'
      ? { logits: mlpLogits(graph, options), notes: [] }
      : trueLogits(graph, ownLogits(graph, options));
  graph.outputs.splice(0, graph.outputs.length, logits);
  prune(graph);
  if (graph.nodes.size > limits.trainedNodes) {
    throw new AppError(
      'model_invalid',
      `the graph has ${graph.nodes.size} nodes: at most ${limits.trainedNodes} can be trained`,
    );
  }
  requireFewCopies(graph, weights);
  refuseQuantizedWeights(graph);
  const headParameters =
    options.head === 'mlp'
      ? graph.initializers.filter((value) => /^head\.\w+\.(weight|bias)$/.test(value.name))
      : [];
  return { model, logits, origins, headParameters, constants, notes: [...notes, ...cuts] };
}

const weightBytes = (graph: Graph): number =>
  graph.initializers.reduce((sum, { initializer }) => sum + (initializer?.bytes.length ?? 0), 0);

/** Weights that exporters merged are parameters of their own again: a few of them, not a thousand of each. */
function requireFewCopies(graph: Graph, before: number): void {
  const bytes = weightBytes(graph);
  const most = limits.copies * before + limits.copiedBytes;
  if (bytes <= most) return;
  throw new AppError(
    'model_invalid',
    `the graph's Identity nodes make parameters of ${bytes} bytes of weights of ${before}: at most ${limits.copies} times as many are made`,
  );
}

function mlpLogits(graph: Graph, { labels, hidden, seed }: CompileOptions): Value {
  if (labels === undefined || !Number.isSafeInteger(labels) || labels < 1) {
    throw new AppError('usage', `labels is ${labels}: expected a positive integer`, {
      hint: 'a new head needs to know how many labels the task has',
    });
  }
  const name = hidden ?? 'last_hidden_state';
  const states = hidden === undefined ? namedOutput(graph, name) : graph.find(name);
  if (states === undefined) {
    throw new AppError(
      'model_invalid',
      `the graph has no ${hidden === undefined ? 'output' : 'value'} ${nameShown(name)} to attach the task head to: its outputs are ${outputNames(graph)}`,
      {
        hint: 'export the base model without a head, keep its own logits, or name the hidden states',
      },
    );
  }
  graph.outputs.splice(0, graph.outputs.length, states);
  prune(graph);
  return attachHead(graph, states, { labels, seed });
}

function ownLogits(graph: Graph, { labels }: CompileOptions): Value {
  const logits = namedOutput(graph, 'logits');
  if (logits === undefined) {
    throw new AppError(
      'model_invalid',
      `the graph has no output "logits" to keep: its outputs are ${outputNames(graph)}`,
      { hint: 'attach the task head instead (head mlp)' },
    );
  }
  const width = logits.shape?.[1];
  if (labels !== undefined && typeof width === 'number' && width !== labels) {
    throw new AppError(
      'model_invalid',
      `the graph's logits have ${width} labels: expected ${labels}, as the task has`,
      { hint: 'attach the task head instead (head mlp)' },
    );
  }
  return logits;
}

const namedOutput = (graph: Graph, name: string): Value | undefined =>
  graph.outputs.find((output) => output.name === name);

const outputNames = (graph: Graph): string =>
  onOneLine(graph.outputs.map((output) => output.name).join(', '), MOST_SHOWN) || 'none';

/** Characters of a list of names. */
const MOST_SHOWN = 500;
