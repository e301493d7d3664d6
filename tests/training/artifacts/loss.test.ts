import { describe, expect, it } from '@jest/globals';
import { addLoss } from '../../../training/artifacts/loss.ts';
import { addGradients } from '../../../training/autodiff/gradients.ts';
import { GraphBuilder } from '../../../training/onnx/builder.ts';
import { symbolicDim } from '../../../training/onnx/dim.ts';
import { Graph } from '../../../training/onnx/graph.ts';
import { floatTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import {
  maxDifference,
  numbers,
  readFixtureJson,
  readReference,
  tensorNamed,
} from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

/** Loss and its gradient with respect to the logits [rows, labels]. */
async function lossOf(logits: Tensor, labels: Tensor, posWeight?: readonly number[]) {
  const graph = new Graph('loss', { opset: 17 });
  const x = graph.addInput('x', 'float32', [symbolicDim('batch'), labels.dims[1] ?? 0]);
  const { loss } = addLoss(graph, x, posWeight);
  const one = new GraphBuilder(graph).scalar(1, 'float32');
  const gradient = addGradients(graph, new Map([[loss, one]]), [x]).get(x)!;
  graph.outputs.push(loss, gradient);
  const results = await runSession(await sessionOf(graph), { x: logits, labels });
  return { loss: results.loss!.values[0]!, gradient: results[gradient.name]!.values };
}

const row = (...values: number[]): Tensor =>
  floatTensor([1, values.length], Float32Array.from(values));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

describe('the loss', () => {
  const { cases } = readFixtureJson<{
    cases: { name: string; pos_weight: number[] | null; loss: number }[];
  }>('training/losses.json');

  it.each(cases)('is PyTorch’s, with its gradient, saturated and soft labels: $name', async (c) => {
    const reference = await readReference('training/losses.safetensors');
    const { loss, gradient } = await lossOf(
      tensorNamed(reference, 'logits'),
      tensorNamed(reference, 'labels'),
      c.pos_weight ?? undefined,
    );
    expect(Math.abs(loss / c.loss - 1)).toBeLessThan(1e-6);
    const wanted = numbers(tensorNamed(reference, `${c.name}/dlogits`));
    expect(maxDifference(gradient, wanted)).toBeLessThan(1e-7);
  });

  it('is stable at ±100', async () => {
    const { loss, gradient } = await lossOf(row(100, -100, 100, -100), row(1, 0, 0, 1));
    expect(loss).toBeCloseTo(50, 5);
    expect(gradient).toEqual([0, 0, 0.25, -0.25].map((x) => expect.closeTo(x, 6)));
  });

  it('differentiates exactly where a logit is 0', async () => {
    const { gradient } = await lossOf(row(0, 0, 0), row(1, 0, 0.3), [2, 1, 4]);
    const derivative = (y: number, p: number) => (1 - y - (1 + (p - 1) * y) * 0.5) / 3;
    const wanted = [derivative(1, 2), derivative(0, 1), derivative(0.3, 4)];
    expect(maxDifference(gradient, wanted)).toBeLessThan(1e-7);
  });

  it('keeps the digits of a small loss', async () => {
    const { loss } = await lossOf(row(9, -9), row(1, 0));
    expect(Math.abs(loss / Math.log1p(Math.exp(-9)) - 1)).toBeLessThan(2e-3);
  });

  it('is the mean over all elements, of soft labels too', async () => {
    const { loss, gradient } = await lossOf(row(0.5, -1), row(0.25, 0.75));
    const term = (x: number, y: number) =>
      -y * Math.log(sigmoid(x)) - (1 - y) * Math.log(sigmoid(-x));
    expect(loss).toBeCloseTo((term(0.5, 0.25) + term(-1, 0.75)) / 2, 6);
    expect(gradient[0]).toBeCloseTo((sigmoid(0.5) - 0.25) / 2, 6);
  });

  it.each([
    [[1, 2, 3], /pos_weight has 3 numbers: expected 2/],
    [[1, 0], /pos_weight holds 0/],
    [[1, Number.NaN], /pos_weight holds NaN/],
  ])('refuses pos_weight %j', (weights, message) => {
    const graph = new Graph('loss', { opset: 17 });
    const x = graph.addInput('x', 'float32', [symbolicDim('batch'), 2]);
    expect(() => addLoss(graph, x, weights)).toThrow(message);
  });
});
