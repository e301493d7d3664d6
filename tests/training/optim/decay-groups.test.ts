import { describe, expect, it } from '@jest/globals';
import { decays } from '../../../training/optim/index.ts';
import { readFixtureJson } from '../../support/reference-tensors.ts';

describe('decay groups', () => {
  it.each([
    'distilbert.embeddings.word_embeddings.weight',
    'distilbert.transformer.layer.0.attention.q_lin.weight',
    'head.out.weight',
    'bert.encoder.layer.1.output.dense.weight',
    'onnx::MatMul_295',
  ])('%s decays', (name) => {
    expect(decays(name, [4, 4])).toBe(true);
  });

  it.each([
    ['distilbert.embeddings.LayerNorm.weight', [4]],
    ['distilbert.transformer.layer.0.sa_layer_norm.weight', [4]],
    ['decoder.norm1.weight', [2, 4]],
    ['a.layer_norm.weight', [2, 4]],
    ['distilbert.transformer.layer.0.ffn.lin1.bias', [4]],
    ['attention.relative_attention_bias', [4, 4]],
    ['anything', [8]],
    ['anything', []],
  ])('%s %j does not', (name, shape) => {
    expect(decays(name, shape)).toBe(false);
  });

  it('are those of the reference run', () => {
    const { curve } = readFixtureJson<{ curve: { no_decay: string[] } }>(
      'reference/distilbert-fresh.json',
    );
    for (const name of curve.no_decay)
      expect({ name, decay: decays(name, [4]) }).toEqual({ name, decay: false });
  });
});
