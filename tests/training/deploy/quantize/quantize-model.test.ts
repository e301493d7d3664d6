import { describe, expect, it } from '@jest/globals';
import { quantizeModel } from '../../../../training/deploy/quantize/quantize-model.ts';
import { float } from '../../../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { encodeModel, readModel } from '../../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../../training/onnx/model.ts';
import {
  elementsOf,
  floatTensor,
  intTensor,
  type Tensor,
  tensorOf,
} from '../../../../training/onnx/tensor.ts';
import { Random } from '../../../../training/random.ts';
import { fixturePath, maxDifference } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';

const random = new Random(8, 'quantize');
const normal = (...dims: number[]): Tensor =>
  floatTensor(
    dims,
    Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => random.normal()),
  );

/** A model of one graph: x [rows, 32] and ids [rows] in, `y` out. */
function modelOf(build: (b: GraphBuilder, x: Value, ids: Value) => Value, opset = 17): Model {
  const graph = new Graph('test', { opset });
  const rows = symbolicDim('rows');
  const x = graph.addInput('x', 'float32', [rows, 32]);
  const ids = graph.addInput('ids', 'int64', [rows]);
  const y = build(new GraphBuilder(graph), x, ids);
  graph.rename(y, 'y');
  graph.outputs.push(y);
  return newModel(graph);
}

const feeds = { x: normal(7, 32), ids: intTensor([7], [0, 3, 19, 19, 5, 1, 2]) };

async function outputOf(model: Model) {
  const session = await sessionOf(model.graph);
  const known = Object.entries(feeds).filter(([name]) => session.inputNames.includes(name));
  const { y } = await runSession(session, Object.fromEntries(known));
  return y!;
}

const weight = (b: GraphBuilder, name: string, ...dims: number[]): Value =>
  b.graph.addInitializer(name, normal(...dims));

const count = ({ graph }: Model, op: string): number =>
  [...graph.nodes].filter((node) => node.op === op).length;

const forms: Readonly<Record<string, Parameters<typeof modelOf>[0]>> = {
  'MatMul with a bias first': (b, x) =>
    b.add(weight(b, 'bias', 24), b.matMul(x, weight(b, 'w', 32, 24))),
  'MatMul behind Transpose and Identity': (b, x) =>
    b.matMul(x, b.transpose(b.identity(weight(b, 'w', 24, 32)), [1, 0])),
  'Gemm with a transposed weight, alpha and beta': (b, x) =>
    b.op('Gemm', [x, weight(b, 'w', 24, 32), weight(b, 'c', 24)], {
      transB: 1,
      alpha: float(0.5),
      beta: float(-2),
    }),
  'Gemm without an addend': (b, x) => b.op('Gemm', [x, weight(b, 'w', 32, 24)]),
  'rows of a table': (b, _x, ids) => b.op('Gather', [weight(b, 'w', 20, 24), ids], { axis: 0 }),
  'the first rows of a table': (b) =>
    b.op('Slice', [weight(b, 'w', 20, 24), b.ints([0]), b.ints([5]), b.ints([0])]),
};

describe('quantizeModel', () => {
  it.each(Object.entries(forms))('rounds %s', async (_name, build) => {
    const model = modelOf(build);
    const { model: small, layers } = quantizeModel(model);
    expect(layers.length).toBe(1);
    expect(small.graph.initializers.filter(({ name }) => name === 'w')).toEqual([]);
    const [before, after] = [await outputOf(model), await outputOf(small)];
    expect(after.dims).toEqual(before.dims);
    // Products of 32 standard normals with steps of about 0.03 and 0.04: the noise has deviation 0.12.
    expect(maxDifference(after.values, before.values)).toBeLessThan(0.6);
    expect(maxDifference(after.values, before.values)).toBeGreaterThan(0);
  });

  it.each(Object.entries(forms))(
    'stores %s in 8 bits and computes in floats',
    async (_n, build) => {
      const model = modelOf(build);
      const { model: small } = quantizeModel(model, { storeOnly: () => true });
      expect(count(small, 'MatMulInteger')).toBe(0);
      const [before, after] = [await outputOf(model), await outputOf(small)];
      expect(maxDifference(after.values, before.values)).toBeLessThan(0.3);
      expect(small.graph.initializers.some(({ type }) => type === 'int8')).toBe(true);
    },
  );

  it('rounds an input that several products read once', () => {
    const model = modelOf((b, x) =>
      b.add(b.matMul(x, weight(b, 'q', 32, 8)), b.matMul(x, weight(b, 'k', 32, 8))),
    );
    const { model: small } = quantizeModel(model);
    expect([count(small, 'DynamicQuantizeLinear'), count(small, 'MatMulInteger')]).toEqual([1, 2]);
  });

  it('holds a weight that several products share once', () => {
    const model = modelOf((b, x) => {
      const w = weight(b, 'w', 32, 32);
      return b.matMul(b.matMul(x, w), b.identity(w));
    });
    const { graph } = quantizeModel(model).model;
    expect(graph.initializers.filter(({ type }) => type === 'int8').length).toBe(1);
  });

  it('keeps every weight of a product within ±64, so that pairs of products fit 16 bits', () => {
    const model = modelOf((b, x) => b.matMul(x, weight(b, 'w', 32, 16)));
    const { graph } = quantizeModel(model).model;
    const found = graph.initializers.filter(({ type }) => type === 'int8');
    const values = found.flatMap(({ initializer }) => Array.from(elementsOf(initializer!), Number));
    expect(Math.max(...values.map(Math.abs))).toBe(64);
    expect(2 * 255 * 64).toBeLessThan(2 ** 15);
  });

  it('gives zeros for a column of zeros', async () => {
    const model = modelOf((b, x) => {
      const zeros = floatTensor([32, 2], new Float32Array(64));
      return b.matMul(x, b.graph.addInitializer('w', zeros));
    });
    expect((await outputOf(quantizeModel(model).model)).values).toEqual(Array(14).fill(0));
  });

  it('leaves computed operands, other types and kept layers alone', () => {
    const model = modelOf((b, x) => {
      const kept = b.matMul(x, weight(b, 'kept', 32, 32));
      const rounded = b.matMul(kept, weight(b, 'w', 32, 32));
      return b.matMul(rounded, b.transposeLast(rounded));
    });
    const {
      model: small,
      layers,
      kept,
    } = quantizeModel(model, { keep: (name) => name === 'kept' });
    expect({ layers: layers.map(({ name }) => name), kept }).toEqual({
      layers: ['w'],
      kept: ['kept'],
    });
    expect(count(small, 'MatMul')).toBe(2);
  });

  it('leaves the given model as it was', () => {
    const model = modelOf(forms['MatMul with a bias first']!);
    const before = encodeModel(model);
    quantizeModel(model);
    expect(encodeModel(model)).toEqual(before);
  });

  const refused: readonly [string, () => Model, RegExp][] = [
    [
      'a quantized model',
      () => quantizeModel(modelOf(forms['Gemm without an addend']!)).model,
      /quantized already: it holds DynamicQuantizeLinear/,
    ],
    ['a graph without weights', () => modelOf((b, x) => b.mul(x, x)), /nothing to quantize/],
    ['an opset too new', () => modelOf((b, x) => b.matMul(x, weight(b, 'w', 32, 4)), 99), /set 99/],
    [
      'a weight that is not finite',
      () =>
        modelOf((b, x) => {
          const w = tensorOf('float32', [32, 1], new Float32Array(32).fill(Number.NaN));
          return b.matMul(x, b.graph.addInitializer('w', w));
        }),
      /"w" holds numbers that are not finite/,
    ],
  ];

  it.each(refused)('refuses %s by name', (_name, make, says) => {
    const model = make();
    expect(() => quantizeModel(model)).toThrow(
      expect.objectContaining({ code: 'model_invalid', message: expect.stringMatching(says) }),
    );
  });
});

const graphs = [
  'distilbert/legacy-op14-eager-head',
  'distilbert/legacy-op17-sdpa-head',
  'distilbert/legacy-op17-sdpa-head-nofold',
  'distilbert/dynamo-op18-sdpa-head-external',
  'distilbert/dynamo-op20-sdpa-base',
  'bert/legacy-op17-sdpa-head',
  'distilbert-fresh/legacy-op17-sdpa-head',
];

describe('a foreign export in int8', () => {
  it.each(graphs)('%s answers as in fp32', async (name) => {
    const model = await readModel(fixturePath(`graphs/${name}.onnx`));
    const { model: small, layers } = quantizeModel(model);
    expect(layers.length).toBeGreaterThan(6);
    const ids = Array.from({ length: 24 }, (_, i) => (i < 20 ? 1 + random.int(90) : 0));
    const mask = ids.map((id) => (id === 0 ? 0 : 1));
    const all: Record<string, Tensor> = {
      input_ids: intTensor([2, 12], ids),
      attention_mask: intTensor([2, 12], mask),
      token_type_ids: intTensor([2, 12], Array(24).fill(0)),
    };
    const given = model.graph.inputs.map(({ name: input }) => [input, all[input]!] as const);
    const run = async ({ graph }: Model) =>
      Object.values(await runSession(await sessionOf(graph), Object.fromEntries(given)))[0]!;
    const [before, after] = [await run(model), await run(small)];
    const scale = Math.max(...before.values.map(Math.abs));
    expect(after.dims).toEqual(before.dims);
    // Random weights, two or three layers: 2 % is what rounding comes to; a wrong scale or row is far above 10 %.
    expect(maxDifference(after.values, before.values) / scale).toBeLessThan(0.1);
  });
});
