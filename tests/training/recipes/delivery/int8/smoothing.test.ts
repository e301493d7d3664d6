import { describe, expect, it } from '@jest/globals';
import { quantizeModel } from '../../../../../training/deploy/quantize/quantize-model.ts';
import { activationsOf, smoothModel } from '../../../../../training/deploy/quantize/smooth.ts';
import { cloneModel } from '../../../../../training/onnx/clone.ts';
import { intTensor } from '../../../../../training/onnx/tensor.ts';
import { channelRanges } from '../../../../../training/recipes/delivery/int8/channel-ranges.ts';
import { harmOfLayers } from '../../../../../training/recipes/delivery/int8/layer-harm.ts';
import { quantizeChecked } from '../../../../../training/recipes/delivery/int8/quantize-checked.ts';
import { scoreAsServed } from '../../../../../training/recipes/delivery/int8/score-as-served.ts';
import { runSession, sessionOf } from '../../../../support/run-graph.ts';
import { toyModel, toyTexts } from '../toy-task.ts';

const model = toyModel({
  vocab_size: 60,
  dim: 16,
  n_layers: 1,
  hidden_dim: 32,
  initializer_range: 0.6,
});
const texts = { ...toyTexts({ name: 'smoothing', count: 8, ids: 50, maxWindows: 1 }), threads: 1 };
const { examples } = texts;
const distance = (p: Float64Array, q: Float64Array): number =>
  p.reduce((sum, value, i) => sum + Math.abs(value - q[i]!), 0) / p.length;

describe('the ranges of channels', () => {
  it('are the largest sizes that any text reaches, below 0 as above', async () => {
    const found = await channelRanges(model, texts);
    const { graph } = cloneModel(model);
    const names = activationsOf(model).map(({ name }) => name);
    for (const name of names) {
      const value = graph.find(name)!;
      if (!graph.outputs.includes(value)) graph.outputs.push(value);
    }
    const session = await sessionOf(graph);
    const most = new Map<string, number[]>();
    for (const { ids } of examples) {
      const fed = [2, ...ids, 3];
      const results = await runSession(session, {
        input_ids: intTensor([1, fed.length], fed),
        attention_mask: intTensor(
          [1, fed.length],
          fed.map(() => 1),
        ),
      });
      for (const name of names) {
        const { dims, values } = results[name]!;
        const width = dims.at(-1)!;
        const before = most.get(name) ?? Array<number>(width).fill(0);
        most.set(
          name,
          before.map((size, j) =>
            Math.max(size, ...values.filter((_, i) => i % width === j).map(Math.abs)),
          ),
        );
      }
    }
    expect([...found.keys()].sort()).toEqual([...new Set(names)].sort());
    for (const [name, range] of found) {
      // The runtime may join other operators where an inner value is not asked for.
      const apart = most.get(name)!.map((size, j) => Math.abs(size - range[j]!));
      expect(Math.max(...apart)).toBeLessThan(1e-4);
    }
  });
});

describe('smoothing', () => {
  it('takes the strength whose answers lie nearest to those in fp32', async () => {
    const reference = await scoreAsServed(model, texts);
    const ranges = await channelRanges(model, texts);
    const distances: number[] = [];
    for (const strength of [0.5, 0.65, 0.8, 0.95]) {
      const candidate = quantizeModel(smoothModel(model, ranges, strength)).model;
      distances.push(distance(await scoreAsServed(candidate, texts), reference));
    }
    const plain = distance(await scoreAsServed(quantizeModel(model).model, texts), reference);
    const best = Math.min(...distances);
    // Else smoothing would not be tried, or could not be told from the plain file.
    expect(best).toBeLessThan(0.9 * plain);
    const others = distances.filter((one) => one !== best);
    const limit = (best + Math.min(...others)) / 2;
    const { metrics, quantized } = await quantizeChecked(model, texts, {
      scheme: 'int8',
      seed: 1,
      // 0.8 of it is aimed at: only the best strength gets there.
      limits: { min_agreement: 0, max_mean_dp: limit / 0.8, max_dp: null, max_f1_drop: 1 },
      screen: { write: () => true },
      calibration: texts,
    });
    expect(quantized.kept).toEqual([]);
    expect(metrics.mean_dp).toBeCloseTo(best, 10);
  });
});

describe('the harm of a layer', () => {
  it('is the mean size of what it alone changes, over texts and axes', async () => {
    const quantized = quantizeModel(model);
    const harms = await harmOfLayers(model, quantized, texts, 'int8');
    const reference = await scoreAsServed(model, texts);
    for (const { name, mean_dp } of [harms[0]!, harms.at(-1)!]) {
      const alone = quantizeModel(model, { keep: (layer) => layer !== name });
      expect(mean_dp).toBeCloseTo(distance(await scoreAsServed(alone.model, texts), reference), 10);
      expect(mean_dp).toBeGreaterThan(0);
    }
  });
});
