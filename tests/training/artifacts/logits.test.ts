import { describe, expect, it } from '@jest/globals';
import {
  compileArtifacts,
  compileSummary,
  inferenceModel,
} from '../../../training/artifacts/index.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph, type Value } from '../../../training/onnx/graph.ts';
import { type Model, newModel } from '../../../training/onnx/model.ts';
import { floatTensor } from '../../../training/onnx/tensor.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';
import { compileOptions } from '../../support/tiny-distilbert.ts';

const options = { ...compileOptions, head: 'keep', labels: 3 } as const;

type Ending = (b: GraphBuilder, x: Value) => Value;

/** x [batch, 2] → a linear layer of 3 → `ending` → `logits`. */
function endingIn(ending: Ending): Model {
  const graph = new Graph('ending');
  const b = new GraphBuilder(graph);
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 2]);
  const weight = floatTensor([2, 3], Float32Array.of(1, -2, 0.5, 3, -1, 0.25));
  const y = b.matMul(x, graph.addInitializer('classifier.weight', weight));
  graph.rename(y, 'linear');
  const logits = ending(b, y);
  graph.rename(logits, 'logits');
  graph.outputs.push(logits);
  return newModel(graph);
}
const op =
  (name: string, attributes = {}): Ending =>
  (b, x) =>
    b.op(name, [x], attributes, { name: `/head/${name}` });

describe('an output "logits" that is no logits', () => {
  const feeds = { x: floatTensor([2, 2], Float32Array.of(1, 2, -3, 0.5)) };

  it.each<[string, Ending, RegExp]>([
    ['Sigmoid', op('Sigmoid'), /Sigmoid "\/head\/Sigmoid"/],
    ['Softmax', op('Softmax', { axis: -1 }), /Softmax "\/head\/Softmax"/],
    ['LogSoftmax', op('LogSoftmax', { axis: -1 }), /LogSoftmax/],
    ['Sigmoid and Identity', (b, x) => b.identity(op('Sigmoid')(b, x)), /Sigmoid/],
    [
      'Sigmoid and Reshape',
      (b, x) => b.reshape(b.squeeze(op('Sigmoid')(b, b.unsqueeze(x, [2])), [2]), [0, 3]),
      /Sigmoid/,
    ],
    ['Sigmoid of a Sigmoid', (b, x) => op('Sigmoid')(b, b.op('Sigmoid', [x])), /Sigmoid/],
  ])('is cut before %s, which is said', async (_, ending, says) => {
    const model = endingIn(ending);
    const compiled = compileArtifacts(model, options);
    expect(compileSummary(compiled)[0]).toMatch(says);
    const served = inferenceModel(model, compiled, compiled.initial).graph;
    expect(served.outputs.map(({ name }) => name)).toEqual(['logits']);
    const { logits } = await runSession(await sessionOf(served), feeds);
    expect(logits).toEqual({ dims: [2, 3], values: [7, -4, 1, -1.5, 5.5, -1.375] });
  });

  it.each<[string, Ending, RegExp]>([
    [
      'HardSigmoid',
      op('HardSigmoid'),
      /never below 0, because of HardSigmoid "\/head\/HardSigmoid"/,
    ],
    ['Relu', op('Relu'), /never below 0, because of Relu/],
    ['1 − Sigmoid', (b, x) => b.sub(1, op('Sigmoid')(b, x)), /never below 0, because of Sigmoid/],
    ['a Sigmoid in percent', (b, x) => b.mul(op('Sigmoid')(b, x), 100), /because of Sigmoid/],
    [
      'a Sigmoid that is written out',
      (b, x) => b.div(b.scalar(1, x), b.add(b.op('Exp', [b.neg(x)]), 1)),
      /never below 0, because of Exp/,
    ],
    [
      'a Softmax that is written out',
      (b, x) => {
        const exp = b.op('Exp', [x]);
        return b.div(exp, b.reduceSum(exp, [1]));
      },
      /never below 0, because of Exp/,
    ],
    ['a Clip', (b, x) => b.op('Clip', [x, b.scalar(0, x), b.scalar(1, x)]), /because of Clip/],
    [
      'a Clip at 0',
      (b, x) => b.op('Clip', [x, b.scalar(-9, x), b.scalar(0, x)]),
      /never above 0, because of Clip/,
    ],
    ['−Softplus', (b, x) => b.neg(op('Softplus')(b, x)), /never above 0, because of Softplus/],
  ])('is refused for %s, naming the node', (_, ending, says) => {
    expect(() => compileArtifacts(endingIn(ending), options)).toThrow(
      expect.objectContaining({ code: 'model_invalid', message: expect.stringMatching(says) }),
    );
  });

  it.each<[string, Ending]>([
    ['a linear layer', (b, x) => b.add(x, 0.5)],
    [
      'the logarithm of odds',
      (b, x) => {
        const p = b.op('Sigmoid', [x]);
        return b.op('Log', [b.div(p, b.sub(1, p))]);
      },
    ],
    ['a difference of positive numbers', (b, x) => b.sub(b.op('Exp', [x]), b.op('Relu', [x]))],
    ['2·Sigmoid − 1', (b, x) => b.sub(b.mul(b.op('Sigmoid', [x]), 2), 1)],
    ['an activation times its Sigmoid', (b, x) => b.mul(x, b.op('Sigmoid', [x]))],
  ])('is not found in %s', (_, ending) => {
    expect(compileArtifacts(endingIn(ending), options).notes).toEqual([]);
  });
});
