import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../../training/onnx/codec/index.ts';
import { type Dim, formatShape } from '../../training/onnx/dim.ts';
import type { Graph, Value } from '../../training/onnx/graph.ts';

/** Numbers that the symbols of a graph's inputs stand for. */
export type Sizes = Readonly<Record<string, number>>;

export const hasOpaqueDim = (value: Value): boolean =>
  value.shape?.some((dim) => String(dim).includes('?')) ?? true;

const evaluate = (dim: Dim, sizes: Sizes): number =>
  typeof dim === 'number'
    ? dim
    : dim.terms.reduce(
        (sum, { coefficient, symbols }) =>
          sum + symbols.reduce((product, symbol) => product * sizes[symbol]!, coefficient),
        0,
      );

/** A tensor of the input's type and size: small distinct floats, zeros, or the given values. */
function feedFor(input: Value, sizes: Sizes, values: readonly number[] | undefined): Tensor {
  const dims = input.shape!.map((dim) => evaluate(dim, sizes));
  const count = dims.reduce((a, b) => a * b, 1);
  const number = (i: number): number =>
    values ? values[i % values.length]! : input.type === 'float32' ? 0.25 + i / 8 : 0;
  const numbers = Array.from({ length: count }, (_, i) => number(i));
  if (input.type === 'int64') return new Tensor('int64', BigInt64Array.from(numbers, BigInt), dims);
  if (input.type === 'int32') return new Tensor('int32', Int32Array.from(numbers), dims);
  if (input.type === 'bool') return new Tensor('bool', Uint8Array.from(numbers), dims);
  if (input.type === 'uint8') return new Tensor('uint8', Uint8Array.from(numbers), dims);
  if (input.type === 'int8') return new Tensor('int8', Int8Array.from(numbers), dims);
  return new Tensor('float32', Float32Array.from(numbers), dims);
}

function differences(value: Value, actual: Tensor, sizes: Sizes): string[] {
  const found: string[] = [];
  const told = `${value.producer} "${value.name}"`;
  if (value.type !== undefined && value.type !== actual.type) {
    found.push(`${told} is ${actual.type}, inferred ${value.type}`);
  }
  const shape = value.shape;
  const fits =
    shape === undefined ||
    (shape.length === actual.dims.length &&
      shape.every(
        (dim, i) => String(dim).includes('?') || evaluate(dim, sizes) === actual.dims[i],
      ));
  if (!fits) found.push(`${told} is [${actual.dims}], inferred ${formatShape(shape)}`);
  const elements = Array.from(actual.data as Iterable<unknown>, Number);
  value.content?.forEach((dim, i) => {
    const known = dim !== undefined && !String(dim).includes('?');
    if (known && evaluate(dim, sizes) !== elements[i]) {
      found.push(`${told} holds ${elements[i]} at ${i}, inferred ${dim}`);
    }
  });
  return found;
}

/**
 * Runs a graph with every value exposed and lists where types, shapes and contents differ from the
 * inferred ones.
 */
export async function differencesFromRuntime(
  graph: Graph,
  sizesList: readonly Sizes[],
  feeds: Readonly<Record<string, readonly number[] | Tensor>> = {},
): Promise<string[]> {
  const computed = [...graph.values.values()].filter((value) => value.producer !== undefined);
  graph.outputs.push(...computed.filter((value) => !graph.outputs.includes(value)));
  const irVersion = graph.opset > 20 ? 10 : 8;
  const bytes = encodeModel({
    graph,
    irVersion,
    producerName: 'test',
    producerVersion: '',
    metadata: new Map(),
  });
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const found: string[] = [];
  for (const sizes of sizesList) {
    const inputs = graph.inputs.map((input) => {
      const given: readonly number[] | Tensor | undefined = feeds[input.name];
      return [input.name, given && 'dims' in given ? given : feedFor(input, sizes, given)] as const;
    });
    const results = await session.run(Object.fromEntries(inputs));
    for (const value of computed) found.push(...differences(value, results[value.name]!, sizes));
  }
  await session.release();
  return found;
}
