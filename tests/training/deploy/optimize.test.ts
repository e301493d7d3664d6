import { describe, expect, it } from '@jest/globals';
import { optimizeForInference, type PassName, passes } from '../../../training/deploy/optimize.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { decodeModel, encodeModel, readModel } from '../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../training/onnx/model.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import { compareModels } from '../../../training/runtime/agreement.ts';
import { fixturePath } from '../../support/reference-tensors.ts';

const all: readonly PassName[] = passes.map(({ name }) => name);

const counted = ({ graph }: Model, ...operators: readonly string[]): number =>
  [...graph.nodes].filter(({ op }) => operators.includes(op)).length;

const signature = ({ graph }: Model) =>
  [...graph.inputs, ...graph.outputs].map(({ name, type, shape }) => [name, type, String(shape)]);

const norms = ['LayerNormalization', 'SkipLayerNormalization'];
const gelus = ['BiasGelu', 'FastGelu'];

describe('real exports, with every pass', () => {
  // The file, and what its layers, norms and activations have to become.
  it.each([
    ['graphs/distilbert/legacy-op14-eager-head', { attention: 3, norms: 7, gelus: 3 }],
    ['graphs/distilbert/legacy-op17-sdpa-head-nofold', { attention: 3, norms: 7, gelus: 3 }],
    ['graphs/distilbert/legacy-op17-sdpa-head', { attention: 3, norms: 7, gelus: 3 }],
    ['graphs/distilbert/dynamo-op18-sdpa-head-external', { attention: 3, norms: 7, gelus: 3 }],
    ['graphs/bert/legacy-op17-sdpa-head', { attention: 2, norms: 5, gelus: 2 }],
    ['families/albert-dynamo-op18-sdpa', { attention: 2, norms: 5, gelus: 2 }],
    ['families/albert-legacy-op17-sdpa', { attention: 2, norms: 5, gelus: 2 }],
    ['families/distilbert-legacy-op13-eager', { attention: 2, norms: 5, gelus: 2 }],
    ['families/mpnet-dynamo-op18-eager', { attention: 2, norms: 5, gelus: 2 }],
    // Its Attention operator keeps the last layer's rows together.
    ['families/distilbert-dynamo-op23-sdpa', { attention: 1, norms: 5, gelus: 2 }],
    // Disentangled attention is another formula.
    ['families/deberta-legacy-op17-eager', { attention: 0, norms: 5, gelus: 2 }],
  ])('keep their outputs: %s', async (name, expected) => {
    const given = await readModel(fixturePath(`${name}.onnx`));
    const { model } = optimizeForInference(given, { passes: all });
    expect({
      attention: counted(model, 'MultiHeadAttention'),
      norms: counted(model, ...norms),
      gelus: counted(model, ...gelus),
    }).toEqual(expected);
    expect(signature(model)).toEqual(signature(given));
    const { difference } = await compareModels(given, model, new Random(7, name));
    expect(difference).toBeLessThan(1e-5);
  });
});

const overX = (build: (b: GraphBuilder, x: Value) => Value): Model => {
  const graph = new Graph('over x', { opset: 17 });
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 4, 8]);
  graph.outputs.push(build(new GraphBuilder(graph), x));
  return newModel(graph);
};

/** A LayerNormalization written out, behind an operator that nothing is known of. */
const normalizedBehindPool = (): Model =>
  overX((b, x) => {
    const weight = (name: string) =>
      b.graph.addInitializer(name, floatTensor([8], new Float32Array(8).fill(0.5)));
    const pooled = b.op('AveragePool', [x], { kernel_shape: [1] });
    const centred = b.op('Sub', [pooled, b.op('ReduceMean', [pooled], { axes: [-1] })]);
    const square = b.op('Pow', [centred, b.scalar(2, 'float32')]);
    const variance = b.op('ReduceMean', [square], { axes: [-1] });
    const deviation = b.op('Sqrt', [b.op('Add', [variance, b.scalar(1e-5, 'float32')])]);
    const scaled = b.op('Mul', [b.op('Div', [centred, deviation]), weight('gamma')]);
    return b.op('Add', [scaled, weight('beta')]);
  });

/** A Slice, one of whose dimensions the exporter has made up a symbol for. */
const wholeSlice = (): Model =>
  overX((b, x) => {
    const all = [b.ints([0]), b.ints([2 ** 31]), b.ints([0])];
    const y = b.op('Slice', [b.op('Relu', [x]), ...all]);
    return Object.assign(y, { shape: [symbolicDim('Slice_dim_0'), 4, 8] });
  });

describe('optimizeForInference', () => {
  const read = () => readModel(fixturePath('graphs/distilbert/legacy-op14-eager-head.onnx'));

  it.each([
    ['an operator that it does not know', normalizedBehindPool, 'AveragePool LayerNormalization'],
    ['a symbol of an output that says nothing', wholeSlice, 'Relu Slice'],
  ])('takes %s', async (_, build, operators) => {
    const given = decodeModel(encodeModel(build()));
    const { model } = optimizeForInference(given);
    expect([...model.graph.nodes].map(({ op }) => op).join(' ')).toBe(operators);
    const { difference } = await compareModels(given, model, new Random(3, 'foreign'));
    expect(difference).toBeLessThan(1e-5);
  });

  it('leaves patterns alone that stand behind an operator of which nothing is known', () => {
    const graph = new Graph('unknown', { opset: 17 });
    graph.opsets.set('org.example', 1);
    const b = new GraphBuilder(graph);
    const x = b.op(
      'Mystery',
      [graph.addInput('x', 'float32', [symbolicDim('batch'), 8])],
      {},
      {
        domain: 'org.example',
      },
    );
    const erf = b.op('Erf', [b.op('Div', [x, b.scalar(Math.SQRT2, 'float32')])]);
    const raised = b.op('Add', [erf, b.scalar(1, 'float32')]);
    const half = b.op('Mul', [b.op('Mul', [x, raised]), b.scalar(0.5, 'float32')]);
    graph.outputs.push(half);
    const { model } = optimizeForInference(newModel(graph), { passes: all });
    expect(counted(model, 'Erf')).toBe(1);
  });

  it('uses operators of the default domain alone unless asked otherwise', async () => {
    const { model } = optimizeForInference(await read());
    expect([...model.graph.nodes].filter(({ domain }) => domain !== '')).toEqual([]);
    expect(counted(model, 'LayerNormalization')).toBe(7);
  });

  it('leaves the given model alone', async () => {
    const given = await read();
    const before = encodeModel(given);
    optimizeForInference(given, { passes: all });
    expect(Buffer.compare(encodeModel(given), before)).toBe(0);
  });

  it('reports what every pass did', async () => {
    const { passes: reports, model } = optimizeForInference(await read(), {
      passes: ['attention', 'layer-norm'],
    });
    expect(reports.slice(1).map(({ name, matches }) => [name, matches])).toEqual([
      ['layer-norm', 7],
      ['attention', 3],
    ]);
    expect(reports.at(-1)?.nodesAfter).toBe(model.graph.nodes.size);
  });

  it.each([
    ['quantized', { op: 'MatMulInteger', domain: '' }, /already quantized: it has 1 MatMulInteger/],
    ['fused', { op: 'BiasGelu', domain: 'com.microsoft' }, /already optimized: it has 1 BiasGelu/],
  ])('refuses a model that is %s already, saying what it found', (_, { op, domain }, message) => {
    const graph = new Graph('done', { opset: 17 });
    const x = graph.addInput('x', 'float32', [2, 2]);
    graph.outputs.push(new GraphBuilder(graph).op(op, [x, x], {}, { domain }));
    expect(() => optimizeForInference(newModel(graph))).toThrow(message);
  });

  it.each([12, 27])('refuses operator set %i', (opset) => {
    expect(() => optimizeForInference(newModel(new Graph('other', { opset })))).toThrow(
      `operator set ${opset}`,
    );
  });

  it('passes operators through that it does not know', () => {
    const graph = new Graph('foreign', { opset: 17 });
    graph.opsets.set('their.domain', 3);
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [symbolicDim('n'), 4]);
    const y = b.op('Theirs', [b.identity(x)], { level: 3 }, { domain: 'their.domain' });
    graph.outputs.push(y);
    const { model } = optimizeForInference(newModel(graph), { passes: all });
    const [node, ...more] = model.graph.nodes;
    expect([node?.op, node?.domain, node?.int('level'), more.length]).toEqual([
      'Theirs',
      'their.domain',
      3,
      0,
    ]);
    expect(node?.inputs[0]).toBe(model.graph.inputs[0]);
  });

  it('takes a graph that does not declare the form of its output', async () => {
    const given = await read();
    for (const output of given.graph.outputs) output.shape = undefined;
    const { model } = optimizeForInference(given, { passes: all });
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(['logits']);
    expect((await compareModels(given, model, new Random(8, 'form'))).difference).toBeLessThan(
      1e-5,
    );
  });
});
