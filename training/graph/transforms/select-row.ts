import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { inferGraph } from '../../onnx/shapes/infer.ts';
import { intTensor } from '../../onnx/tensor.ts';
import { constantInts } from '../facts/constants.ts';
import { type Needs, rowRules } from './row-rules.ts';

/** A node that reads one row of its first input on an axis. */
interface Selection {
  readonly node: Node;
  readonly source: Value;
  readonly axis: number;
  readonly index: number;
}

/** Of a value, the axis on which one row is enough for the nodes that were counted. */
interface Demand {
  readonly axis: number;
  uses: number;
}

/** A classifier has one such place, or a few: after each all shapes are inferred again. */
const MOST_MOVED = 16;

/**
 * Computes only the row that is read: where a graph ends in one row of the hidden states (`hidden[:, 0]`, the
 * [CLS] token), the selection moves backwards through everything that treats rows independently, up to what
 * other rows need too. Of an encoder's last layer the keys and the values are left. Exact. Returns the number
 * of matrix products that got smaller.
 */
export function selectRowsEarly(graph: Graph): number {
  let [products, moved] = [0, 0];
  for (const node of graph.topologicalOrder().reverse()) {
    const selection = selectionOf(node);
    const smaller = selection ? moveBackwards(graph, selection) : 0;
    products += smaller;
    if (smaller > 0 && ++moved >= MOST_MOVED) break;
  }
  return products;
}

function selectionOf(node: Node): Selection | undefined {
  const [source] = node.inputs;
  const rank = source?.shape?.length;
  if (node.domain !== '' || source === undefined || rank === undefined) return undefined;
  const [index, ...more] = constantInts(node.inputs[1]) ?? [];
  if (index === undefined || index < 0 || more.length > 0) return undefined;
  const axis = node.op === 'Gather' ? (node.int('axis') ?? 0) : slicedAxis(node, index);
  if (axis === undefined) return undefined;
  return { node, source, index, axis: axis < 0 ? axis + rank : axis };
}

/** The axis of a Slice from `start` to `start` + 1. */
function slicedAxis(node: Node, start: number): number | undefined {
  if (node.op !== 'Slice') return undefined;
  const [end] = constantInts(node.inputs[2]) ?? [];
  const [axis, ...more] = node.inputs[3] ? (constantInts(node.inputs[3]) ?? []) : [0];
  const step = node.inputs[4] ? constantInts(node.inputs[4])?.[0] : 1;
  return more.length === 0 && end === start + 1 && step === 1 ? axis : undefined;
}

function moveBackwards(graph: Graph, selection: Selection): number {
  const region = regionBefore(graph, selection);
  const products = [...region.keys()].filter(({ op }) => op === 'MatMul' || op === 'Gemm').length;
  if (products === 0) return 0;
  const b = new GraphBuilder(graph, 'row');
  const rows = new Map<string, Value>();
  const rowOf = (value: Value, axis: number): Value => {
    const key = `${axis} ${value.name}`;
    const { index } = selection;
    const row =
      rows.get(key) ?? b.op('Slice', [value, b.ints([index]), b.ints([index + 1]), b.ints([axis])]);
    rows.set(key, row);
    return row;
  };
  const outputs: (readonly [Node, number])[] = [];
  for (const [node, { axis, needs }] of region) {
    needs.forEach((need, i) => {
      const input = node.inputs[i];
      if (need === 'whole' || input === undefined) return;
      if (!input.producer || !region.has(input.producer)) node.setInput(i, rowOf(input, need));
    });
    outputs.push([node, axis]);
  }
  for (const [node, axis] of outputs) shrink(b, node, axis);
  readFirstRow(b, selection);
  inferGraph(graph);
  return products;
}

/**
 * The nodes all of whose readers want one row only, each with the axis of its output and what it needs. From
 * back to front: a producer is looked at when all readers of its value are known.
 */
function regionBefore(
  graph: Graph,
  { node: root, source, axis }: Selection,
): Map<Node, { axis: number; needs: Needs }> {
  const region = new Map<Node, { axis: number; needs: Needs }>();
  const demands = new Map<Value, Demand | 'several'>([[source, { axis, uses: 1 }]]);
  const ready: Value[] = [source];
  for (let value = ready.pop(); value; value = ready.pop()) {
    const node = value.producer;
    if (node?.graph !== graph || node === root) continue;
    const wanted = demandOn(graph, node, demands);
    if (wanted === undefined || node.domain !== '' || !Object.hasOwn(rowRules, node.op)) continue;
    const needs = rowRules[node.op]?.(node, wanted);
    if (needs === undefined) continue;
    region.set(node, { axis: wanted, needs });
    needs.forEach((need, i) => {
      const input = node.inputs[i];
      if (need === 'whole' || input === undefined) return;
      if (count(demands, input, need) === input.uses.size) ready.push(input);
    });
  }
  return region;
}

/** Counts one more use of a value by one row. Returns how many there are, on the same axis all of them. */
function count(
  demands: Map<Value, Demand | 'several'>,
  value: Value,
  axis: number,
): number | undefined {
  const known = demands.get(value);
  if (known === undefined) {
    demands.set(value, { axis, uses: 1 });
    return 1;
  }
  if (known !== 'several' && known.axis === axis) return ++known.uses;
  demands.set(value, 'several');
  return undefined;
}

/** The axis on which one row of a node's only output is enough for all of its readers. */
function demandOn(
  graph: Graph,
  node: Node,
  demands: ReadonlyMap<Value, Demand | 'several'>,
): number | undefined {
  const [output, ...others] = node.outputs;
  const demand = output && demands.get(output);
  if (demand === undefined || demand === 'several' || graph.outputs.includes(output as Value))
    return undefined;
  if (others.some((other) => other && (other.uses.size > 0 || graph.outputs.includes(other))))
    return undefined;
  return output?.uses.size === demand.uses ? demand.axis : undefined;
}

/** The output has one row now: a Reshape is told so, and the shape is inferred anew. */
function shrink(b: GraphBuilder, node: Node, axis: number): void {
  for (const output of node.outputs) {
    if (output?.shape === undefined) continue;
    const shape = output.shape.map((dim, i) => (i === axis ? 1 : dim));
    if (node.op === 'Reshape') {
      node.setInput(1, b.ints(shape.map((dim) => (typeof dim === 'number' ? dim : -1))));
    }
    output.shape = shape;
    output.content = undefined;
  }
}

/** The selection itself now finds its row at 0. */
function readFirstRow(b: GraphBuilder, { node, index }: Selection): void {
  if (index === 0) return;
  const dims = node.inputs[1]?.shape ?? [];
  const at = (n: number): Value =>
    b.constant({ ...intTensor([1], [n]), dims: dims as readonly number[] }, `row_${n}`);
  node.setInput(1, at(0));
  if (node.op === 'Slice') node.setInput(2, at(1));
}
