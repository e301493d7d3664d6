import { readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type CompiledArtifacts, compileArtifacts } from '../../../../training/artifacts/index.ts';
import { toHalf } from '../../../../training/graph/transforms/half.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { readModel } from '../../../../training/onnx/codec/index.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { floatTensor, scalarTensor, type Tensor } from '../../../../training/onnx/tensor.ts';
import { verify } from '../../../../training/onnx/verify.ts';
import { Random } from '../../../../training/random.ts';
import { fixturePath, readReference, under } from '../../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../../support/run-graph.ts';
import {
  batchTensors,
  compileOptions,
  compileTiny,
  toyBatch,
} from '../../../support/tiny-distilbert.ts';

type Feeds = Readonly<Record<string, Tensor>>;
type Results = Awaited<ReturnType<typeof runSession>>;

const toy = batchTensors(toyBatch(new Random(1), 8));

/** What the training graph gives for a batch, float16 with this loss scale. */
async function run(compiled: CompiledArtifacts, batch: Feeds, scale = 65536): Promise<Results> {
  const half = compiled.options.precision === 'fp16';
  return runSession(await sessionOf(compiled.training.graph), {
    ...batch,
    ...Object.fromEntries(compiled.initial),
    ...(half ? { loss_scale: scalarTensor('float32', scale) } : {}),
  });
}

const norm = (values: readonly number[], minus?: readonly number[]): number =>
  Math.hypot(...values.map((x, i) => x - (minus?.[i] ?? 0)));

/**
 * One rounding to float16 is 2⁻¹¹ of a number. Between the loss and a parameter of these graphs lie some tens, which
 * point anywhere and so add up like their root: 5e-4 · √100.
 */
const TOLERANCE = 5e-3;
/** A unit of a ReLU (DistilBERT's classification head) that is nearly 0 may round to the other side: all of its gradient. */
const RELU_TOLERANCE = 3e-2;

function expectNear(found: Results, wanted: Results, tolerance = TOLERANCE): void {
  const gradients = Object.keys(wanted).filter((name) => name.endsWith('.grad'));
  expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort());
  // Exact gradients of 0, as of a key projection's bias, are rounding alone: measured against the others.
  const norms = gradients.map((name) => norm(wanted[name]!.values)).sort((a, b) => a - b);
  const floor = 0.1 * norms[norms.length >> 1]!;
  for (const name of ['loss', 'logits', ...gradients]) {
    const { values } = wanted[name]!;
    const scale = Math.max(norm(values), name.endsWith('.grad') ? floor : 0);
    const error = norm(found[name]!.values, values) / scale;
    expect({ name, ok: error < tolerance, error }).toEqual({ name, ok: true, error });
  }
}

/** Types of all outputs of an operator, in a graph. */
const typesOf = (graph: Graph, op: string) =>
  [...graph.nodes].filter((node) => node.op === op).map(({ outputs }) => outputs[0]?.type);

describe('the pass to float16', () => {
  const { training } = compileTiny({ precision: 'fp16', dropout: 0.1 });

  it('leaves a valid graph whose inputs and outputs are float32', () => {
    verify(training.graph);
    const values = [...training.graph.inputs, ...training.graph.outputs];
    const floats = values.filter(({ type }) => type !== 'int64');
    expect(new Set(floats.map(({ type }) => type))).toEqual(new Set(['float32']));
    expect(training.graph.inputs.map(({ name }) => name)).toContain('loss_scale');
  });

  it.each([
    ['MatMul', 'float16'],
    ['Gemm', 'float16'],
    ['Erf', 'float16'],
    ['Softmax', 'float32'],
    ['LayerNormalization', 'float32'],
    ['Softplus', 'float32'],
    ['ScatterElements', 'float32'],
  ])('computes %s in %s', (op, type) => {
    const types = typesOf(training.graph, op);
    expect(types.length).toBeGreaterThan(0);
    expect(new Set(types)).toEqual(new Set([type]));
  });

  it('casts a value once to a type', () => {
    const casts = [...training.graph.nodes].filter(({ op }) => op === 'Cast');
    const keys = casts.map(({ inputs, outputs }) => `${inputs[0]?.name} ${outputs[0]?.type}`);
    const ofParameters = keys.filter((key) => /(weight|bias) /.test(key));
    expect(new Set(ofParameters).size).toBe(ofParameters.length);
  });

  /** y = op(x·w, constant), x and w float32 [2, 2]. */
  function followed(op: string, constant: Tensor): Graph {
    const graph = new Graph('g');
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [2, 2]);
    const w = graph.addInitializer('w', floatTensor([2, 2], new Float32Array(4)));
    graph.outputs.push(b.op(op, [b.matMul(x, w), b.constant(constant)], {}, { outputs: ['y'] }));
    toHalf(graph);
    return graph;
  }

  it('follows with constants that float16 holds, and stays in float32 for others', () => {
    const masked = scalarTensor('float32', -3.4e38);
    expect(typesOf(followed('Add', scalarTensor('float32', 65504)), 'Add')).toEqual(['float16']);
    expect(typesOf(followed('Add', masked), 'Add')).toEqual(['float32']);
    expect(
      typesOf(followed('Add', scalarTensor('float32', Number.NEGATIVE_INFINITY)), 'Add'),
    ).toEqual(['float32']);
    expect(typesOf(followed('Pow', scalarTensor('float32', 3)), 'Pow')).toEqual(['float32']);
  });

  it('keeps the name, type and shape of an output', () => {
    const { outputs } = followed('Add', scalarTensor('float32', 1));
    expect(outputs).toMatchObject([{ name: 'y', type: 'float32', shape: [2, 2] }]);
  });
});

describe('float16 training graphs', () => {
  it.each([1024, 65536])(
    'have the gradients of float32, whatever the loss scale: %i',
    async (scale) => {
      const found = await run(compileTiny({ precision: 'fp16' }), toy, scale);
      expectNear(found, await run(compileTiny(), toy));
    },
  );

  it('have them where activations are computed again', async () => {
    const found = await run(compileTiny({ precision: 'fp16', recompute: 'layers' }), toy);
    expectNear(found, await run(compileTiny(), toy));
  });

  const graphs = ['graphs/bert', 'graphs/distilbert', 'families'].flatMap((folder) =>
    readdirSync(fixturePath(folder))
      .filter((name) => name.endsWith('.onnx'))
      .map((name) => `${folder}/${name}`),
  );

  it.each(graphs)('have those of the export %s', async (file) => {
    const model = await readModel(fixturePath(file));
    const head = model.graph.outputs.some(({ name }) => name === 'logits') ? 'keep' : 'mlp';
    const options = { ...compileOptions, head, labels: 4 } as const;
    const reference = file.startsWith('families')
      ? `families/${file.split(/[/-]/)[1]}.safetensors`
      : `reference/${file.split('/')[1]}.safetensors`;
    const batch = Object.fromEntries(under(await readReference(reference), 'batch/'));
    const wanted = await run(compileArtifacts(model, options), batch);
    const half = compileArtifacts(model, { ...options, precision: 'fp16' });
    const hasRelu = [...model.graph.nodes].some(({ op }) => op === 'Relu');
    expectNear(await run(half, batch), wanted, hasRelu ? RELU_TOLERANCE : TOLERANCE);
  });
});
