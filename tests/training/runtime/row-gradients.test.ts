import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../training/random.ts';
import { Tensor } from '../../../training/runtime/onnxruntime.ts';
import {
  clearRows,
  feedZeros,
  rowGradients,
  zerosFeeds,
} from '../../../training/runtime/row-gradients.ts';
import { compileTiny, toyBatch } from '../../support/tiny-distilbert.ts';

const EMBEDDING = 'distilbert.embeddings.word_embeddings.weight.grad';

describe('gradients of rows among zeros', () => {
  it('are those of the embeddings that a batch looks up', () => {
    const found = rowGradients(compileTiny().training.graph);
    expect(found.map(({ name, rows }) => [name, rows])).toEqual([[EMBEDDING, 'input_ids']]);
  });

  it('are none in fp16, where they are made wider at the end', () => {
    expect(rowGradients(compileTiny({ precision: 'fp16' }).training.graph)).toEqual([]);
  });

  it('read zeros from outside while a session is opened, and make them again afterwards', () => {
    const { graph } = compileTiny().training;
    const before = [graph.inputs.length, rowGradients(graph).length];
    const back = feedZeros(graph);
    expect(graph.inputs.at(-1)?.name).toBe(`${EMBEDDING}.zeros`);
    expect(rowGradients(graph)).toEqual([]);
    back();
    expect([graph.inputs.length, rowGradients(graph).length]).toEqual(before);
  });

  it('are zeros again when the rows of their batch are cleared, and of no other', () => {
    const rows = rowGradients(compileTiny().training.graph);
    const batch = toyBatch(new Random(1), 2, 4);
    const values = new Float32Array(100 * 2).fill(1);
    const gradients = { [EMBEDDING]: new Tensor('float32', values, [100, 2]) };
    clearRows(rows, gradients, batch);
    const ids = new Set([...batch.inputIds].map(Number));
    const wanted = Array.from(values, (_, i) => (ids.has(Math.floor(i / 2)) ? 0 : 1));
    expect([...values]).toEqual(wanted);
    expect(zerosFeeds(rows, gradients)[`${EMBEDDING}.zeros`]?.data).toBe(values);
  });
});
