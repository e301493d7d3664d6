import { AppError } from '../../src/errors.ts';
import { isLarge, isModuleName } from '../graph/transforms/full-precision.ts';
import { isMadeUp } from '../graph/transforms/module-names.ts';
import type { Value } from '../onnx/graph.ts';
import { limits } from '../onnx/limits.ts';
import { type DataType, elementCount, isFloat } from '../onnx/tensor.ts';
import { parametersMeant } from './freeze.ts';
import type { CompileOptions } from './options.ts';
import type { PreparedModel } from './prepare.ts';
import { WeightPlaces } from './weight-places.ts';

/** Frequencies of rotary positions: a buffer of its module, computed and never trained. */
const isBuffer = /(^|[._])inv_freq$/;

/** An initializer of a prepared graph, and why it is no parameter; undefined: it may be one. */
export interface Weight {
  readonly value: Value;
  readonly shape: readonly number[];
  readonly reason: string | undefined;
}

/**
 * The initializers of floats, and which of them may be parameters: those of float32. One number is a constant (a scale, an
 * epsilon), unless it is named as a module's bias or weight; and so is what an exporter computed beforehand: it has a name
 * that was made up, and does not stand where parameters do.
 */
export function weightsOf({ model, headParameters, constants }: PreparedModel): Weight[] {
  const places = new WeightPlaces(model.graph);
  const reasonOf = (value: Value, type: DataType): string | undefined => {
    if (headParameters.includes(value)) return undefined;
    if (type !== 'float32') return `it is ${type}: only float32 is trained`;
    if (isBuffer.test(value.name)) return 'it is a buffer: frequencies of positions';
    const mayBeConstant =
      isMadeUp(value.name) || (constants.has(value) && !isModuleName(value.name));
    if (!mayBeConstant || places.reads(value)) return undefined;
    return `it stands where constants do: ${placeOf(value)}`;
  };
  return model.graph.initializers.flatMap((value) => {
    const { type, dims } = value.initializer ?? { type: 'bool', dims: [] };
    const count = elementCount(dims);
    const isNamed = /\.(weight|bias)$/.test(value.name) || headParameters.includes(value);
    if (!isFloat(type) || count < 1 || (count === 1 && !isNamed)) return [];
    return [{ value, shape: dims, reason: reasonOf(value, type) }];
  });
}

function placeOf(value: Value): string {
  const [use] = value.uses;
  return use ? `input ${use.index} of ${use.node}` : 'nothing reads it';
}

export const candidates = (weights: readonly Weight[]): Value[] =>
  weights.flatMap(({ value, reason }) => (reason === undefined ? [value] : []));

/** What looks like a weight, but is not trained. */
export interface Untrained {
  readonly name: string;
  readonly shape: readonly number[];
  readonly reason: string;
}

/**
 * The weights that stay as they are, and why: every float initializer that is large enough for one and is not trained.
 *
 * @param wanted the parameters that the options train
 * @param trained those of them that have a gradient
 */
export function untrainedWeights(
  weights: readonly Weight[],
  wanted: readonly string[],
  trained: ReadonlySet<string>,
): Untrained[] {
  return weights.flatMap(({ value: { name }, shape, reason }) => {
    if (trained.has(name) || (reason !== undefined && !isLarge({ dims: shape }))) return [];
    const why = reason ?? (wanted.includes(name) ? NO_GRADIENT : FROZEN);
    return [{ name, shape, reason: why }];
  });
}

const FROZEN = 'it is frozen, as was asked for';
const NO_GRADIENT = 'the loss depends on it only through operators that have no gradient';

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
  if (kept.length > limits.parameters) {
    throw new AppError(
      'config_invalid',
      `${kept.length} parameters are to be trained: at most ${limits.parameters} can be`,
      { hint: 'freeze some of them' },
    );
  }
  if (kept.length === 0) {
    throw new AppError(
      'config_invalid',
      `none of the graph's ${values.length} parameters is to be trained`,
      { hint: 'a base needs float32 weights, and not all of them may be frozen' },
    );
  }
  return kept;
}
