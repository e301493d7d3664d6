import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from '../../../../training/onnx/builder.ts';
import { encodeModel } from '../../../../training/onnx/codec/index.ts';
import { symbolicDim } from '../../../../training/onnx/dim.ts';
import { Graph } from '../../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../../training/onnx/model.ts';
import { elementCount, floatTensor } from '../../../../training/onnx/tensor.ts';
import {
  requireServableInputs,
  requireServes,
  requireWindows,
} from '../../../../training/recipes/delivery/servable.ts';
import { withInt32Inputs } from '../../../support/int32-inputs.ts';
import { tinyBert } from '../../../support/tiny-bert.ts';

/** tinyBert has 24 words and 12 positions. */
const tokenizer = { clsId: 2, sepId: 3, padId: 1, vocabularySize: 24 };
const windows = (maxLength: number, changes: Partial<typeof tokenizer> = {}) => ({
  tokenizer: { ...tokenizer, ...changes },
  maxLength,
  labels: 2,
});

/** A classifier of 24 words that counts positions as RoBERTa does: of tokens that are not padding (1), from 2 on. */
function offsetPositions(rows: number): Model {
  const graph = new Graph('offset');
  const b = new GraphBuilder(graph);
  const shape = [symbolicDim('batch'), symbolicDim('sequence')];
  const ids = graph.addInput('input_ids', 'int64', shape);
  const mask = graph.addInput('attention_mask', 'int64', shape);
  const table = (name: string, dims: readonly number[]) =>
    graph.addInitializer(name, floatTensor(dims, new Float32Array(elementCount(dims)).fill(0.1)));
  const isText = b.cast(b.op('Not', [b.op('Equal', [ids, b.scalar(1, 'int64')])]), 'int64');
  const counted = b.op('CumSum', [isText, b.scalar(1, 'int64')]);
  const positions = b.add(b.mul(counted, isText), b.scalar(1, 'int64'));
  const sum = b.add(
    b.op('Gather', [table('word_embeddings.weight', [24, 4]), ids], { axis: 0 }),
    b.op('Gather', [table('position_embeddings.weight', [rows, 4]), positions], { axis: 0 }),
  );
  const seen = b.mul(sum, b.unsqueeze(b.cast(mask, 'float32'), [2]));
  const logits = b.matMul(b.reduceMean(seen, [1], false), table('classifier.weight', [4, 2]));
  graph.rename(logits, 'logits');
  graph.outputs.push(logits);
  return newModel(graph);
}

describe('windows that a base cannot take', () => {
  it.each([
    ['counted from 0', tinyBert(2), 12],
    ['counted from padding_idx + 1', offsetPositions(34), 32],
  ])('are refused before training with the largest length: positions %s', async (_, base, most) => {
    await expect(requireWindows(base, windows(most))).resolves.toBeUndefined();
    for (const length of [most + 1, 4 * most]) {
      await expect(requireWindows(base, windows(length))).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(
          new RegExp(`^train\\.max_length is ${length}: expected at most ${most},`),
        ),
        hint: expect.stringContaining(`train.max_length=${most}`),
      });
    }
  });

  it('are refused where the tokenizer has more ids than the embedding has rows', async () => {
    await expect(requireWindows(tinyBert(2), windows(8, { vocabularySize: 25 }))).rejects.toThrow(
      /ids up to 24: expected less than 24, the rows of "bert\.embeddings\.word_embeddings\.weight"/,
    );
  });
});

describe('inputs of a base', () => {
  it.each<[string, (graph: Graph) => void, RegExp, RegExp]>([
    [
      'position_ids',
      (graph) => void graph.addInput('position_ids', 'int64', graph.inputs[0]?.shape),
      /base\.onnx: it has an input position_ids: expected input_ids and attention_mask/,
      /without position_ids/,
    ],
    [
      'a fixed number of texts',
      ({ inputs }) => {
        for (const input of inputs) input.shape = [1, symbolicDim('sequence')];
      },
      /input_ids has 1 fixed as its batch \(axis 0\); its input attention_mask has 1 fixed/,
      /dynamic_axes/,
    ],
    [
      'a fixed length',
      ({ inputs }) => {
        for (const input of inputs) input.shape = [symbolicDim('batch'), 128];
      },
      /input_ids has 128 fixed as its sequence \(axis 1\)/,
      /dynamic_axes/,
    ],
    [
      'ids as floats',
      ({ inputs }) => {
        for (const input of inputs) input.type = 'float32';
      },
      /input_ids is float32 \[batch, sequence\], not int64 or int32/,
      /int64/,
    ],
  ])('are refused by name before training: %s', (_, change, says, hint) => {
    const model = tinyBert(2);
    change(model.graph);
    expect(() => requireServableInputs(model, 'base.onnx')).toThrow(
      expect.objectContaining({
        code: 'model_invalid',
        message: expect.stringMatching(says),
        hint: expect.stringMatching(hint),
      }),
    );
  });

  it('may be int32, and of any names of axes', () => {
    const model = withInt32Inputs(tinyBert(2));
    for (const input of model.graph.inputs) input.shape = [symbolicDim('n'), symbolicDim('t')];
    expect(() => requireServableInputs(model, 'base.onnx')).not.toThrow();
  });
});

describe('a finished model', () => {
  const broken = (): Model => {
    const model = tinyBert(2);
    const bias = model.graph.find('classifier.bias');
    if (bias) bias.initializer = floatTensor([2], Float32Array.of(Number.NaN, 0));
    return model;
  };

  it('is tried at the longest and a short window before it is written', async () => {
    const file = { 'onnx/model.onnx': encodeModel(tinyBert(2)) };
    await expect(requireServes(file, windows(12), 'nothing was written')).resolves.toBeUndefined();
    await expect(requireServes(file, windows(13), 'nothing was written')).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(/cannot be served: onnx\/model\.onnx fails on a text of 13/),
      hint: 'nothing was written',
    });
  });

  it.each([
    ['of other labels', tinyBert(3), /text of 3 tokens: its logits are \[1,3\], not \[1, 2\]/],
    ['that is not finite', broken(), /its logits are not finite/],
  ])('%s is refused, naming the file', async (_, model, says) => {
    const files = {
      'onnx/model.onnx': encodeModel(tinyBert(2)),
      'onnx/model_quantized.onnx': encodeModel(model),
    };
    await expect(requireServes(files, windows(12), 'nothing was written')).rejects.toThrow(says);
    await expect(requireServes(files, windows(12), 'nothing was written')).rejects.toThrow(
      /onnx\/model_quantized\.onnx/,
    );
  });
});
