import { describe, expect, it } from '@jest/globals';
import {
  compileArtifacts,
  compileSummary,
  inferenceModel,
} from '../../../training/artifacts/index.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../training/onnx/model.ts';
import {
  elementCount,
  float16Tensor,
  floatTensor,
  type Tensor,
  tensorOf,
} from '../../../training/onnx/tensor.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import { compileOptions } from '../../support/tiny-distilbert.ts';

const options = { ...compileOptions, head: 'keep', labels: 4 } as const;
const values = (dims: readonly number[]): Float32Array =>
  Float32Array.from({ length: elementCount(dims) }, (_, i) => ((i * 7) % 11) / 8 - 0.5);
const bfloat16Tensor = (dims: readonly number[], floats: Float32Array): Tensor =>
  tensorOf(
    'bfloat16',
    dims,
    Uint16Array.from(new Uint32Array(floats.buffer), (x) => x >>> 16),
  );

/** x [batch, 4] → one product with a weight [4, 4], which `weigh` makes → logits. */
function product(weigh: (b: GraphBuilder, graph: Graph) => Value, type = 'float32'): Model {
  const graph = new Graph('product');
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 4]);
  const inner = type === 'float16' ? b.cast(x, 'float16') : x;
  const y = b.op('MatMul', [inner, weigh(b, graph)], {}, { name: '/encoder/dense/MatMul' });
  const logits = b.cast(y, 'float32');
  graph.rename(logits, 'logits');
  graph.outputs.push(logits);
  return newModel(graph);
}
const weight = (graph: Graph, name: string, tensor: Tensor) => graph.addInitializer(name, tensor);
const trainedOf = (model: Model) =>
  compileArtifacts(model, options).parameters.map(({ name, shape }) => [name, shape]);

const dense = [['encoder.dense.weight', [4, 4]]];
const x = { x: floatTensor([2, 4], Float32Array.of(1, -2, 0.5, 3, -1, 0.25, 2, -0.75)) };

describe('weights of another float type', () => {
  const sixteenths = values([4, 4]);
  it.each([
    ['float16', float16Tensor([4, 4], sixteenths)],
    ['bfloat16', bfloat16Tensor([4, 4], sixteenths)],
    ['float64', tensorOf('float64', [4, 4], Float64Array.from(sixteenths))],
  ])('%s behind a Cast are trained as float32, and the logits stay', async (type, tensor) => {
    const make = () =>
      product((b, graph) => b.cast(weight(graph, 'encoder.dense.weight', tensor), 'float32'));
    const compiled = compileArtifacts(make(), options);
    expect(compiled.parameters.map(({ name, shape }) => [name, shape])).toEqual(dense);
    expect(compiled.initial.get('encoder.dense.weight')).toMatchObject({ type: 'float32' });
    expect(compiled.untrained).toEqual([]);
    expect(compileSummary(compiled)).toEqual([
      `note       weights of 16 elements are ${type}: they are trained, and the graph is computed, in float32`,
    ]);
    const served = inferenceModel(make(), compiled, compiled.initial);
    const [given, found] = await Promise.all(
      [make(), served].map(async ({ graph }) => runSession(await sessionOf(graph), x)),
    );
    expect(found?.logits).toEqual(given?.logits);
  });

  it('behind Cast and Transpose, in either order, are trained', () => {
    const tensor = float16Tensor([4, 4], values([4, 4]));
    const first = product((b, graph) =>
      b.transpose(b.cast(weight(graph, 'encoder.dense.weight', tensor), 'float32'), [1, 0]),
    );
    const last = product((b, graph) =>
      b.cast(b.transpose(weight(graph, 'encoder.dense.weight', tensor), [1, 0]), 'float32'),
    );
    expect([trainedOf(first), trainedOf(last)]).toEqual([dense, dense]);
  });

  it('are named after their module where the exporter made their name up', () => {
    const tensor = float16Tensor([4, 4], values([4, 4]));
    const make = (name: string, cast?: string) =>
      product((b, graph) => {
        const value = b.cast(weight(graph, name, tensor), 'float32');
        if (cast) graph.rename(value, cast);
        return value;
      });
    expect(trainedOf(make('onnx::MatMul_12'))).toEqual(dense);
    expect(trainedOf(make('stored_3', 'a.dense.weight'))).toEqual([['a.dense.weight', [4, 4]]]);
  });

  it('may be those of a graph that computes in float16 throughout', async () => {
    const make = () =>
      product(
        (_, graph) => weight(graph, 'encoder.dense.weight', float16Tensor([4, 4], values([4, 4]))),
        'float16',
      );
    const compiled = compileArtifacts(make(), options);
    expect(compiled.parameters.map(({ name }) => name)).toEqual(['encoder.dense.weight']);
    const types = [...compiled.training.graph.values.values()].map(({ type }) => type);
    expect(types).not.toContain('float16');
    const served = inferenceModel(make(), compiled, compiled.initial);
    const [given, found] = await Promise.all(
      [make(), served].map(async ({ graph }) => runSession(await sessionOf(graph), x)),
    );
    for (const [i, value] of (found?.logits?.values ?? []).entries()) {
      expect(value).toBeCloseTo(given?.logits?.values[i] ?? Number.NaN, 2);
    }
  });
});

describe('weights that constants hide', () => {
  it('are trained where a Constant node holds them', () => {
    const tensor = floatTensor([4, 4], values([4, 4]));
    const model = product((b) =>
      b.op(
        'Constant',
        [],
        { value: { kind: 'tensor', value: tensor } },
        { outputs: ['/w_output_0'] },
      ),
    );
    expect(trainedOf(model)).toEqual(dense);
  });

  it('are trained where they are scaled by constants', () => {
    const model = product((b, graph) =>
      b.mul(weight(graph, 'onnx::Mul_3', floatTensor([4, 4], values([4, 4]))), 0.125),
    );
    expect(trainedOf(model)).toEqual([['onnx::Mul_3', [4, 4]]]);
  });

  it.each([
    [
      'DequantizeLinear',
      (b: GraphBuilder, graph: Graph) => {
        const stored = weight(graph, 'w_q', tensorOf('int8', [4, 4], new Int8Array(16)));
        return b.op('DequantizeLinear', [stored, b.scalar(0.1, 'float32')], {}, { name: 'dq' });
      },
      /quantized: DequantizeLinear "dq"/,
    ],
    [
      'a Cast of integers and a scale',
      (b: GraphBuilder, graph: Graph) => {
        const stored = weight(graph, 'w_q', tensorOf('int8', [4, 4], new Int8Array(16)));
        return b.mul(b.cast(stored, 'float32'), 0.1);
      },
      /quantized: the weight "w_q" holds int8/,
    ],
  ])('are refused by name where they are quantized: %s', (_, weigh, says) => {
    expect(() => compileArtifacts(product(weigh), options)).toThrow(
      expect.objectContaining({ code: 'model_invalid', message: expect.stringMatching(says) }),
    );
  });
});

describe('weights that stay untrained', () => {
  const model = () =>
    product((b, graph) => {
      const own = weight(graph, 'encoder.dense.weight', floatTensor([4, 4], values([4, 4])));
      const table = weight(graph, 'positions', floatTensor([4, 4], values([4, 4])));
      const made = weight(graph, 'onnx::Sub_9', floatTensor([4, 4], values([4, 4])));
      const rounded = b.op('Floor', [table], {}, { name: 'floor' });
      return b.sub(b.add(own, rounded), b.op('Abs', [made], {}, { name: '/abs' }));
    });

  it('are listed with their shapes and reasons, in artifacts.json too', () => {
    const { parameters, untrained, description } = compileArtifacts(model(), options);
    expect(parameters.map(({ name }) => name)).toEqual(['encoder.dense.weight']);
    expect(untrained).toEqual([
      { name: 'positions', shape: [4, 4], reason: expect.stringMatching(/no gradient/) },
      {
        name: 'onnx::Sub_9',
        shape: [4, 4],
        reason: 'it stands where constants do: input 0 of Abs "/abs"',
      },
    ]);
    expect(description).toMatchObject({ untrained });
  });

  it('are listed where they are frozen', () => {
    const frozen = compileArtifacts(model(), { ...options, frozen: ['positions'] });
    expect(frozen.untrained[0]).toMatchObject({
      name: 'positions',
      reason: 'it is frozen, as was asked for',
    });
    expect(compileSummary(frozen)[0]).toMatch(
      /^untrained {2}one weight of 16 elements, as it is frozen.*: positions \[4,4\]$/,
    );
  });
});
