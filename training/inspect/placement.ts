import { bareName } from '../../src/files/index.ts';
import { operatorKey } from '../autodiff/non-differentiable.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import type { DataType } from '../onnx/tensor.ts';
import { type KernelAnswer, kernelsOf, type Provider } from './kernels.ts';

/**
 * Operators that compute shapes. Where their results are integers or truth values of rank 0 or 1, every provider
 * leaves them to the CPU on purpose: shapes are read there, and a few numbers are not worth a kernel launch.
 */
const shapeOperators = new Set(
  `Shape Size Gather Concat Unsqueeze Squeeze Slice Reshape Cast Add Sub Mul Div Mod Min Max Neg Equal Less Greater
   Where ConstantOfShape Range Expand ReduceProd Constant Identity`.split(/\s+/),
);

const shapeTypes: readonly (DataType | undefined)[] = ['int64', 'int32', 'bool'];

/** The operators whose kernel is chosen by another value than the first input. */
const chosenBy: Readonly<Record<string, (node: Node) => readonly (Value | undefined)[]>> = {
  Where: ({ inputs }) => [inputs[1]],
  OneHot: ({ inputs }) => [inputs[2]],
  Constant: ({ outputs }) => outputs,
  ConstantOfShape: ({ outputs }) => outputs,
  Range: ({ outputs }) => outputs,
  RandomUniformLike: ({ outputs }) => outputs,
  If: ({ outputs }) => outputs,
  // Behind the trip count and the condition, which are read on the CPU.
  Loop: ({ inputs }) => inputs.slice(2),
  Scan: ({ inputs }) => inputs,
};

/** One operator on one element type that a provider has no kernel for. */
export interface Misplaced {
  readonly operator: string;
  /** Undefined where type inference did not find it. */
  readonly type: DataType | undefined;
  readonly opset: number;
  /** The first node of this kind, and how many there are. */
  readonly node: string;
  readonly count: number;
  /** The table does not list the operator. */
  readonly unknown: boolean;
}

/**
 * What of a graph, bodies included, a provider has no kernel for, in the operator set of the graph; computing of
 * shapes is left out. To be called when types and shapes are inferred.
 */
export function misplaced(graph: Graph, provider: Provider): Misplaced[] {
  const found = new Map<string, Misplaced>();
  for (const node of nodesOf(graph)) {
    if (computesShape(node)) continue;
    for (const type of typesOf(node)) {
      const answer = kernelFor(node, type);
      if (answer?.[provider]) continue;
      const operator = operatorName(node);
      const key = `${operator} ${type}`;
      const before = found.get(key);
      found.set(key, {
        operator,
        type,
        opset: graph.opset,
        node: before?.node ?? node.toString(),
        count: (before?.count ?? 0) + 1,
        unknown: answer === undefined,
      });
    }
  }
  return [...found.values()];
}

/** Whether the main graph computes shapes by nodes that every provider leaves to the CPU. */
export const computesShapes = (graph: Graph): boolean =>
  [...graph.nodes].some((node) => node.op !== 'Shape' && computesShape(node));

/** The kernels of a node for all the element types that it works on; undefined where they are not known. */
export function kernelsOfNode(node: Node): KernelAnswer | undefined {
  const answers = typesOf(node).map((type) => kernelFor(node, type));
  if (answers.includes(undefined)) return undefined;
  const has = (provider: Provider) =>
    computesShape(node) || answers.every((answer) => answer?.[provider]);
  return { cpu: has('cpu'), cuda: has('cuda'), webgpu: has('webgpu') };
}

export function describeMisplaced({ operator, type, opset, count, unknown }: Misplaced): string {
  const nodes = count === 1 ? '1 node' : `${count} nodes`;
  return `${bareName(operator)} on ${type ?? 'an unknown type'}, opset ${opset}${unknown ? ', not in the table of kernels' : ''} (${nodes})`;
}

const kernelFor = (node: Node, type: DataType | undefined): KernelAnswer | undefined =>
  kernelsOf(operatorName(node), node.graph.opset, type);

function operatorName(node: Node): string {
  const reduction = node.string('reduction');
  const key = operatorKey(node);
  return reduction === undefined || reduction === 'none' ? key : `${key}(${reduction})`;
}

function typesOf(node: Node): (DataType | undefined)[] {
  const values = Object.hasOwn(chosenBy, node.op) ? chosenBy[node.op]?.(node) : undefined;
  const types = new Set((values ?? [node.inputs[0]]).map((value) => value?.type));
  return types.size === 0 ? [undefined] : [...types];
}

function computesShape(node: Node): boolean {
  if (node.domain !== '' || !shapeOperators.has(node.op)) return false;
  return node.outputs.every(
    (output) => shapeTypes.includes(output?.type) && (output?.shape?.length ?? 2) <= 1,
  );
}

function* nodesOf(graph: Graph): Iterable<Node> {
  for (const node of graph.nodes) {
    yield node;
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === 'graph') yield* nodesOf(attribute.value);
    }
  }
}
