import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { inferGraph } from '../../onnx/shapes/infer.ts';
import { type Tensor, tensorOf } from '../../onnx/tensor.ts';
import { constantInts } from '../facts/constants.ts';

/** Matrices by what they are transposed of: one copy, however many nodes transpose one, and however often. */
type Transposes = Map<Value, Value>;

/** What may be read in place of a node's output. */
type Shortcut = (graph: Graph, node: Node, made: Transposes) => Value | undefined;

const pass: Shortcut = (_, { inputs: [x] }) => x;

/**
 * Nodes that say nothing, by operator: patterns need not mention them. A constant becomes an initializer, also
 * one behind a Transpose, where an exporter did not fold it.
 */
const shortcuts: Readonly<Record<string, Shortcut>> = {
  Identity: pass,
  Dropout: (graph, node, made) => {
    const trains = node.inputs[2];
    const ratioless = node.outputs[1] === undefined || node.outputs[1].uses.size === 0;
    const off = trains === undefined || constantInts(trains)?.[0] === 0;
    return off && ratioless ? pass(graph, node, made) : undefined;
  },
  Cast: (graph, node, made) =>
    node.inputs[0]?.type !== undefined && node.inputs[0].type === node.outputs[0]?.type
      ? pass(graph, node, made)
      : undefined,
  Constant: (graph, node) => {
    const attribute = node.attributes.get('value');
    const [output] = node.outputs;
    if (attribute?.kind !== 'tensor' || output === undefined) return undefined;
    return graph.addInitializer(graph.freshName(`${output.name}/value`), attribute.value);
  },
  Transpose: (graph, node, made) => {
    const [x] = node.inputs;
    const [rows, columns, ...more] = x?.initializer?.dims ?? [];
    const swaps = (node.ints('perm') ?? [1, 0]).join() === '1,0';
    if (!x?.initializer || rows === undefined || columns === undefined || more.length > 0) return;
    if (!swaps || x.initializer.type !== 'float32' || graph.isInput(x)) return undefined;
    const known = made.get(x);
    if (known) return known;
    const name = graph.freshName(`${x.name}/transposed`);
    const own = graph.addInitializer(name, transposed(x.initializer));
    made.set(x, own).set(own, x);
    return own;
  },
};

/** Takes out what says nothing. Returns the number of nodes gone. */
export function tidy(graph: Graph): number {
  const made: Transposes = new Map();
  let gone = 0;
  for (const node of graph.topologicalOrder()) {
    const [output] = node.outputs;
    if (node.domain !== '' || output === undefined || graph.outputs.includes(output)) continue;
    const shortcut = Object.hasOwn(shortcuts, node.op) ? shortcuts[node.op] : undefined;
    const source = shortcut?.(graph, node, made);
    if (source === undefined) continue;
    graph.replaceUses(output, source);
    graph.removeNode(node);
    gone++;
  }
  if (gone > 0) inferGraph(graph);
  return gone;
}

function transposed({ type, dims, bytes }: Tensor): Tensor {
  const [rows = 1, columns = 1] = dims;
  const from = new Float32Array(bytes.slice().buffer);
  const to = new Float32Array(from.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c] ?? 0;
  }
  return tensorOf(type, [columns, rows], to);
}
