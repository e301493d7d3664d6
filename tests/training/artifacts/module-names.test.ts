import { describe, expect, it } from '@jest/globals';
import { compileArtifacts } from '../../../training/artifacts/index.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import { newModel } from '../../../training/onnx/model.ts';
import { elementCount, floatTensor } from '../../../training/onnx/tensor.ts';
import { fixturePath } from '../../support/reference-tensors.ts';
import { compileOptions } from '../../support/tiny-distilbert.ts';

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
});
