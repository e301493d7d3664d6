import { describe, expect, it } from '@jest/globals';
import { floatTensor, intTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { problemsOf } from '../../../training/onnx/verify.ts';
import { adamWModel } from '../../../training/optim/index.ts';
import {
  maxDifference,
  numbers,
  readFixtureJson,
  readReference,
  tensorNamed,
  under,
} from '../../support/reference-tensors.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

const scalar = (value: number): Tensor => floatTensor([], Float32Array.of(value));
const step = (t: number): Tensor => ({ ...intTensor([1], [t]), dims: [] });
const one = { name: 'w', shape: [1], decay: true };

/** The state of a single number w = 1 after one update t with gradient g, all moments 0. */
async function updateOnce(
  t: number,
  g: number,
  options = { weightDecay: 0, maxGradNorm: null as number | null },
) {
  const session = await sessionOf(adamWModel([one], options).graph);
  const zero = floatTensor([1], Float32Array.of(0));
  const results = await runSession(session, {
    learning_rate: scalar(0.1),
    step: step(t),
    w: floatTensor([1], Float32Array.of(1)),
    'w.grad': floatTensor([1], Float32Array.of(g)),
    'w.exp_avg': zero,
    'w.exp_avg_sq': zero,
  });
  return (name: string): number => results[name]?.values[0] ?? Number.NaN;
}

describe('the AdamW graph', () => {
  it('gives PyTorch’s parameters and moments after each of four clipped steps', async () => {
    const about = readFixtureJson<{ learning_rate: number[]; grad_norm: number[] }>(
      'training/adamw.json',
    );
    const reference = await readReference('training/adamw.safetensors');
    const start = under(reference, 'start/');
    const parameters = [...start].map(([name, { dims }]) => ({
      name,
      shape: dims,
      decay: name === 'dense.weight',
    }));
    const { graph } = adamWModel(parameters, { weightDecay: 0.05, maxGradNorm: 1 });
    expect(problemsOf(graph)).toEqual([]);
    const session = await sessionOf(graph);
    const state = new Map<string, Tensor>();
    for (const [name, tensor] of start) {
      state.set(name, tensor);
      const zeros = floatTensor(tensor.dims, new Float32Array(numbers(tensor).length));
      for (const moment of ['.exp_avg', '.exp_avg_sq']) state.set(name + moment, zeros);
    }
    for (const [i, rate] of about.learning_rate.entries()) {
      const at = `step${i + 1}`;
      const gradients = [...start.keys()].map(
        (name) => [`${name}.grad`, tensorNamed(reference, `${at}/grad/${name}`)] as const,
      );
      const results = await runSession(session, {
        learning_rate: scalar(rate),
        step: step(i + 1),
        ...Object.fromEntries(gradients),
        ...Object.fromEntries(state),
      });
      const norm = results.grad_norm?.values[0] ?? Number.NaN;
      expect(Math.abs(norm / about.grad_norm[i]! - 1)).toBeLessThan(1e-6);
      for (const name of start.keys()) {
        for (const [suffix, kind] of [
          ['', 'param'],
          ['.exp_avg', 'exp_avg'],
          ['.exp_avg_sq', 'exp_avg_sq'],
        ] as const) {
          const found = results[`${name}${suffix}.out`]!;
          const wanted = numbers(tensorNamed(reference, `${at}/${kind}/${name}`));
          const scale = Math.max(...wanted.map(Math.abs));
          expect(maxDifference(found.values, wanted) / scale).toBeLessThan(1e-6);
          state.set(name + suffix, floatTensor(found.dims, Float32Array.from(found.values)));
        }
      }
    }
  });

  it.each([1, 2, 3, 10, 100, 1000, 10_000, 1e6])(
    'corrects the bias at step %i to 1e-6',
    async (t) => {
      const g = 0.5;
      const value = await updateOnce(t, g);
      const mean = 0.1 * g;
      const square = 0.001 * g * g;
      const change =
        (0.1 * (mean / (1 - 0.9 ** t))) / (Math.sqrt(square / (1 - 0.999 ** t)) + 1e-8);
      expect(Math.abs((1 - value('w.out')) / change - 1)).toBeLessThan(1e-6);
    },
  );

  it('leaves gradients alone up to the norm, and scales them down beyond it', async () => {
    const options = { weightDecay: 0, maxGradNorm: 2 };
    const below = await updateOnce(1, 1.5, options);
    expect(below('grad_norm')).toBeCloseTo(1.5, 6);
    expect(below('w.exp_avg.out')).toBeCloseTo(0.15, 6);
    const above = await updateOnce(1, 8, options);
    expect(above('grad_norm')).toBeCloseTo(8, 6);
    expect(above('w.exp_avg.out')).toBeCloseTo(0.2, 5);
    expect(above('w.exp_avg_sq.out')).toBeCloseTo(0.004, 6);
  });

  it('does not clip where no norm is given', async () => {
    const value = await updateOnce(1, 8);
    expect(value('w.exp_avg.out')).toBeCloseTo(0.8, 6);
  });

  it('adds up the squares of millions of elements without losing more than 1e-5', async () => {
    const shape = [3000, 1000];
    const { graph } = adamWModel([{ name: 'w', shape, decay: true }], {
      weightDecay: 0,
      maxGradNorm: 1,
    });
    graph.outputs.splice(0, graph.outputs.length, graph.find('grad_norm')!);
    const values = Float32Array.from({ length: 3_000_000 }, (_, i) => 0.01 * (1 + (i % 7)));
    const wanted = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
    const tensor = floatTensor(shape, values);
    const results = await runSession(await sessionOf(graph), {
      learning_rate: scalar(1),
      step: step(1),
      w: tensor,
      'w.grad': tensor,
      'w.exp_avg': tensor,
      'w.exp_avg_sq': tensor,
    });
    expect(Math.abs(results.grad_norm!.values[0]! / wanted - 1)).toBeLessThan(1e-5);
  });
});
