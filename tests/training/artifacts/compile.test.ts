import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../src/errors.ts';
import { compileArtifacts, inferenceModel } from '../../../training/artifacts/index.ts';
import { encodeModel } from '../../../training/onnx/codec/index.ts';
import { formatShape } from '../../../training/onnx/dim.ts';
import type { Graph } from '../../../training/onnx/graph.ts';
import { elementsOf, floatTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../training/onnx/verify.ts';
import { Random } from '../../../training/random.ts';
import { maxDifference } from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import {
  batchTensors,
  compileOptions,
  compileTiny,
  tinyDistilbert,
  toyBatch,
} from '../../support/tiny-distilbert.ts';

const names = (values: readonly { readonly name: string }[]): string[] => values.map((v) => v.name);
const signature = (graph: Graph): string[] =>
  [...graph.inputs.slice(0, 3), ...graph.outputs.slice(0, 2)].map(
    ({ name, type, shape }) => `${name} ${type} ${formatShape(shape)}`,
  );

describe('training artifacts', () => {
  const compiled = compileTiny();
  const parameters = names(compiled.parameters);

  it('have the inputs and outputs of the contract, batch and sequence symbolic', () => {
    const inputs = ['input_ids', 'attention_mask', 'labels'];
    const { training, evaluation, optimizer } = compiled;
    expect(names(training.graph.inputs)).toEqual([...inputs, ...parameters]);
    expect(names(training.graph.outputs)).toEqual([
      'loss',
      'logits',
      ...parameters.map((p) => `${p}.grad`),
    ]);
    expect(names(evaluation.graph.inputs)).toEqual([...inputs, ...parameters]);
    expect(names(evaluation.graph.outputs)).toEqual(['loss', 'logits']);
    expect(names(optimizer.graph.inputs)).toEqual([
      'learning_rate',
      'step',
      ...parameters.flatMap((p) => [p, `${p}.grad`, `${p}.exp_avg`, `${p}.exp_avg_sq`]),
    ]);
    expect(names(optimizer.graph.outputs).sort()).toEqual(
      [
        'grad_norm',
        ...parameters.flatMap((p) => [`${p}.out`, `${p}.exp_avg.out`, `${p}.exp_avg_sq.out`]),
      ].sort(),
    );
    for (const { graph } of [training, evaluation]) {
      expect(signature(graph)).toEqual([
        'input_ids int64 [batch, sequence]',
        'attention_mask int64 [batch, sequence]',
        'labels float32 [batch, 2]',
        'loss float32 []',
        'logits float32 [batch, 2]',
      ]);
    }
  });

  it('are sound graphs of opset 17 in the default domain', () => {
    for (const { graph } of [compiled.training, compiled.evaluation, compiled.optimizer]) {
      expect(problemsOf(graph)).toEqual([]);
      expect(graph.opset).toBe(17);
      expect([...graph.nodes].filter(({ domain }) => domain !== '')).toEqual([]);
    }
  });

  it('train every parameter, those of the head by the contract’s names', () => {
    expect(parameters).toHaveLength(2 * 16 + 4 + 4);
    const shapes = new Map(compiled.parameters.map(({ name, shape }) => [name, shape]));
    expect(shapes.get('head.dense.weight')).toEqual([8, 8]);
    expect(shapes.get('head.dense.bias')).toEqual([8]);
    expect(shapes.get('head.out.weight')).toEqual([8, 2]);
    expect(shapes.get('head.out.bias')).toEqual([2]);
    expect(shapes.get('distilbert.transformer.layer.1.ffn.lin1.weight')).toEqual([8, 16]);
    for (const { name, shape, decay } of compiled.parameters) {
      expect({ name, decay }).toEqual({ name, decay: shape.length === 2 });
      expect(compiled.initial.get(name)?.dims).toEqual(shape);
    }
  });

  it('train the bias of a single label too', () => {
    const { parameters: single } = compileTiny({ labels: 1 });
    expect(single.find(({ name }) => name === 'head.out.bias')?.shape).toEqual([1]);
  });

  it('are the same bytes for the same input, and leave the given model as it was', () => {
    const model = tinyDistilbert();
    const before = encodeModel(model);
    const a = compileArtifacts(model, { ...compileOptions, dropout: 0.1 });
    expect(encodeModel(model)).toEqual(before);
    const b = compileArtifacts(tinyDistilbert(), { ...compileOptions, dropout: 0.1 });
    for (const kind of ['training', 'evaluation', 'optimizer'] as const) {
      expect(encodeModel(b[kind])).toEqual(encodeModel(a[kind]));
    }
    expect(b.description).toEqual(a.description);
  });

  it('have gradients that match finite differences', async () => {
    const { training, evaluation } = compileTiny({ posWeight: [2, 0.5] });
    const batch = batchTensors(toyBatch(new Random(3), 3));
    const initial = Object.fromEntries(compiled.initial);
    const session = await sessionOf(evaluation.graph);
    const lossAt = async (name: string, index: number, by: number): Promise<number> => {
      const tensor = initial[name]!;
      const moved = Float32Array.from(elementsOf(tensor) as Float32Array);
      moved[index]! += by;
      const feeds = { ...batch, ...initial, [name]: floatTensor(tensor.dims, moved) };
      return (await runSession(session, feeds)).loss!.values[0]!;
    };
    const results = await runSession(await sessionOf(training.graph), { ...batch, ...initial });
    const random = new Random(9);
    const step = 1e-2;
    for (const { name } of compiled.parameters) {
      const gradient = results[`${name}.grad`]!.values;
      const index = gradient.indexOf(Math.max(...gradient));
      for (const i of [index, random.int(gradient.length)]) {
        const numeric =
          ((await lossAt(name, i, step)) - (await lossAt(name, i, -step))) / (2 * step);
        const allowed = 0.02 * Math.abs(gradient[index]!) + 2e-4;
        expect({ name, i, ok: Math.abs(numeric - gradient[i]!) < allowed }).toEqual({
          name,
          i,
          ok: true,
        });
      }
    }
  });

  it('compute the same loss and logits in training and evaluation when nothing is dropped', async () => {
    const feeds = {
      ...batchTensors(toyBatch(new Random(3), 5, 12)),
      ...Object.fromEntries(compiled.initial),
    };
    const a = await runSession(await sessionOf(compiled.training.graph), feeds);
    const b = await runSession(await sessionOf(compiled.evaluation.graph), feeds);
    expect(maxDifference(a.logits!.values, b.logits!.values)).toBeLessThan(1e-6);
    expect(maxDifference(a.loss!.values, b.loss!.values)).toBeLessThan(1e-6);
  });
});

describe('choosing parameters', () => {
  const trained = (changes: Parameters<typeof compileTiny>[0]) =>
    names(compileTiny(changes).parameters);

  it('trains what the patterns name, less what is frozen', () => {
    expect(trained({ trainable: ['head.*'] })).toEqual([
      'head.dense.weight',
      'head.dense.bias',
      'head.out.weight',
      'head.out.bias',
    ]);
    expect(trained({ trainable: ['head.*', '*.layer.1.*'], frozen: ['*.bias'] }).sort()).toEqual(
      [
        'head.dense.weight',
        'head.out.weight',
        ...['q_lin', 'k_lin', 'v_lin', 'out_lin'].map((x) => `attention.${x}`),
        ...['sa_layer_norm', 'ffn.lin1', 'ffn.lin2', 'output_layer_norm'],
      ]
        .map((x) => (x.startsWith('head') ? x : `distilbert.transformer.layer.1.${x}.weight`))
        .sort(),
    );
  });

  it('leaves frozen parameters as initializers, without backward nodes', () => {
    const all = compileTiny();
    const head = compileTiny({ trainable: ['head.*'] });
    expect(
      head.training.graph.find('distilbert.embeddings.word_embeddings.weight')?.initializer,
    ).toBeDefined();
    const backward = ({ training, evaluation }: typeof all) =>
      training.graph.nodes.size - evaluation.graph.nodes.size;
    expect(backward(head)).toBeLessThan(backward(all) / 5);
  });

  it('freezes parts of the encoder by name: no gradient and no moments for them', () => {
    const lists = {
      embeddings: trained({ frozen: ['embeddings'] }),
      layers: trained({ frozen: ['layers:1'] }),
      encoder: trained({ frozen: ['encoder'] }),
      both: trained({ frozen: ['embeddings', 'layers:2'] }),
    };
    const counts = Object.fromEntries(
      Object.entries(lists).map(([name, list]) => [name, list.length]),
    );
    // 40 in all: 4 of the embeddings, 16 in each of the two layers, 4 of the head.
    expect(counts).toEqual({ embeddings: 36, layers: 24, encoder: 4, both: 4 });
    expect(lists.layers.every((name) => !name.includes('layer.0.'))).toBe(true);
    const { optimizer, training } = compileTiny({ frozen: ['encoder'] });
    const moments = names(optimizer.graph.inputs).filter((name) => name.includes('exp_avg'));
    expect(moments).toHaveLength(8);
    expect(names(training.graph.outputs).filter((name) => name.endsWith('.grad'))).toHaveLength(4);
  });

  it('refuses more frozen layers than there are', () => {
    expect(() => trained({ frozen: ['layers:3'] })).toThrow(
      /freeze: "layers:3" means more layers than the 2 of the graph/,
    );
  });

  it('refuses a pattern that matches nothing, and to train nothing', () => {
    expect(() => trained({ frozen: ['distilbert.layer.*'] })).toThrow(
      /freeze: the pattern "distilbert\.layer\.\*" matches none/,
    );
    expect(() => trained({ trainable: ['nothing'] })).toThrow(AppError);
    expect(() => trained({ frozen: ['*'] })).toThrow(
      /none of the graph's 40 parameters is to be trained/,
    );
  });
});

describe('heads', () => {
  const kept = { ...compileOptions, head: 'keep', labels: undefined } as const;
  const withLogits = () => inferenceModel(tinyDistilbert(), compileTiny(), compileTiny().initial);

  it('keeps a graph’s own logits', () => {
    const { parameters } = compileArtifacts(withLogits(), kept);
    expect(names(parameters)).toContain('head.out.weight');
    expect(parameters).toHaveLength(40);
  });

  it('refuses other labels than the logits have, or than pos_weight has', () => {
    expect(() => compileArtifacts(withLogits(), { ...kept, labels: 3 })).toThrow(
      /logits have 2 labels: expected 3/,
    );
    expect(() => compileTiny({ posWeight: [1] })).toThrow(/pos_weight has 1 numbers: expected 2/);
  });

  it('says what a graph ends in where it has no logits to keep, or no hidden states for a head', () => {
    expect(() => compileArtifacts(tinyDistilbert(), kept)).toThrow(
      /no output "logits" to keep: its outputs are last_hidden_state/,
    );
    expect(() => compileArtifacts(withLogits(), compileOptions)).toThrow(
      /no output "last_hidden_state".*its outputs are logits/,
    );
  });

  it('replaces the head of a graph that has one of the same names', () => {
    const hidden = 'last_hidden_state';
    const { parameters } = compileArtifacts(withLogits(), { ...compileOptions, labels: 3, hidden });
    expect(parameters.find(({ name }) => name === 'head.out.bias')?.shape).toEqual([3]);
    expect(parameters).toHaveLength(40);
  });

  it('is attached to a value that is named', () => {
    const hidden = '/distilbert/embeddings/LayerNorm/LayerNormalization_output_0';
    const { parameters } = compileTiny({ hidden });
    expect(names(parameters).filter((name) => name.includes('layer.'))).toEqual([]);
    expect(parameters).toHaveLength(4 + 4);
  });
});

describe('the inference model', () => {
  it('is the forward graph with the trained weights, and answers as the evaluation graph', async () => {
    const compiled = compileTiny({ dropout: 0.1 });
    const trained = new Map<string, Tensor>();
    for (const [name, tensor] of compiled.initial) {
      trained.set(
        name,
        floatTensor(
          tensor.dims,
          (elementsOf(tensor) as Float32Array).map((x) => x + 0.01),
        ),
      );
    }
    const { graph } = inferenceModel(tinyDistilbert(), compiled, trained);
    expect(problemsOf(graph)).toEqual([]);
    expect(names(graph.inputs)).toEqual(['input_ids', 'attention_mask']);
    expect(names(graph.outputs)).toEqual(['logits']);
    const { labels, ...feeds } = batchTensors(toyBatch(new Random(3), 4));
    const answers = await runSession(await sessionOf(graph), feeds);
    const wanted = await runSession(await sessionOf(compiled.evaluation.graph), {
      ...feeds,
      ...Object.fromEntries(trained),
      ...(labels && { labels }),
    });
    expect(maxDifference(answers.logits!.values, wanted.logits!.values)).toBeLessThan(1e-6);
  });
});
