import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { nonDifferentiable, operatorKey } from '../autodiff/non-differentiable.ts';
import { passes } from '../graph/facts/passing.ts';
import { quantizedNode } from '../graph/facts/quantized.ts';
import { isLarge } from '../graph/transforms/full-precision.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import { isFloat } from '../onnx/tensor.ts';
import { Budget } from '../onnx/walk.ts';

/** Inputs at which operators read parameters, with the rank that they have there; null: any. */
const places: Readonly<Record<string, readonly (readonly [number, number | null])[]>> = {
  MatMul: [[1, 2]],
  Gemm: [
    [1, 2],
    [2, 1],
  ],
  Gather: [[0, 2]],
  Conv: [
    [1, null],
    [2, 1],
  ],
  LayerNormalization: [
    [1, null],
    [2, null],
  ],
  RMSNormalization: [[1, null]],
  Add: [
    [0, 1],
    [1, 1],
  ],
  Mul: [
    [0, 1],
    [1, 1],
  ],
};

const placesOf = ({ op }: Node) => (Object.hasOwn(places, op) ? places[op] : undefined) ?? [];

/** Operators of which only a product or sum with activations tells of a parameter: positions too are multiplied. */
const besideActivations = new Set(['Add', 'Mul']);

/** A weight may stand behind these, which lay it out in another way. */
const laysOut = passes('type', 'form');

/** A constant is one in whatever order of its axes. */
const laysOutConstants = passes('type', 'form', 'order');

/** … or behind these, where all that they compute with is constant: a scale, a difference. */
const formulas = new Set('Add Sub Mul Div Neg'.split(' '));

/** So many nodes are looked through behind a weight, and before an operand. */
const MOST_LAYOUTS = 64;
const MOST_BEFORE = 64;

/** Where a graph's activations are: what tells a parameter from a constant. */
export class WeightPlaces {
  /** The values that depend on a table of embeddings, a matrix or a normalisation: not those of positions and masks alone. */
  readonly #learnt = new Set<Value>();
  /** What `reads` has found: a value may be reached in many ways. */
  readonly #read = { any: new Map<Value, boolean>(), matrix: new Map<Value, boolean>() };

  constructor(graph: Graph) {
    for (const node of graph.topologicalOrder()) {
      const own = besideActivations.has(node.op) ? [] : placesOf(node);
      const isSource = own.some(([i]) => isFloat(node.inputs[i]?.initializer?.type));
      if (nonDifferentiable.has(operatorKey(node))) continue;
      const follows = node.inputs.some((input) => input && this.#learnt.has(input));
      if (isSource || follows)
        for (const output of node.outputs) if (output) this.#learnt.add(output);
    }
  }

  /** Whether a constant stands where parameters do, perhaps laid out in another way or computed with constants. */
  reads(value: Value, asMatrix = false, depth = 0): boolean {
    if (depth > MOST_LAYOUTS) return false;
    const known = this.#read[asMatrix ? 'matrix' : 'any'];
    const before = known.get(value);
    if (before !== undefined) return before;
    const found = [...value.uses].some(({ node, index }) => {
      const [output] = node.outputs;
      if (node.domain !== '' || !output) return false;
      if (node.op === 'Transpose') return this.reads(output, asMatrix, depth + 1);
      if (laysOut(node) && index === 0) return this.reads(output, true, depth + 1);
      if (formulas.has(node.op) && areConstant(node.inputs))
        return this.reads(output, true, depth + 1);
      const stands = placesOf(node).some(
        ([i, rank]) => i === index && (rank ?? value.shape?.length) === value.shape?.length,
      );
      if (!stands || !besideActivations.has(node.op)) return stands;
      return !asMatrix && this.#besideLearnt(node, value);
    });
    known.set(value, found);
    return found;
  }

  #besideLearnt({ inputs }: Node, own: Value): boolean {
    return inputs.some((input) => input && input !== own && this.#learnt.has(input));
  }
}

/** Whether values are computed from initializers and constants alone, as far as a few nodes before them tell. */
const areConstant = (values: readonly (Value | undefined)[]): boolean => {
  const budget = new Budget(MOST_BEFORE);
  return values.every((value) => isConstant(value, budget));
};

function isConstant(value: Value | undefined, budget: Budget): boolean {
  if (value === undefined || value.initializer) return true;
  const node = value.producer;
  if (node?.domain !== '' || !budget.take()) return false;
  if (node.op === 'Constant') return true;
  const isKnown = laysOutConstants(node) || formulas.has(node.op);
  return isKnown && node.inputs.every((input) => isConstant(input, budget));
}

/**
 * AppError `model_invalid`, naming the node, for a graph with quantized weights: through their rounding flows no gradient,
 * so that they would silently stay as they are.
 */
export function refuseQuantizedWeights(graph: Graph): void {
  const node = quantizedNode(graph);
  const weight = node ? undefined : castIntegers(graph);
  if (!node && !weight) return;
  const what = node
    ? `${node} computes with quantized numbers`
    : `the weight ${nameShown(weight?.name ?? '')} holds ${weight?.initializer?.type}`;
  throw new AppError('model_invalid', `the graph is quantized: ${what}, which cannot be trained`, {
    hint: 'train the float32 model that it was made from; mbti-train quantizes the result itself',
  });
}

/** A matrix of small integers that is cast to floats and then stands as a weight. */
function castIntegers(graph: Graph): Value | undefined {
  const small = graph.initializers.filter(
    ({ initializer }) =>
      initializer && isLarge(initializer) && /int[248]$|^float[468]/.test(initializer.type),
  );
  if (small.length === 0) return undefined;
  const weights = new WeightPlaces(graph);
  return small.find((value) =>
    [...value.uses].some(({ node }) => node.op === 'Cast' && weights.reads(value, true)),
  );
}
