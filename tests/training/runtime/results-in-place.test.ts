import { describe, expect, it } from '@jest/globals';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import { newModel } from '../../../training/onnx/model.ts';
import { Tensor } from '../../../training/runtime/onnxruntime.ts';
import { openInPlace, runInto } from '../../../training/runtime/results-in-place.ts';

const options = { device: 'cpu', threads: 1, verbose: false };

/** y = x reshaped to `shape`, z = −y. */
function reshaping() {
  const graph = new Graph('reshaping', { opset: 17 });
  const x = graph.addInput('x', 'float32', [symbolicDim('n')]);
  const shape = graph.addInput('shape', 'int64', [1]);
  const b = new GraphBuilder(graph);
  const y = b.op('Reshape', [x, shape]);
  graph.outputs.push(y, b.op('Neg', [y]));
  return newModel(graph);
}

const feeds = (n: number) => ({
  x: new Tensor('float32', Float32Array.of(1, 2, 3), [3]),
  shape: new Tensor('int64', BigInt64Array.of(BigInt(n)), [1]),
});

describe('a session that returns nothing', () => {
  it('leaves its results in the given arrays, and the model as it was', async () => {
    const model = reshaping();
    const [y = '', z = ''] = model.graph.outputs.map(({ name }) => name);
    const session = await openInPlace(model, options);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual([y, z]);
    expect([...model.graph.nodes].map(({ op }) => op)).toEqual(['Reshape', 'Neg']);
    const results = [new Float32Array(3), new Float32Array(3)] as const;
    await runInto(session, feeds(3), {
      [y]: new Tensor('float32', results[0], [3]),
      [z]: new Tensor('float32', results[1], [3]),
    });
    expect(results.map((values) => [...values])).toEqual([
      [1, 2, 3],
      [-1, -2, -3],
    ]);
    await session.release();
  });

  it('fails where the runtime fails', async () => {
    const model = reshaping();
    const [y = ''] = model.graph.outputs.map(({ name }) => name);
    const session = await openInPlace(model, options);
    const run = runInto(session, feeds(2), {
      [y]: new Tensor('float32', new Float32Array(3), [3]),
    });
    await expect(run).rejects.toThrow(/Reshape/);
    await session.release();
  });
});
