import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { optimizeForInference } from '../../../../training/deploy/optimize.ts';
import { quantizeModel } from '../../../../training/deploy/quantize/quantize-model.ts';
import { describeMisplaced, misplaced } from '../../../../training/inspect/placement.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { encodeModel, readModel } from '../../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../../training/onnx/model.ts';
import { inferGraph } from '../../../../training/onnx/shapes/infer.ts';
import { floatTensor, intTensor } from '../../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../../training/onnx/verify.ts';
import { fixturePath, maxDifference } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';
import { tinyBert } from '../../../support/tiny-bert.ts';
import { tinyDistilbert } from '../../../support/tiny-distilbert.ts';

const exported = ['bert', 'distilbert', 'distilbert-fresh'].flatMap((folder) =>
  readdirSync(fixturePath(`graphs/${folder}`))
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => `${folder}/${name}`),
);

const half = (model: Model) => quantizeModel(model, { scheme: 'fp16' }).model;

/** The second text ends in padding. */
const ids = Array.from({ length: 24 }, (_, i) => (i < 20 ? 1 + ((i * 37) % 19) : 0));
const feeds = {
  input_ids: intTensor([2, 12], ids),
  attention_mask: intTensor(
    [2, 12],
    ids.map((id) => (id === 0 ? 0 : 1)),
  ),
  token_type_ids: intTensor([2, 12], Array(24).fill(0)),
};

async function run({ graph }: Model) {
  const given = graph.inputs.map(({ name }) => [name, feeds[name as keyof typeof feeds]]);
  return runSession(await sessionOf(graph), Object.fromEntries(given));
}

const portsOf = ({ graph: { inputs, outputs } }: Model) =>
  [...inputs, ...outputs].map(({ name, type, shape }) => ({
    name,
    type,
    shape: shape?.map(String),
  }));

const withoutCuda = ({ graph }: Model): string[] => {
  inferGraph(graph);
  return misplaced(graph, 'cuda').map(describeMisplaced);
};

describe('a model in float16', () => {
  it.each(exported)('answers as in fp32, takes and gives the same: %s', async (name) => {
    const model = await readModel(fixturePath(`graphs/${name}`));
    inferGraph(model.graph);
    const small = half(model);
    expect(portsOf(small)).toEqual(portsOf(model));
    expect(problemsOf(small.graph)).toEqual(problemsOf(model.graph));
    const [before, after] = [await run(model), await run(small)];
    for (const [output, { values }] of Object.entries(before)) {
      const scale = Math.max(...values.map(Math.abs));
      const difference = maxDifference(after[output]!.values, values);
      // One rounding is 2⁻¹¹ of a number; some tens lie between ids and logits, and add up like their root: 5e-4 · √100.
      expect(difference / scale).toBeLessThan(5e-3);
      expect(difference).toBeGreaterThan(0);
    }
  });

  it.each(exported)('has a CUDA kernel for every operator and type: %s', async (name) => {
    const model = await readModel(fixturePath(`graphs/${name}`));
    expect(withoutCuda(half(model))).toEqual([]);
  });

  it('has so for graphs of our own, made ready to serve', () => {
    for (const model of [tinyBert(2), tinyDistilbert()]) {
      expect(withoutCuda(half(optimizeForInference(model).model))).toEqual([]);
    }
  });

  it('holds every matrix of a layer in float16, once, behind Transpose too', async () => {
    const model = await readModel(
      fixturePath('graphs/distilbert/legacy-op17-sdpa-head-nofold.onnx'),
    );
    const small = half(model);
    const matrices = small.graph.initializers.filter(({ initializer }) => {
      return initializer?.dims.length === 2 && initializer.dims.every((dim) => dim > 2);
    });
    expect(new Set(matrices.map(({ type }) => type))).toEqual(new Set(['float16']));
    const casts = [...small.graph.nodes].filter(({ op }) => op === 'Cast');
    expect(casts.filter(({ inputs }) => inputs[0]?.initializer)).toEqual([]);
    // The graph itself is a part of so small a file.
    expect(encodeModel(small).length / encodeModel(model).length).toBeLessThan(0.6);
  });

  /** y = (x·w)·v, w and v [4, 4]. */
  function twoProducts(largest: number): Model {
    const graph = new Graph('g', { opset: 17 });
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [symbolicDim('n'), 4]);
    const matrix = (name: string, most: number): Value => {
      const values = Float32Array.from({ length: 16 }, (_, i) => (i === 5 ? most : i / 16));
      return graph.addInitializer(name, floatTensor([4, 4], values));
    };
    const y = b.matMul(b.matMul(x, matrix('w', largest)), matrix('v', 1));
    graph.rename(y, 'y');
    graph.outputs.push(y);
    return newModel(graph);
  }

  it('computes in float32 what its numbers are too large for, and says so', async () => {
    const model = twoProducts(1e6);
    const { model: small, kept, layers } = quantizeModel(model, { scheme: 'fp16' });
    expect({ kept, layers: layers.map(({ name }) => name) }).toEqual({
      kept: ['w'],
      layers: ['v'],
    });
    const types = small.graph.topologicalOrder().filter(({ op }) => op === 'MatMul');
    expect(types.map(({ outputs }) => outputs[0]?.type)).toEqual(['float32', 'float16']);
  });

  it('computes a product in float32 whose bias is too large', async () => {
    const graph = new Graph('g', { opset: 17 });
    const x = graph.addInput('x', 'float32', [symbolicDim('n'), 2]);
    const w = graph.addInitializer('w', floatTensor([2, 2], Float32Array.of(1, 0, 0, 1)));
    const c = graph.addInitializer('c', floatTensor([2], Float32Array.of(1e6, -1e6)));
    graph.outputs.push(new GraphBuilder(graph).op('Gemm', [x, w, c], {}, { outputs: ['y'] }));
    const small = half(newModel(graph));
    const { y } = await runSession(await sessionOf(small.graph), {
      x: floatTensor([1, 2], Float32Array.of(1, 2)),
    });
    expect(y?.values).toEqual([1000001, -999998]);
  });

  it('keeps layers in float32 that it is told to', () => {
    const { model, kept } = quantizeModel(twoProducts(1), {
      scheme: 'fp16',
      keep: (name) => name === 'v',
    });
    expect(kept).toEqual(['v']);
    const v = model.graph.initializers.find(({ name }) => name === 'v');
    expect(v?.type).toBe('float32');
  });
});
