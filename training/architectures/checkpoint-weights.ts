import { AppError } from '../../src/errors.ts';
import { float32Values } from '../onnx/float32-values.ts';
import { floatTensor, type Tensor } from '../onnx/tensor.ts';
import type { WeightSource } from './weights.ts';

/** Tensors of a Hugging Face checkpoint as a graph's parameters. */
export interface CheckpointWeights {
  readonly weights: WeightSource;
  /** The tensor that a parameter is read from. */
  readonly find: (parameter: string) => Tensor | undefined;
  /** Names of the tensors that no parameter was read from. */
  readonly unused: () => string[];
}

/**
 * Parameters by their module names, whether or not the checkpoint's names begin with the model's
 * own prefix (`bert.`), and by LayerNorm's old names gamma and beta. Linear weights, [out, in]
 * there, become [in, out] in place: the tensors' memory must be ours. 16-bit floats become float32.
 *
 * @param source for messages: where the tensors come from
 */
export function checkpointWeights(
  tensors: ReadonlyMap<string, Tensor>,
  prefix: string,
  source: string,
): CheckpointWeights {
  const made = new Map<string, Tensor>();
  const used = new Set<string>();
  const nameOf = (parameter: string) =>
    namesOf(parameter, prefix).find((name) => tensors.has(name));
  const weights: WeightSource = (parameter, shape) => {
    const name = nameOf(parameter);
    const tensor = name === undefined ? undefined : tensors.get(name);
    if (name === undefined || tensor === undefined) {
      throw missing(parameter, { prefix, shape, source, names: [...tensors.keys()] });
    }
    used.add(name);
    const known = made.get(name) ?? asParameter(name, tensor, shape, source);
    made.set(name, known);
    return known;
  };
  return {
    weights,
    find: (parameter) => tensors.get(nameOf(parameter) ?? ''),
    unused: () => [...tensors.keys()].filter((name) => !used.has(name)).sort(),
  };
}

/** What a checkpoint may call a parameter. */
function namesOf(parameter: string, prefix: string): string[] {
  const old = parameter
    .replace(/LayerNorm\.weight$/, 'LayerNorm.gamma')
    .replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
  const short = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  return [parameter, short(parameter), old, short(old)];
}

interface Missing {
  readonly prefix: string;
  /** Of the graph's parameter. */
  readonly shape: readonly number[];
  readonly source: string;
  /** What the checkpoint has. */
  readonly names: readonly string[];
}

function missing(parameter: string, { prefix, shape, source, names }: Missing): AppError {
  const [, short = parameter] = namesOf(parameter, prefix);
  const other = short === parameter ? '' : ` (nor "${short}")`;
  const dims = storedShape(parameter, shape).join(', ');
  const near = names.find((name) => name.endsWith(`.${short}`)) ?? names[0];
  const found = near === undefined ? 'it holds no tensors' : `it has "${near}"`;
  const hint = names.some((name) => /\.lora_[AB]\./.test(name))
    ? 'it is an adapter: merge it into its base model first (merge_and_unload) and save that'
    : 'its config.json describes another model, or the file is incomplete';
  return new AppError(
    'model_invalid',
    `${source} has no tensor "${parameter}"${other}: expected one of [${dims}]; ${found}`,
    { hint },
  );
}

const isLinear = (name: string, shape: readonly number[]): boolean =>
  shape.length === 2 && !name.endsWith('embeddings.weight');

/** A parameter's shape in a checkpoint. */
const storedShape = (name: string, shape: readonly number[]): readonly number[] =>
  isLinear(name, shape) ? [...shape].reverse() : shape;

function asParameter(
  name: string,
  tensor: Tensor,
  shape: readonly number[],
  source: string,
): Tensor {
  const expected = storedShape(name, shape);
  if (tensor.dims.join() !== expected.join()) {
    throw new AppError(
      'model_invalid',
      `${source}: "${name}" is [${tensor.dims.join(', ')}]: expected [${expected.join(', ')}] by config.json`,
    );
  }
  const values = requiredValues(name, tensor, source);
  if (isLinear(name, shape)) transposeInPlace(values, tensor.dims);
  return floatTensor(shape, values);
}

function requiredValues(name: string, tensor: Tensor, source: string): Float32Array {
  const values = float32Values(tensor);
  if (values) return values;
  throw new AppError(
    'model_invalid',
    `${source}: "${name}" holds ${tensor.type}: expected float32, float16 or bfloat16`,
    { hint: 'quantized checkpoints cannot be exported: take the original one' },
  );
}

/**
 * [rows, columns] to [columns, rows], by way of a copy that goes at once. Square pieces suit the
 * cache.
 */
function transposeInPlace(values: Float32Array, [rows = 0, columns = 0]: readonly number[]): void {
  const piece = 32;
  const copy = values.slice();
  for (let r0 = 0; r0 < rows; r0 += piece) {
    for (let c0 = 0; c0 < columns; c0 += piece) {
      const lastRow = Math.min(rows, r0 + piece);
      const lastColumn = Math.min(columns, c0 + piece);
      for (let c = c0; c < lastColumn; c++) {
        for (let r = r0; r < lastRow; r++) values[c * rows + r] = copy[r * columns + c] ?? 0;
      }
    }
  }
}
