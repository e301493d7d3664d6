import { float32Values } from '../../onnx/float32-values.ts';
import type { Graph, Value } from '../../onnx/graph.ts';
import { type DataType, elementCount, floatTensor, type Tensor } from '../../onnx/tensor.ts';
import { constantTensor } from '../facts/constants.ts';
import { passes } from '../facts/passing.ts';

/** ONNX's numbers of element types, as Cast names them. */
const FLOAT32 = 1;
const typeNumbers: Partial<Record<DataType, number>> = { float16: 10, bfloat16: 16, float64: 11 };

/** Attributes that name an element type. */
const typeAttributes = ['to', 'dtype', 'output_dtype'];

/** A tensor that may be a weight by its size alone: not a number, nor a handful of them. */
export const isLarge = ({ dims }: Pick<Tensor, 'dims'>): boolean =>
  elementCount(dims) >= 16 || (elementCount(dims) > 1 && dims.length > 1);

export interface FullPrecision {
  /** What was changed, a line for each type. */
  readonly notes: readonly string[];
  /** Initializers that were Constant nodes. */
  readonly constants: ReadonlySet<Value>;
}

/**
 * Makes a graph whose weights are float16, bfloat16 or float64 one of float32, in which they can be trained: weights,
 * constants, casts and all that is computed from them. Weights that were cast to float32 are then read as they are, and
 * large float32 Constant nodes are initializers.
 */
export function toFullPrecision(graph: Graph): FullPrecision {
  const notes: string[] = [];
  const given = graph.initializers.flatMap(({ initializer }) => initializer ?? []);
  const constants = [...graph.nodes].flatMap((node) => constantTensor(node) ?? []);
  for (const type of Object.keys(typeNumbers) as DataType[]) {
    const found = [...given, ...constants].filter((one) => one.type === type);
    if (!found.some(isLarge)) continue;
    widen(graph, type);
    const sizes = found.map(({ dims }) => elementCount(dims)).filter((size) => size > 1);
    const elements = sizes.reduce((sum, size) => sum + size, 0);
    notes.push(
      `weights of ${elements.toLocaleString('en')} elements are ${type}: they are trained, and the graph is computed, in float32`,
    );
  }
  const promoted = promoteConstants(graph);
  dropCasts(graph);
  return { notes, constants: promoted };
}

/** Everything of one float type becomes float32, in the bodies of control flow too. */
function widen(graph: Graph, type: DataType): void {
  for (const value of graph.values.values()) {
    if (value.type === type) value.type = 'float32';
    if (value.initializer?.type === type) value.initializer = widened(value.initializer);
  }
  for (const { attributes } of graph.nodes) {
    for (const [name, attribute] of attributes) {
      if (attribute.kind === 'graph') widen(attribute.value, type);
      if (attribute.kind === 'tensor' && attribute.value.type === type) {
        attributes.set(name, { kind: 'tensor', value: widened(attribute.value) });
      }
      const namesType = typeAttributes.includes(name) && attribute.kind === 'int';
      if (namesType && attribute.value === typeNumbers[type]) {
        attributes.set(name, { kind: 'int', value: FLOAT32 });
      }
    }
  }
}

function widened(tensor: Tensor): Tensor {
  return floatTensor(tensor.dims, float32Values(tensor) ?? new Float32Array());
}

/** Constant nodes that may hold a weight become initializers of the same name. */
function promoteConstants(graph: Graph): ReadonlySet<Value> {
  const promoted = new Set<Value>();
  for (const node of [...graph.nodes]) {
    const tensor = constantTensor(node);
    const [output] = node.outputs;
    if (!output || tensor?.type !== 'float32' || !isLarge(tensor)) continue;
    if (graph.outputs.includes(output)) continue;
    const { name } = output;
    const value = graph.addInitializer(graph.freshName(`${name}_constant`), tensor);
    graph.replaceUses(output, value);
    graph.removeNode(node);
    graph.rename(value, name);
    promoted.add(value);
  }
  return promoted;
}

const isCast = passes('type');

/** Casts of a float32 weight to float32. The better name of the two stays. */
function dropCasts(graph: Graph): void {
  for (const node of graph.topologicalOrder()) {
    if (node.op === 'Identity' || !isCast(node)) continue;
    const [source] = node.inputs;
    const [output] = node.outputs;
    if (!output || source?.type !== 'float32' || output.type !== 'float32') continue;
    if (graph.outputs.includes(output)) continue;
    const { name } = output;
    graph.replaceUses(output, source);
    graph.removeNode(node);
    const isBetter = isModuleName(name) && !isModuleName(source.name);
    if (source.initializer && isBetter) graph.rename(source, name);
  }
}

/** Named as a module's parameter, not by an exporter. */
export const isModuleName = (name: string): boolean => /\.(weight|bias|gamma|beta)$/.test(name);
