import { describe, expect, it } from '@jest/globals';
import { compileArtifacts } from '../../../training/artifacts/index.ts';
import { readModel } from '../../../training/onnx/codec/index.ts';
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
});
