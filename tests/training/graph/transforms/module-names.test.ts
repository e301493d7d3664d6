import { describe, expect, it } from '@jest/globals';
import { compileArtifacts } from '../../../../training/artifacts/index.ts';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { readModel } from '../../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { newModel } from '../../../../training/onnx/model.ts';
import { elementCount, floatTensor } from '../../../../training/onnx/tensor.ts';
import { fixturePath } from '../../../support/reference-tensors.ts';
import { compileOptions } from '../../../support/tiny-distilbert.ts';

describe('module names of an exported graph', () => {
  it('are recovered, and parameters that were merged because they were equal are apart again', async () => {
    const model = await readModel(
      fixturePath('graphs/distilbert-fresh/legacy-op17-sdpa-head.onnx'),
    );
    const { parameters } = compileArtifacts(model, { ...compileOptions, head: 'keep', labels: 4 });
    const sources = new Map(parameters.map(({ name, initializer }) => [name, initializer]));
    expect(sources.size).toBe(40);
    expect(sources.get('distilbert.transformer.layer.0.attention.q_lin.weight')).toBe(
      'onnx::MatMul_295',
    );
    expect(sources.get('distilbert.transformer.layer.1.ffn.lin2.bias')).toBe(
      'distilbert.embeddings.LayerNorm.bias',
    );
    expect(sources.get('pre_classifier.weight')).toBe('pre_classifier.weight');
  });

  it('are not given to what the exporter computed beforehand, which is not trained either', () => {
    const graph = new Graph('folded');
    const b = new GraphBuilder(graph);
    const initializer = (name: string, dims: readonly number[]) =>
      graph.addInitializer(name, floatTensor(dims, new Float32Array(elementCount(dims)).fill(0.1)));
    const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 4]);
    const weight = initializer('onnx::MatMul_2', [4, 4]);
    const folded = initializer('onnx::MatMul_1', [1, 3, 4]);
    const name = '/encoder/pos_key_proj/MatMul';
    const positions = b.op('MatMul', [folded, weight], {}, { name });
    const mean = b.reduceMean(positions, [0, 1], false);
    const logits = b.add(b.op('MatMul', [x, weight], {}, { name }), mean);
    graph.rename(logits, 'logits');
    graph.outputs.push(logits);
    const { parameters } = compileArtifacts(newModel(graph), {
      ...compileOptions,
      head: 'keep',
      labels: 4,
    });
    expect(parameters.map((one) => one.name)).toEqual(['encoder.pos_key_proj.weight']);
  });

  /** Products of x with matrices, one after the other: node names and initializers as the legacy exporter writes them. */
  function chain(...nodes: [path: string, initializer: string][]): Graph {
    const graph = new Graph('chain');
    const b = new GraphBuilder(graph);
    const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 4]);
    const last = nodes.reduce((value, [path, name], i) => {
      const dims = [4, 4];
      const weight =
        graph.find(name) ??
        graph.addInitializer(name, floatTensor(dims, new Float32Array(16).fill(0.1 * (i + 1))));
      return b.op('MatMul', [value, weight], {}, { name: `/${path}/MatMul` });
    }, x);
    graph.rename(last, 'logits');
    graph.outputs.push(last);
    return graph;
  }
  const namesOf = (graph: Graph): string[] =>
    compileArtifacts(newModel(graph), { ...compileOptions, head: 'keep', labels: 4 })
      .parameters.map((one) => one.name)
      .sort();

  it('keep a number that belongs to the name of a module', () => {
    const gated = chain(['ffn/wi_0', 'onnx::MatMul_1'], ['ffn/wi_1', 'onnx::MatMul_2']);
    expect(namesOf(gated)).toEqual(['ffn.wi_0.weight', 'ffn.wi_1.weight']);
  });

  it('leave out the number that tells a later run of a module', () => {
    const shared = chain(['ffn/dense', 'onnx::MatMul_1'], ['ffn/dense_1', 'onnx::MatMul_1']);
    expect(namesOf(shared)).toEqual(['ffn.dense.weight']);
  });

  it('join the copies that an exporter made for each run of a module, and no others', () => {
    const runs = ['ffn/dense', 'ffn/dense_1'].map((path, i) => [path, `onnx::MatMul_${i}`]);
    const apart = chain(...(runs as [string, string][]));
    expect(namesOf(apart)).toEqual(['ffn.dense.weight', 'onnx::MatMul_1']);
    const copied = chain(...(runs as [string, string][]));
    copied.find('onnx::MatMul_1')!.initializer = copied.find('onnx::MatMul_0')!.initializer;
    expect(namesOf(copied)).toEqual(['ffn.dense.weight']);
  });

  it('are not given to frequencies that only positions are multiplied by', () => {
    const graph = chain(['dense', 'onnx::MatMul_1']);
    const b = new GraphBuilder(graph);
    const logits = graph.find('logits')!;
    graph.rename(logits, 'hidden');
    const length = b.op('Gather', [b.op('Shape', [logits]), b.ints([1])], { axis: 0 });
    const frequencies = graph.addInitializer(
      'onnx::Mul_2',
      floatTensor([4], Float32Array.of(1, 0.5, 0.25, 0.125)),
    );
    const angles = b.mul(b.cast(length, 'float32'), frequencies);
    const turned = b.mul(logits, b.op('Cos', [angles]));
    graph.rename(turned, 'logits');
    graph.outputs.splice(0, 1, turned);
    expect(namesOf(graph)).toEqual(['dense.weight']);
  });
});
