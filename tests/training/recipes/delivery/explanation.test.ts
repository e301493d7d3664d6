import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { encodeModel } from '../../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { newModel } from '../../../../training/onnx/model.ts';
import { explanationFile } from '../../../../training/recipes/delivery/explanation.ts';
import { tinyGraph } from '../../../support/tiny-bundle.ts';

const tokenizer = { clsId: 2, sepId: 3, padId: 0 };
const classifier = readFileSync(tinyGraph);

function made(method: 'integrated_gradients' | 'gradient_x_input' | 'none', model: Uint8Array) {
  const said: string[] = [];
  const screen = { write: (text: string) => said.push(text) };
  const files = explanationFile({ explain: { method, steps: 17 } }, tokenizer, model, screen);
  return { files, said };
}

describe('the file that explains a bundle', () => {
  it('is onnx/explain.onnx, smaller with gradient × input alone, and none where none is wanted', () => {
    const integrated = made('integrated_gradients', classifier).files['onnx/explain.onnx'];
    const simple = made('gradient_x_input', classifier).files['onnx/explain.onnx'];
    expect(simple?.length).toBeLessThan(integrated?.length ?? 0);
    expect(made('none', classifier)).toEqual({ files: {}, said: [] });
  });

  it('is left out with a note where the graph looks up no tokens', () => {
    const graph = new Graph('no_tokens');
    const ids = graph.addInput('features', 'float32', [symbolicDim('batch'), 4]);
    graph.addNode({ op: 'Identity', inputs: [ids], outputs: ['logits'] });
    graph.outputs.push(graph.find('logits')!);
    const { files, said } = made('integrated_gradients', encodeModel(newModel(graph)));
    expect(files).toEqual({});
    expect(said.join('')).toMatch(/^explain {4}not possible with this model: .*no token embedding/);
  });
});
