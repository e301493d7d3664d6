import { GraphBuilder } from '../../onnx/builder.ts';
import type { Dim, Shape } from '../../onnx/dim.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { constantScalar } from '../facts/constants.ts';
import { prune } from './prune.ts';

/** The operator set from which on the CUDA provider has no Pad. */
const WITHOUT_PAD = 19;

/**
 * In operator sets whose Pad has no CUDA kernel: padding with zeros along one axis, as gradients of a slice or
 * of one row do, becomes a Concat with zeros. Other graphs stay.
 */
export function replacePads(graph: Graph): void {
  if (graph.opset < WITHOUT_PAD) return;
  const b = new GraphBuilder(graph, 'pad');
  const nodes = [...graph.nodes].filter(({ op, domain }) => op === 'Pad' && domain === '');
  for (const node of nodes) {
    const padded = node.outputs[0];
    const joined = padded && concatenation(b, node);
    if (!joined) continue;
    const { name } = padded;
    graph.replaceUses(padded, joined);
    graph.removeNode(node);
    graph.rename(joined, name);
    joined.shape = padded.shape;
  }
  prune(graph);
}

function concatenation(b: GraphBuilder, node: Node): Value | undefined {
  const [x, pads, value, axes] = node.inputs;
  const shape = x?.shape;
  const amounts = pads?.content;
  const isZeros = (node.string('mode') ?? 'constant') === 'constant' && !axes;
  if (!shape || !isZeros || amounts?.length !== 2 * shape.length) return undefined;
  if (value && constantScalar(value) !== 0) return undefined;
  const padded = shape.flatMap((_, axis) =>
    amounts[axis] === 0 && amounts[axis + shape.length] === 0 ? [] : [axis],
  );
  const [axis] = padded;
  if (axis === undefined) return b.identity(x);
  if (padded.length > 1) return undefined;
  const block = (amount: Dim | undefined) => zeros(b, x, shape, axis, amount);
  const before = block(amounts[axis]);
  const after = block(amounts[axis + shape.length]);
  if (before === undefined || after === undefined) return undefined;
  return b.op('Concat', [...before, x, ...after], { axis });
}

/** x's shape with another size of one axis, of zeros: none for a size of 0, undefined for one that is not known. */
function zeros(
  b: GraphBuilder,
  x: Value,
  shape: Shape,
  axis: number,
  size: Dim | undefined,
): Value[] | undefined {
  if (size === 0) return [];
  if (size === undefined || (typeof size === 'number' && size < 0)) return undefined;
  const target = b.dims(shape.map((dim, i) => (i === axis ? size : dim)));
  return target && [b.op('Expand', [b.scalar(0, x), target])];
}
