import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { inferNode } from '../../onnx/shapes/infer.ts';
import { elementsOf, fitsFloat16, isFloat, type Tensor } from '../../onnx/tensor.ts';
import { behind } from '../../onnx/walk.ts';
import { constantOf } from '../facts/constants.ts';
import { passes } from '../facts/passing.ts';

type Width = 'float16' | 'float32';

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Matrix products: nearly all of the work, and what tensor cores do in float16 with sums in float32. */
const products = words('MatMul Gemm');

/**
 * Operators that lose nothing that their inputs had: they follow their activations. Not those that gather, whose
 * gradients are sums over rows: neither exact nor possible in float16 on every device.
 */
const followers = words(
  `Add Sub Mul Div Neg Sum Where Relu Gelu Tanh Erf Sigmoid Dropout Identity Transpose Reshape Flatten Squeeze
   Unsqueeze Expand Tile Concat Split Slice Pad`,
);

/** Whether a node only lays elements out in another way. */
export const isLayout = passes('form', 'order');

/**
 * Mixed precision as PyTorch's autocast has it, on a forward graph with its loss: matrix products in float16;
 * normalisation, softmax, reductions, powers and the loss in float32, as every operator that is not listed here;
 * element-wise and layout operators follow their activations: float32 if any is, else float16, to which parameters
 * and constants are cast. Initializers stay float32, and so do the graph's outputs, under their names. To be called
 * before differentiation: the rule of Cast brings gradients back to the parameters' float32. `inFloats` names further
 * nodes that stay in float32.
 */
export function toHalf(graph: Graph, inFloats: (node: Node) => boolean = () => false): void {
  const casts = new Casts(graph);
  for (const node of graph.topologicalOrder()) convert(node, casts, inFloats(node));
  graph.outputs.forEach((output, i) => {
    if (output.type !== 'float16') return;
    const { name } = output;
    const full = casts.of(output, 'float32');
    graph.rename(output, graph.freshName(`${name}/half`));
    graph.rename(full, name);
    graph.outputs[i] = full;
  });
}

/** Each value cast at most once to each type. */
class Casts {
  readonly #builder: GraphBuilder;
  readonly #known = new Map<string, Value>();

  constructor(graph: Graph) {
    this.#builder = new GraphBuilder(graph);
  }

  of(value: Value, type: Width): Value {
    if (value.type === type) return value;
    const name = `${value.name}/${type}`;
    const known = this.#known.get(name);
    if (known) return known;
    const to = type === 'float16' ? 10 : 1;
    const cast = this.#builder.op('Cast', [value], { to }, { outputs: [name] });
    this.#known.set(name, cast);
    return cast;
  }
}

function convert(node: Node, casts: Casts, inFloats: boolean): void {
  if (node.domain === '' && (node.op === 'Cast' || node.op === 'Constant')) return;
  const operands = operandsOf(node);
  const isWide = operands.some(([, { type }]) => type !== 'float16' && type !== 'float32');
  if (operands.length === 0 || isWide) return;
  const values = operands.map(([, value]) => value);
  const type = inFloats ? 'float32' : widthOf(node, values);
  for (const [index, value] of operands) node.setInput(index, casts.of(value, type));
  for (const output of node.outputs) if (output && isFloat(output.type)) output.type = undefined;
  inferNode(node);
  for (const output of node.outputs) if (output) output.type ??= type;
}

/** The float inputs; a Dropout's ratio has a type of its own. */
const operandsOf = (node: Node): (readonly [number, Value])[] =>
  node.inputs.flatMap((value, i) =>
    value && isFloat(value.type) && !(node.op === 'Dropout' && i > 0) ? [[i, value] as const] : [],
  );

function widthOf(node: Node, operands: readonly Value[]): Width {
  const inside = node.outputs.some((output) =>
    [...(output?.uses ?? [])].some((use) => use.node.graph !== node.graph),
  );
  // Bodies of control flow were written for float32.
  if (node.domain !== '' || inside) return 'float32';
  if (products.has(node.op)) return operands.every(fits) ? 'float16' : 'float32';
  // Squares in the derivative of Gelu's tanh form overflow float16 for inputs above 256.
  const isTanhGelu = node.string('approximate') === 'tanh';
  if (!followers.has(node.op) || isTanhGelu) return 'float32';
  const activations = operands.filter((value) => !isFixed(value));
  const follows = activations.length > 0 && activations.every(({ type }) => type === 'float16');
  return follows && operands.every(fits) ? 'float16' : 'float32';
}

/** A parameter or constant, or one that is only laid out in another way. */
function isFixed(value: Value): boolean {
  return source(value) !== undefined;
}

function source(value: Value) {
  return constantOf(behind(value, isLayout));
}

/** Whether float16 holds the elements of a constant; activations are not looked at. */
function fits(value: Value): boolean {
  const tensor = value.type === 'float32' ? source(value) : undefined;
  if (tensor === undefined) return true;
  const known = fitting.get(tensor);
  if (known !== undefined) return known;
  const found = fitsFloat16(elementsOf(tensor) as Float32Array);
  fitting.set(tensor, found);
  return found;
}

/** Looked at once, however many nodes read it. */
const fitting = new WeakMap<Tensor, boolean>();
