import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import type { Model } from '../../../training/onnx/model.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import { compareModels } from '../../../training/runtime/agreement.ts';

/** A table of two words, 3 and −5, whose row is looked up for every token; then what `then` makes of it. */
function lookedUp(then: (b: GraphBuilder, x: Value) => Value, inputs = 1): Model {
  const graph = new Graph('g', { opset: 17 });
  const shape = [symbolicDim('batch'), symbolicDim('length')];
  const ids = graph.addInput('ids', 'int64', shape);
  if (inputs > 1) graph.addInput('text', 'string', shape);
  const table = graph.addInitializer('words', floatTensor([2, 1], Float32Array.of(3, -5)));
  const b = new GraphBuilder(graph);
  const y = then(b, b.op('Gather', [table, ids], { axis: 0 }));
  graph.rename(y, 'y');
  graph.outputs.push(y);
  return { graph, irVersion: 8, producerName: '', producerVersion: '', metadata: new Map() };
}

const compare = (
  given: (b: GraphBuilder, x: Value) => Value,
  other: (b: GraphBuilder, x: Value) => Value,
) => compareModels(lookedUp(given), lookedUp(other), new Random(1));

const same = (b: GraphBuilder, x: Value): Value => b.identity(x);

describe('how far two models are apart', () => {
  // Elements are 3 and −5: relative to their size, and to 1 where they are less.
  it.each([
    ['nothing', same, same, 0],
    ['1 too much everywhere', same, (b, x) => b.add(x, 1), 1 / 3],
    ['1 too little everywhere', same, (b, x) => b.sub(x, 1), 1 / 3],
    ['a factor of 1.01', same, (b, x) => b.mul(x, 1.01), 0.01],
    ['a factor of 0.9', same, (b, x) => b.mul(x, 0.9), 0.1],
    ['0.02 beside 0.03', (b, x) => b.mul(x, 0.01), (b, x) => b.mul(x, 0.02), 0.05],
    ['as much both ways of 0', (b, x) => b.op('Abs', [x]), same, 2],
  ] as [string, typeof same, typeof same, number][])('%s', async (_, given, other, difference) => {
    const found = await compare(given, other);
    expect(found.problem).toBeUndefined();
    // float32 on both sides.
    expect(found.difference).toBeCloseTo(difference, 5);
  });

  it('is no number where only one has one, or where their shapes differ', async () => {
    const root = (b: GraphBuilder, x: Value): Value => b.op('Sqrt', [x]);
    expect((await compare(root, root)).difference).toBe(0);
    expect((await compare(same, root)).difference).toBeNaN();
    expect((await compare(same, (b, x) => b.unsqueeze(x, [0]))).difference).toBeNaN();
  });

  it('is not told where the given one takes what is no text, and is an error where the other does not run', async () => {
    expect((await compareModels(lookedUp(same, 2), lookedUp(same), new Random(1))).problem).toMatch(
      /text is of type string/,
    );
    const broken = lookedUp((b, x) => b.op('Unknown', [x]));
    await expect(compareModels(lookedUp(same), broken, new Random(1))).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/the rewritten model cannot be run/),
    });
  });
});
