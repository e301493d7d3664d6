import { rewriteForward } from '../../graph/transforms/forward.ts';
import { inlineGraph } from '../../graph/transforms/inline.ts';
import { prune } from '../../graph/transforms/prune.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { Graph, type Value } from '../../onnx/graph.ts';
import { type Model, newModel } from '../../onnx/model.ts';
import { prepare } from '../prepare.ts';
import { axesOf, enterAt, gradientProducts } from './attributions.ts';
import { tokenEmbeddings } from './embeddings.ts';
import { integrate } from './integrate.ts';

export interface ExplainOptions {
  /**
   * Points of the path that integrated gradients are taken at, at most: 3 or more; 0: no integrated gradients; left
   * out: 65. Fewer are taken where that adds up.
   */
  readonly steps?: number | undefined;
  /** Ids of tokens that stay as they are in the baseline: [CLS], [SEP]. */
  readonly kept?: readonly number[];
  /** The token whose vector stands for "no word" in the baseline; left out: a vector of zeros. */
  readonly baseline?: number | undefined;
}

/** Points that a path gets at most; a ReLU in the way takes that many, a smooth one 17 or 33. */
const MOST_POINTS = 65;

/** The forward graph is differentiated as it is: nothing of it is trained. */
const AS_IT_IS = { head: 'keep', dropout: 0, weightDecay: 0, maxGradNorm: null, seed: 0 } as const;

/**
 * The graph that says which tokens a classifier's logits come from. Inputs: the forward graph's. Outputs, float32:
 * - `logits` [batch, axes];
 * - `attributions` [batch, axes, sequence]: gradient × input of each axis's logit with respect to the token's
 *   word embedding, summed over its width;
 * - with `steps`, `integrated_gradients` [batch, axes, sequence] (Sundararajan, Taly and Yan, "Axiomatic
 *   Attribution for Deep Networks", 2017), and `baseline_logits` [batch, axes]. On the path from the baseline the
 *   word embeddings alone move; positions, segments, the mask and the kept tokens stay. So integrated gradients
 *   add up to logits − baseline_logits, and points are added until they do within 0.5 %.
 * Padding gets 0. The points are iterations of an ONNX Loop: memory is that of one.
 *
 * @throws AppError `model_invalid` where there are no logits or no token embedding, `operator_unsupported`
 */
export function explainModel(forward: Model, options: ExplainOptions = {}): Model {
  const { model, logits } = prepare(forward, AS_IT_IS);
  const { kept = [], baseline, steps = MOST_POINTS } = options;
  rewriteForward(model.graph);
  const [result = logits] = model.graph.outputs;
  const source = { graph: model.graph, logits: result, kept, baseline };
  const graph = steps === 0 ? gradientGraph(source) : integratedGraph(source, steps);
  prune(graph);
  const made = newModel(graph);
  made.irVersion = model.irVersion;
  return made;
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

function integratedGraph({ graph: source, logits, kept, baseline }: Source, steps: number): Graph {
  const graph = new Graph('explain');
  for (const [domain, version] of source.opsets) graph.opsets.set(domain, version);
  const bound = new Map<Value, Value>();
  for (const input of source.inputs) {
    bound.set(input, graph.addInput(input.name, input.type, input.shape));
  }
  for (const value of source.initializers) {
    if (value.initializer) bound.set(value, graph.addInitializer(value.name, value.initializer));
  }
  const b = new GraphBuilder(graph, 'explain');
  const tokens = inputNamed(graph, 'input_ids') as Value;
  const embeddings = tokenEmbeddings(source);
  const path = { tokens, axes: axesOf(logits), most: steps };
  const found = integrate(b, path, (body, alpha) => {
    const copies = inlineGraph(source, body, bound, 'step/');
    const copyOf = (value: Value): Value => copies.get(value) ?? value;
    const inner = new GraphBuilder(body, 'step/explain');
    const isKept = (ids: Value) => isOneOf(inner, ids, kept);
    const entered = embeddings.map(({ table, ids, vectors }) => {
      const own = { table: copyOf(table), ids: copyOf(ids), vectors: copyOf(vectors) };
      return enterAt(inner, own, { alpha, baseline, isKept });
    });
    const own = copyOf(logits);
    return { logits: own, ...gradientProducts(inner, own, entered, tokens) };
  });
  graph.outputs.push(
    named(b, 'logits', found.logits),
    named(b, 'attributions', withoutPadding(b, found.vectors)),
    named(b, 'integrated_gradients', withoutPadding(b, found.integral)),
    named(b, 'baseline_logits', found.baseline_logits),
  );
  return graph;
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

function named(b: GraphBuilder, name: string, value: Value): Value {
  const taken = b.graph.find(name);
  if (taken) b.graph.rename(taken, b.graph.freshName(`${name}_of_source`));
  const own = b.identity(value);
  b.graph.rename(own, name);
  return own;
}

const inputNamed = (graph: Graph, name: string): Value | undefined =>
  graph.inputs.find((input) => input.name === name);
