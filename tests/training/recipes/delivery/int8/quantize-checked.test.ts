import { describe, expect, it } from '@jest/globals';
import type { Task } from '../../../../../src/task/index.ts';
import { inferenceModel } from '../../../../../training/artifacts/index.ts';
import type { TokenizedExample } from '../../../../../training/data/index.ts';
import { elementsOf, floatTensor, type Tensor } from '../../../../../training/onnx/tensor.ts';
import { Random } from '../../../../../training/random.ts';
import type { Int8Limits } from '../../../../../training/recipes/delivery/int8/limits.ts';
import { int8Problems } from '../../../../../training/recipes/delivery/int8/limits.ts';
import { quantizeChecked } from '../../../../../training/recipes/delivery/int8/quantize-checked.ts';
import { compileTiny, tinyDistilbert } from '../../../../support/tiny-distilbert.ts';

// Its head is too small to tell anything: wider logits make differences that can be measured.
const compiled = compileTiny();
const initial = new Map(compiled.initial);
const out = initial.get('head.out.weight') as Tensor;
initial.set(
  'head.out.weight',
  floatTensor(
    out.dims,
    (elementsOf(out) as Float32Array).map((w) => 4000 * w),
  ),
);
const model = inferenceModel(tinyDistilbert(), compiled, initial);
const task: Task = {
  name: 'toy',
  cleaning: 'none',
  axes: ['a', 'b'].map((name) => ({ name, labels: ['yes', 'no'], threshold: 0.5, temperature: 1 })),
};
const random = new Random(4, 'int8');
const examples = Array.from(
  { length: 12 },
  (_, i): TokenizedExample => ({
    ids: Int32Array.from({ length: 3 + random.int(6) }, () => 4 + random.int(20)),
    labels: Float32Array.of(i % 2, i % 3 === 0 ? 1 : 0),
  }),
);
const texts = {
  examples,
  task,
  batch: { maxLength: 12, maxWindows: 2, tokenizer: { clsId: 2, sepId: 3, padId: 0 } },
  threads: 1,
};
const loose: Int8Limits = {
  min_agreement: 0,
  max_mean_dp: 1,
  max_dp: null,
  max_f1_drop: 1,
};
const silent = { write: () => true };

describe('quantizeChecked', () => {
  it('measures a file that keeps its limits, and no layer alone', async () => {
    const checked = await quantizeChecked(model, texts, {
      scheme: 'int8',
      limits: loose,
      seed: 1,
      screen: silent,
    });
    expect(checked.refusal).toBeUndefined();
    expect(checked.harms).toEqual([]);
    expect(checked.metrics.texts).toBe(12);
    expect(checked.metrics.mean_dp).toBeGreaterThan(0);
    expect(checked.metrics.mean_dp).toBeLessThan(0.1);
  });

  it('computes the most harmful layers in fp32 until the limits are kept', async () => {
    const options = { scheme: 'int8', seed: 1, screen: silent } as const;
    const plain = await quantizeChecked(model, texts, { ...options, limits: loose });
    const limits = { ...loose, max_mean_dp: plain.metrics.mean_dp * 0.95 };
    const checked = await quantizeChecked(model, texts, { ...options, limits });
    expect(checked.refusal).toBeUndefined();
    expect(checked.metrics.mean_dp).toBeLessThanOrEqual(limits.max_mean_dp);
    const worst = checked.harms.slice(0, checked.quantized.kept.length).map(({ name }) => name);
    expect([...checked.quantized.kept].sort()).toEqual([...worst].sort());
    expect(worst.length).toBeGreaterThan(0);
    const order = checked.harms.map(({ mean_dp }) => mean_dp);
    expect(order).toEqual([...order].sort((a, b) => b - a));
  });

  it('refuses what no layer in fp32 makes right, and says which layers hurt most', async () => {
    const limits = { ...loose, max_mean_dp: 0 };
    const checked = await quantizeChecked(model, texts, {
      scheme: 'int8',
      limits,
      seed: 1,
      screen: silent,
    });
    expect(checked.refusal).toMatchObject({ code: 'quantization_refused', exitCode: 1 });
    expect(checked.refusal?.message).toContain('quantize.max_mean_dp is 0');
    expect(checked.refusal?.message).toContain(checked.harms[0]!.name);
  });
});

describe('int8Problems', () => {
  const good = {
    texts: 1000,
    decisions: 1000,
    agreement: 1,
    mean_dp: 0.001,
    max_dp: 0.1,
    macro_f1_change: 0,
    macro_f1_interval: [0, 0] as const,
    size_ratio: 0.26,
  };
  const limits: Int8Limits = {
    min_agreement: 0.99,
    max_mean_dp: 0.01,
    max_dp: 0.2,
    max_f1_drop: 0.01,
  };

  it('finds none where every limit is kept', () => {
    expect(int8Problems(good, limits)).toEqual([]);
  });

  it('takes decisions that change by no more than 0.005 for ties', () => {
    expect(int8Problems({ ...good, max_dp: 0.005, agreement: 0.5 }, limits)).toEqual([]);
  });

  it('lets one decision of few change', () => {
    expect(int8Problems({ ...good, decisions: 40, agreement: 39 / 40 }, limits)).toEqual([]);
    expect(int8Problems({ ...good, decisions: 40, agreement: 38 / 40 }, limits)).toHaveLength(1);
  });

  it.each([
    ['agreement', 0.98, 'min_agreement'],
    ['mean_dp', 0.02, 'max_mean_dp'],
    ['max_dp', 0.3, 'max_dp'],
    ['macro_f1_change', -0.02, 'max_f1_drop'],
    ['mean_dp', Number.NaN, 'max_mean_dp'],
  ])('finds %s of %d', (metric, value, key) => {
    const problems = int8Problems({ ...good, [metric]: value }, limits);
    expect(problems).toEqual([expect.stringContaining(`quantize.${key}`)]);
  });
});
