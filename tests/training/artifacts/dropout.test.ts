import { describe, expect, it } from '@jest/globals';
import { insertDropout, keepDropout } from '../../../training/artifacts/dropout.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../training/onnx/verify.ts';
import { Random } from '../../../training/random.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import { batchTensors, compileTiny, toyBatch } from '../../support/tiny-distilbert.ts';

const dropouts = (graph: Graph) => [...graph.nodes].filter(({ op }) => op === 'Dropout');

async function lossOf(options: { dropout: number; seed: number }): Promise<number> {
  const { training, initial } = compileTiny({ dropout: options.dropout, seed: options.seed });
  const feeds = { ...batchTensors(toyBatch(new Random(3), 4)), ...Object.fromEntries(initial) };
  return (await runSession(await sessionOf(training.graph), feeds)).loss!.values[0]!;
}

/** A graph whose only place for dropout is a softmax of ones: what is kept shows in the output. */
function oneDrop(probability: number, seed: number): Graph {
  const graph = new Graph('one', { opset: 17 });
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [200, 200]);
  const y = b.op('Softmax', [x], { axis: -1 }, { name: '/layer.0/attention/Softmax' });
  const identity = Float32Array.from({ length: 200 * 200 }, (_, i) => (i % 201 === 0 ? 1 : 0));
  const v = graph.addInitializer('v', floatTensor([200, 200], identity));
  graph.outputs.push(b.mul(b.matMul(y, v), 200));
  expect(insertDropout(graph, { probability, seed })).toEqual(['/layer.0/attention/Softmax']);
  keepDropout(graph, x);
  return graph;
}

const ones = { x: floatTensor([200, 200], new Float32Array(40_000)) };

describe('dropout', () => {
  it('stands at the embeddings, the attention probabilities, the feed-forward output and the head', () => {
    const { training, evaluation } = compileTiny({ dropout: 0.1 });
    const layer = '/distilbert/transformer/layer';
    expect(dropouts(training.graph).map(({ name }) => name)).toEqual([
      '/distilbert/embeddings/LayerNorm/LayerNormalization/Dropout',
      `${layer}.0/attention/Softmax/Dropout`,
      `${layer}.0/ffn/lin2/Add/Dropout`,
      `${layer}.1/attention/Softmax/Dropout`,
      `${layer}.1/ffn/lin2/Add/Dropout`,
      '/head/dense/MatMul/Dropout',
      '/head/out/MatMul/Dropout',
    ]);
    expect(dropouts(evaluation.graph)).toEqual([]);
    expect(problemsOf(training.graph)).toEqual([]);
    const seeds = dropouts(training.graph).map((node) => node.int('seed'));
    expect(new Set(seeds).size).toBe(7);
  });

  it('is absent at probability 0', () => {
    expect(dropouts(compileTiny({ dropout: 0 }).training.graph)).toEqual([]);
  });

  it.each([0.1, 0.5])('keeps 1 − %f of the elements, scaled so that the mean stays', async (p) => {
    const graph = oneDrop(p, 1);
    const name = graph.outputs[0]!.name;
    const { values } = (await runSession(await sessionOf(graph), ones))[name]!;
    const kept = values.filter((x) => x !== 0);
    // 40,000 draws: four standard deviations of the share are under 0.01.
    expect(Math.abs(kept.length / values.length - (1 - p))).toBeLessThan(0.01);
    for (const x of kept) expect(x).toBeCloseTo(1 / (1 - p), 5);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(Math.abs(mean - 1)).toBeLessThan(0.02);
  });

  it('draws other elements at each run, and the same in a new session', async () => {
    const session = await sessionOf(oneDrop(0.5, 1));
    const name = session.outputNames[0]!;
    const first = (await runSession(session, ones))[name]!.values;
    const second = (await runSession(session, ones))[name]!.values;
    expect(second).not.toEqual(first);
    const again = await sessionOf(oneDrop(0.5, 1));
    expect((await runSession(again, ones))[name]!.values).toEqual(first);
    expect((await runSession(again, ones))[name]!.values).toEqual(second);
  });

  it('drops in frozen layers too, where no gradient reads the mask', async () => {
    const loss = async (dropout: number) => {
      const { training, initial } = compileTiny({ dropout, trainable: ['head.out.*'] });
      const feeds = { ...batchTensors(toyBatch(new Random(3), 4)), ...Object.fromEntries(initial) };
      const session = await sessionOf(training.graph);
      return [await runSession(session, feeds), await runSession(session, feeds)].map(
        (results) => results.loss!.values[0]!,
      );
    };
    const [first, second] = await loss(0.3);
    const [without] = await loss(0);
    expect(new Set([first, second, without]).size).toBe(3);
  });

  it('is decided by the seed', async () => {
    const a = await lossOf({ dropout: 0.3, seed: 1 });
    expect(await lossOf({ dropout: 0.3, seed: 1 })).toBe(a);
    const graph = (seed: number) => oneDrop(0.5, seed);
    const draw = async (seed: number) =>
      Object.values(await runSession(await sessionOf(graph(seed)), ones))[0]!.values;
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  it('changes the training loss and leaves that of the evaluation graph', async () => {
    expect(await lossOf({ dropout: 0.3, seed: 1 })).not.toBe(await lossOf({ dropout: 0, seed: 1 }));
  });
});
