import { AppError } from '../../src/errors.ts';
import type { Value } from '../onnx/graph.ts';
import { elementCount } from '../onnx/tensor.ts';
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
function isReadAsParameter(value: Value): boolean {
  return [...value.uses].some(({ node, index }) => {
    const [turned] = node.outputs;
    if (node.op === 'Transpose' && turned) return isReadAsParameter(turned);
    const places = parameterInputs[node.op] ?? [];
    return places.some(
      ([i, rank]) => i === index && (rank ?? value.shape?.length) === value.shape?.length,
    );
  });
}

/** Frequencies of rotary positions: a buffer of its module, computed and never trained. */
const isBuffer = /(^|[._])inv_freq$/;

/**
 * The float32 initializers that may be parameters. One number is a constant (a scale, an epsilon), unless
 * it is named as a module's bias or weight; and so is what an exporter computed beforehand: it has a name
 * that was made up, and does not stand where parameters do.
 */
export function candidates({ model, headParameters }: PreparedModel): Value[] {
  return model.graph.initializers.filter((value) => {
    if (value.initializer?.type !== 'float32') return false;
    if (headParameters.includes(value)) return true;
    if (isMadeUp(value.name) && !isReadAsParameter(value)) return false;
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
