import { GraphBuilder } from '../../onnx/builder.ts';
import { Graph, type Value } from '../../onnx/graph.ts';
import { type Model, newModel } from '../../onnx/model.ts';
import { floatTensor, scalarTensor } from '../../onnx/tensor.ts';
import { rewriteForward } from '../../rewrite/index.ts';
import { inlineGraph } from '../inline.ts';
import { prepare } from '../prepare.ts';
import { prune } from '../prune.ts';
import { enterAt, gradientProducts } from './attributions.ts';
import { tokenEmbeddings } from './embeddings.ts';
import { gaussLobatto } from './quadrature.ts';

export interface ExplainOptions {
  /**
   * Points of the path that integrated gradients are taken at, 2 or more; 0: no integrated gradients; left out:
   * what usually adds up within 1 %, more where the gradient jumps.
   */
  readonly steps?: number | undefined;
  /** Ids of tokens that stay as they are in the baseline: [CLS], [SEP]. */
  readonly kept?: readonly number[];
  /** The token whose vector stands for "no word" in the baseline; left out: a vector of zeros. */
  readonly baseline?: number | undefined;
}

/** Enough for a smooth path, and for one on which operators with kinks make the gradient jump. */
const usualSteps = { smooth: 12, kinked: 48 } as const;

const kinks: ReadonlySet<string> = new Set(['Relu', 'LeakyRelu', 'PRelu', 'HardSigmoid', 'Clip']);

/** The forward graph is differentiated as it is: nothing of it is trained. */
const AS_IT_IS = { head: 'keep', dropout: 0, weightDecay: 0, maxGradNorm: null, seed: 0 } as const;

/**
 * The graph that says which tokens a classifier's logits come from. Inputs: the forward graph's. Outputs, float32:
 * - `logits` [batch, axes];
 * - `attributions` [batch, axes, sequence]: gradient × input of each axis's logit with respect to the token's
 *   word embedding, summed over its width;
 * - with `steps`, `integrated_gradients` [batch, axes, sequence] (Sundararajan, Taly and Yan, "Axiomatic
 *   Attribution for Deep Networks", 2017), and `baseline_logits` [batch, axes]. The baseline is theirs for
 *   text, word embeddings of zero, while positions, segments, the mask and the kept tokens stay. So
 *   integrated gradients add up to logits − baseline_logits.
 * Padding gets 0. The steps are iterations of an ONNX Loop: memory is that of one.
 *
 * @throws AppError `model_invalid` where there are no logits or no token embedding, `operator_unsupported`
 */
export function explainModel(forward: Model, options: ExplainOptions = {}): Model {
  const { model, logits } = prepare(forward, AS_IT_IS);
  const { kept = [], baseline, steps = stepsFor(model.graph) } = options;
  rewriteForward(model.graph);
  const [result = logits] = model.graph.outputs;
  const source = { graph: model.graph, logits: result, kept, baseline };
  const graph = steps === 0 ? gradientGraph(source) : integratedGraph(source, steps);
  prune(graph);
  const made = newModel(graph);
  made.irVersion = model.irVersion;
  return made;
}

function stepsFor({ nodes }: Graph): number {
  return [...nodes].some(({ op }) => kinks.has(op)) ? usualSteps.kinked : usualSteps.smooth;
}

interface Source {
  readonly graph: Graph;
  readonly logits: Value;
  readonly kept: readonly number[];
  readonly baseline: number | undefined;
}

function gradientGraph({ graph, logits }: Source): Graph {
  const b = new GraphBuilder(graph, 'explain');
  const embeddings = tokenEmbeddings(graph).map((embedding) => {
    const { vectors } = embedding;
    return { ...embedding, entered: vectors, path: vectors };
  });
  const tokens = inputNamed(graph, 'input_ids') as Value;
  const { vectors } = gradientProducts(b, logits, embeddings, tokens);
  graph.outputs.push(named(b, 'attributions', withoutPadding(b, vectors)));
  return graph;
}

function integratedGraph(source: Source, steps: number): Graph {
  const graph = new Graph('explain', { opset: source.graph.opset });
  for (const [domain, version] of source.graph.opsets) graph.opsets.set(domain, version);
  const bound = new Map<Value, Value>();
  for (const input of source.graph.inputs) {
    bound.set(input, graph.addInput(input.name, input.type, input.shape));
  }
  for (const value of source.graph.initializers) {
    if (value.initializer) bound.set(value, graph.addInitializer(value.name, value.initializer));
  }
  const b = new GraphBuilder(graph, 'explain');
  const { nodes, weights } = gaussLobatto(steps);
  const alphas = b.constant(floatTensor([steps], Float32Array.from(nodes)), 'alphas');
  const body = stepBody(source, graph, bound, alphas);
  const scans = b.node(
    'Loop',
    [b.scalar(steps, 'int64'), b.constant(scalarTensor('bool', 1), 'always')],
    { body: { kind: 'graph', value: body } },
    { outputs: ['explain/logits', 'explain/vectors', 'explain/paths'] },
  );
  const [logits, vectors, paths] = scans as [Value, Value, Value];
  body.outputs.slice(1).forEach((output, i) => {
    const scan = scans[i];
    if (scan && output.shape) scan.shape = [steps, ...output.shape];
  });
  const at = (scan: Value, step: number) =>
    b.op('Gather', [scan, b.scalar(step, 'int64')], { axis: 0 });
  const weight = b.constant(floatTensor([steps, 1, 1, 1], Float32Array.from(weights)), 'weights');
  const integral = b.reduceSum(b.mul(paths, weight), [0], false);
  graph.outputs.push(
    named(b, 'logits', at(logits, steps - 1)),
    named(b, 'attributions', withoutPadding(b, at(vectors, steps - 1))),
    named(b, 'integrated_gradients', withoutPadding(b, withoutKept(b, integral, source.kept))),
    named(b, 'baseline_logits', at(logits, 0)),
  );
  return graph;
}

/** (iteration, condition) → (condition, logits, products) where every token is the iteration's α of its way. */
function stepBody(
  { graph, logits, kept, baseline }: Source,
  outer: Graph,
  bound: ReadonlyMap<Value, Value>,
  alphas: Value,
): Graph {
  const body = new Graph('explain_step', { outer });
  const iteration = body.addInput('step/iteration', 'int64', []);
  const condition = body.addInput('step/condition', 'bool', []);
  const copies = inlineGraph(graph, body, bound, 'step/');
  const copyOf = (value: Value): Value => copies.get(value) ?? value;
  const b = new GraphBuilder(body, 'step/explain');
  const alpha = b.op('Gather', [alphas, iteration], { axis: 0 });
  const isKept = (ids: Value) => isOneOf(b, ids, kept);
  const embeddings = tokenEmbeddings(graph).map(({ table, ids, vectors }) => {
    const own = { table: copyOf(table), ids: copyOf(ids), vectors: copyOf(vectors) };
    return enterAt(b, own, { alpha, baseline, isKept });
  });
  const tokens = inputNamed(outer, 'input_ids') as Value;
  const { vectors, paths } = gradientProducts(b, copyOf(logits), embeddings, tokens);
  body.outputs.push(
    b.identity(condition),
    b.identity(copyOf(logits)),
    b.identity(vectors),
    b.identity(paths),
  );
  return body;
}

/** Whether each id is one of these; undefined for no ids. */
function isOneOf(b: GraphBuilder, ids: Value, wanted: readonly number[]): Value | undefined {
  const equal = wanted.map((id) => b.op('Equal', [ids, b.scalar(id, ids)]));
  return equal.length === 0 ? undefined : equal.reduce((x, y) => b.op('Or', [x, y]));
}

/** [batch, axes, sequence] with 0 where the attention mask is 0. */
function withoutPadding(b: GraphBuilder, values: Value): Value {
  const mask = inputNamed(b.graph, 'attention_mask');
  if (mask === undefined) return values;
  return b.where(b.unsqueeze(b.cast(mask, 'bool'), [1]), values, b.scalar(0, values));
}

/** [batch, axes, sequence] with 0 for the tokens that are the same in the baseline. */
function withoutKept(b: GraphBuilder, values: Value, kept: readonly number[]): Value {
  const ids = inputNamed(b.graph, 'input_ids');
  const isKept = ids && isOneOf(b, ids, kept);
  return isKept ? b.where(b.unsqueeze(isKept, [1]), b.scalar(0, values), values) : values;
}

function named(b: GraphBuilder, name: string, value: Value): Value {
  const taken = b.graph.find(name);
  if (taken) b.graph.rename(taken, b.graph.freshName(`${name}_of_source`));
  const own = b.identity(value);
  b.graph.rename(own, name);
  return own;
}

const inputNamed = (graph: Graph, name: string): Value | undefined =>
  graph.inputs.find((input) => input.name === name);
