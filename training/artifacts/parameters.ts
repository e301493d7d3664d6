import { AppError } from '../../src/errors.ts';
import { nonDifferentiable, operatorKey } from '../autodiff/non-differentiable.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import { elementCount, isFloat } from '../onnx/tensor.ts';
import { parametersMeant } from './freeze.ts';
import { isMadeUp } from './module-names.ts';
import type { CompileOptions } from './options.ts';
import type { PreparedModel } from './prepare.ts';

/** Inputs at which operators read parameters, with the rank that they have there; null: any. */
const parameterInputs: Readonly<Record<string, readonly (readonly [number, number | null])[]>> = {
  MatMul: [[1, 2]],
  Gemm: [
    [1, 2],
    [2, 1],
  ],
  Gather: [[0, 2]],
  LayerNormalization: [
    [1, null],
    [2, null],
  ],
  Add: [
    [0, 1],
    [1, 1],
  ],
  Mul: [
    [0, 1],
    [1, 1],
  ],
};

/** Whether an initializer stands where parameters do, perhaps behind a Transpose. */
function isReadAsParameter(value: Value, learnt: ReadonlySet<Value>): boolean {
  return [...value.uses].some(({ node, index }) => {
    const [turned] = node.outputs;
    if (node.op === 'Transpose' && turned) return isReadAsParameter(turned, learnt);
    const places = parameterInputs[node.op] ?? [];
    const stands = places.some(
      ([i, rank]) => i === index && (rank ?? value.shape?.length) === value.shape?.length,
    );
    return stands && (!besideActivations.has(node.op) || readsLearnt(node, value, learnt));
  });
}

/** Operators of which only a product or sum with activations tells of a parameter: positions too are multiplied. */
const besideActivations = new Set(['Add', 'Mul']);

const readsLearnt = ({ inputs }: Node, own: Value, learnt: ReadonlySet<Value>): boolean =>
  inputs.some((input) => input && input !== own && learnt.has(input));

/** The values that depend on a table of embeddings, a matrix or a normalisation: not those of positions and masks alone. */
function learntValues(graph: Graph): Set<Value> {
  const learnt = new Set<Value>();
  for (const node of graph.topologicalOrder()) {
    const places = besideActivations.has(node.op) ? [] : (parameterInputs[node.op] ?? []);
    const isSource = places.some(([i]) => isFloat(node.inputs[i]?.initializer?.type));
    if (nonDifferentiable.has(operatorKey(node))) continue;
    const follows = node.inputs.some((input) => input && learnt.has(input));
    if (isSource || follows) for (const output of node.outputs) if (output) learnt.add(output);
  }
  return learnt;
}

/** Frequencies of rotary positions: a buffer of its module, computed and never trained. */
const isBuffer = /(^|[._])inv_freq$/;

/**
 * The float32 initializers that may be parameters. One number is a constant (a scale, an epsilon), unless
 * it is named as a module's bias or weight; and so is what an exporter computed beforehand: it has a name
 * that was made up, and does not stand where parameters do.
 */
export function candidates({ model, headParameters }: PreparedModel): Value[] {
  const learnt = learntValues(model.graph);
  return model.graph.initializers.filter((value) => {
    if (value.initializer?.type !== 'float32') return false;
    if (headParameters.includes(value)) return true;
    if (isMadeUp(value.name) && !isReadAsParameter(value, learnt)) return false;
    if (isBuffer.test(value.name)) return false;
    const count = elementCount(value.initializer.dims);
    return count > 1 || (count === 1 && /\.(weight|bias)$/.test(value.name));
  });
}

/** The candidates that the options train. AppError `config_invalid` for a pattern that matches nothing. */
export function selected(
  values: readonly Value[],
  { trainable, frozen }: Pick<CompileOptions, 'trainable' | 'frozen'>,
): Value[] {
  const names = values.map(({ name }) => name);
  const meant = (entries: readonly string[], option: string): Set<string> =>
    new Set(entries.flatMap((entry) => parametersMeant(entry, names, option)));
  const isTrainable = trainable ? meant(trainable, 'trainable') : new Set(names);
  const isFrozen = meant(frozen ?? [], 'freeze');
  const kept = values.filter(({ name }) => isTrainable.has(name) && !isFrozen.has(name));
  if (kept.length === 0) {
    throw new AppError(
      'config_invalid',
      `none of the graph's ${values.length} parameters is to be trained`,
      { hint: 'a base needs float32 weights, and not all of them may be frozen' },
    );
  }
  return kept;
}
