import type { Value } from '../../onnx/graph.ts';
import type { Tensor } from '../../onnx/tensor.ts';
import { givenTensor } from './constants.ts';
import { passes } from './passing.ts';

/** A float32 matrix that is known when the graph is written. */
export interface ConstantMatrix {
  readonly tensor: Tensor;
  /** Whether the graph reads it with rows and columns exchanged. */
  readonly transposed: boolean;
  /** The value that holds it: the same for every reader of a shared weight. */
  readonly source: Value;
}

const laysOut = passes('order');

/** So many nodes are looked through. */
const MOST_PASSED = 32;

/**
 * The matrix behind a value: an initializer or a Constant, also through the Identity and Transpose nodes
 * that exporters leave before weights. undefined for whatever is computed, of another rank or of another type.
 */
export function constantMatrix(value: Value | undefined): ConstantMatrix | undefined {
  let source = value;
  let transposed = false;
  // Chains of them would be walked again for each of their readers.
  for (let passed = 0; source?.producer && passed < MOST_PASSED; passed++) {
    if (!laysOut(source.producer)) break;
    if (source.producer.op === 'Transpose') {
      const perm = source.producer.ints('perm');
      if (perm !== undefined && perm.length !== 2) return undefined;
      if (perm === undefined || perm[0] === 1) transposed = !transposed;
    }
    [source] = source.producer.inputs;
  }
  if (source === undefined) return undefined;
  const tensor = givenTensor(source);
  if (tensor?.type !== 'float32' || tensor.dims.length !== 2) return undefined;
  return tensor.dims.includes(0) ? undefined : { tensor, transposed, source };
}
