import type { Node, Value } from '../../onnx/graph.ts';
import { normalised } from '../pattern/layer-normalization.ts';
import { matchPattern } from '../pattern/match.ts';
import { isVector } from './linear.ts';

/** A LayerNorm: one node, or the many that exporters make of it before opset 17. */
export interface Normalisation {
  readonly input: Value;
  readonly output: Value;
  /** The node that gives the output. */
  readonly node: Node;
}

/** All LayerNorms among the nodes. */
export function normalisations(nodes: readonly Node[]): Normalisation[] {
  const found = new Map<Value, Normalisation>();
  for (const node of nodes) {
    const norm = node.op === 'LayerNormalization' ? whole(node) : decomposed(node);
    if (norm) found.set(norm.output, norm);
  }
  return [...found.values()];
}

function whole(node: Node): Normalisation | undefined {
  const [input] = node.inputs;
  const [output] = node.outputs;
  return input && output && { input, output, node };
}

/** (x − mean(x)) / √(variance + ε), perhaps · weight, perhaps + bias. */
function decomposed(node: Node): Normalisation | undefined {
  const [scaled] = node.outputs;
  const match = scaled && matchPattern(node.graph, normalised, scaled);
  const input = match?.values.get('x');
  if (scaled === undefined || input === undefined) return undefined;
  const weighted = readerWith(scaled, 'Mul') ?? scaled;
  const output = readerWith(weighted, 'Add') ?? weighted;
  return output.producer && { input, output, node: output.producer };
}

/** What comes of a value and a vector of the model by an operator. */
function readerWith(value: Value, op: 'Mul' | 'Add'): Value | undefined {
  for (const { node, index } of value.uses) {
    if (node.op === op && isVector(node.inputs[1 - index])) return node.outputs[0];
  }
  return undefined;
}
