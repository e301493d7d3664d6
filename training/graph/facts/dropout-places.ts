import type { Graph, Node, Use, Value } from '../../onnx/graph.ts';
import { Budget, behind } from '../../onnx/walk.ts';
import { linearOf, readersThrough, sourceOf } from './linear.ts';
import { type Normalisation, normalisations } from './normalisations.ts';
import { passes } from './passing.ts';

/** A place where the source model drops activations while it trains. */
export interface DropoutPlace {
  /** What artifacts.json calls it: the path of a node. */
  readonly name: string;
  readonly value: Value;
  /** The readers of the value that see it with dropped elements. */
  readonly readers: readonly Use[];
}

/**
 * The places of BERT and its kin, found by the shape of the graph alone: the sum of the embeddings
 * after its LayerNorm; attention's probabilities; the outputs of attention and of feed-forward
 * before their residual connections; the inputs of the classification head's last layer and of an
 * attached head's layers. DistilBERT does not drop the output of attention: it is known by the name
 * of that layer, `out_lin`.
 */
export function dropoutPlaces(graph: Graph): DropoutPlace[] {
  const order = graph.topologicalOrder();
  const attention = order.flatMap(attentionProbabilities);
  const contexts = new Set(attention.flatMap(({ readers }) => readers.map(({ node }) => node)));
  const norms = normalisations(order);
  const places = [
    ...norms.flatMap(embeddings),
    ...attention,
    ...norms.flatMap((norm) => sublayer(norm, contexts)),
    ...headInputs(graph),
  ];
  const position = new Map(order.map((node, i) => [node, i]));
  const first = ({ readers }: DropoutPlace) =>
    readers.reduce((least, { node }) => Math.min(least, position.get(node) ?? 0), order.length);
  const sorted = places
    .map((place) => [first(place), place] as const)
    .sort(([a], [b]) => a - b)
    .map(([, place]) => place);
  return distinct(sorted);
}

/** A Softmax whose result weighs other values in a MatMul, perhaps after a guard against NaN. */
function attentionProbabilities(node: Node): DropoutPlace[] {
  const [value] = node.outputs;
  if (node.op !== 'Softmax' || value === undefined) return [];
  const use = readersThrough(value).find(({ node: reader }) => reader.op === 'MatMul');
  const weights = use?.node.inputs[use.index];
  return use && weights ? [{ name: nameOf(node), value: weights, readers: [use] }] : [];
}

/** The normalised sum of rows of tables. */
function embeddings({ input, output, node }: Normalisation): DropoutPlace[] {
  if (!isEmbeddingSum(input)) return [];
  return [{ name: nameOf(node), value: output, readers: [...output.uses] }];
}

const passesRows = passes('type', 'form', 'copies', 'dropped');

/** So many values are looked at for the tables behind a sum. */
const MOST_SUMMED = 32;

function isEmbeddingSum(value: Value | undefined, budget = new Budget(MOST_SUMMED)): boolean {
  const { producer } = value ?? {};
  if (producer === undefined || !budget.take()) return false;
  const [a, b] = producer.inputs;
  if (producer.op === 'Gather') return sourceOf(a)?.initializer?.dims.length === 2;
  if (producer.op === 'Add') return isEmbeddingSum(a, budget) || isEmbeddingSum(b, budget);
  return passesRows(producer) && isEmbeddingSum(a, budget);
}

/**
 * The branch of a residual connection that ends in a linear layer, where the sum is then
 * normalised.
 */
function sublayer({ input }: Normalisation, contexts: ReadonlySet<Node>): DropoutPlace[] {
  const sum = sourceOf(input)?.producer;
  if (sum?.op !== 'Add') return [];
  for (const [index, value] of sum.inputs.entries()) {
    const linear = linearOf(value);
    if (value === undefined || linear === undefined) continue;
    const isAttention = contexts.has(contextOf(linear.input) ?? sum);
    if (isAttention && isOutLin(linear.node, linear.weight)) return [];
    const name = nameOf(value.producer ?? linear.node);
    const readers = [...value.uses].filter((use) => use.node === sum && use.index === index);
    return [{ name, value, readers }];
  }
  return [];
}

const mergesHeads = passes('type', 'form', 'order');

/** The MatMul of attention whose heads a value puts side by side. */
function contextOf(value: Value): Node | undefined {
  return behind(value, mergesHeads).producer;
}

const isOutLin = (node: Node, weight: Value): boolean =>
  /(^|[./])out_lin([./]|$)/.test(weight.name) || /(^|[./])out_lin([./]|$)/.test(node.name);

/** The inputs of the layer that gives the logits, and of an attached head's first one. */
function headInputs(graph: Graph): DropoutPlace[] {
  const dense = [...(graph.find('head.dense.weight')?.uses ?? [])].map(({ node }) => node);
  const last = linearOf(graph.find('logits'))?.node;
  return [...dense, last].flatMap((node): DropoutPlace[] => {
    const value = node?.inputs[0];
    if (node === undefined || value === undefined) return [];
    const readers = [...value.uses].filter((use) => use.node === node && use.index === 0);
    return [{ name: nameOf(node), value, readers }];
  });
}

/** Nodes need no names; values always have them. */
const nameOf = (node: Node): string => node.name || (node.outputs[0]?.name ?? node.op);

/** Places of equal names are numbered, so that each has its own seed. */
function distinct(places: readonly DropoutPlace[]): DropoutPlace[] {
  const seen = new Map<string, number>();
  return places.map((place) => {
    const count = seen.get(place.name) ?? 0;
    seen.set(place.name, count + 1);
    return count === 0 ? place : { ...place, name: `${place.name}#${count}` };
  });
}
