import type { Node, Value } from '../../onnx/graph.ts';
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

/** (x − mean(x)) / √(variance + ε) · weight + bias, from its subtraction on. */
function decomposed(node: Node): Normalisation | undefined {
  const [input, mean] = node.inputs;
  const [centred] = node.outputs;
  if (node.op !== 'Sub' || !input || !centred) return undefined;
  if (mean?.producer?.op !== 'ReduceMean' || mean.producer.inputs[0] !== input) return undefined;
  const scaled = scaledBy(centred);
  if (scaled === undefined) return undefined;
  const weighted = readerWith(scaled, 'Mul') ?? scaled;
  const output = readerWith(weighted, 'Add') ?? weighted;
  return output.producer && { input, output, node: output.producer };
}

/** The quotient by the deviation, or the product with its reciprocal. */
function scaledBy(centred: Value): Value | undefined {
  for (const { node, index } of centred.uses) {
    const other = node.inputs[1 - index]?.producer?.op;
    const divided = node.op === 'Div' && index === 0 && other === 'Sqrt';
    const multiplied = node.op === 'Mul' && other === 'Reciprocal';
    if (divided || multiplied) return node.outputs[0];
  }
  return undefined;
}

/** What comes of a value and a vector of the model by an operator. */
function readerWith(value: Value, op: 'Mul' | 'Add'): Value | undefined {
  for (const { node, index } of value.uses) {
    if (node.op === op && isVector(node.inputs[1 - index])) return node.outputs[0];
  }
  return undefined;
}
