import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { floatTensor, intTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { type AdamWOptions, adamWModel, FusedAdamW } from '../../../training/optim/index.ts';
import { Random } from '../../../training/random.ts';
import { runSession, sessionOf } from '../../support/run-graph.ts';

interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly options: AdamWOptions;
  readonly step: number;
  readonly learningRate: number;
  readonly seed: number;
}

/** One update by both, from the same random state: what each makes of P, P.exp_avg and P.exp_avg_sq. */
async function updateByBoth({ shapes, options, step, learningRate, seed }: Case) {
  const parameters = shapes.map((shape, i) => ({ name: `p${i}`, shape, decay: i % 2 === 0 }));
  const fused = new FusedAdamW(parameters, options);
  const random = new Random(seed, 'state');
  const feeds: Record<string, Tensor> = {
    learning_rate: floatTensor([], Float32Array.of(learningRate)),
    step: { ...intTensor([1], [step]), dims: [] },
  };
  for (const { name, shape } of parameters) {
    const tensors = fused.tensors.get(name)!;
    for (let i = 0; i < tensors.p.length; i++) {
      tensors.p[i] = random.normal();
      tensors.g[i] = random.int(5) === 0 ? 0 : random.normal() * 10 ** (random.int(6) - 4);
      tensors.m[i] = random.normal() / 100;
      tensors.v[i] = random.normal() ** 2 / 1000;
    }
    feeds[name] = floatTensor(shape, Float32Array.from(tensors.p));
    feeds[`${name}.grad`] = floatTensor(shape, Float32Array.from(tensors.g));
    feeds[`${name}.exp_avg`] = floatTensor(shape, Float32Array.from(tensors.m));
    feeds[`${name}.exp_avg_sq`] = floatTensor(shape, Float32Array.from(tensors.v));
  }
  const wanted = await runSession(await sessionOf(adamWModel(parameters, options).graph), feeds);
  const gradNorm = fused.gradNorm();
  fused.update(learningRate, step, gradNorm);
  return { parameters, fused, gradNorm, wanted };
}

/** The largest |a − b| / (|b| + floor). */
const relative = (a: ArrayLike<number>, b: readonly number[], floor: number): number =>
  b.reduce(
    (most, x, i) => Math.max(most, Math.abs((a[i] ?? Number.NaN) - x) / (Math.abs(x) + floor)),
    0,
  );

async function expectTheSame(example: Case): Promise<void> {
  const { parameters, fused, gradNorm, wanted } = await updateByBoth(example);
  expect(relative([gradNorm], wanted.grad_norm!.values, 1e-30)).toBeLessThan(1e-6);
  for (const { name } of parameters) {
    const { p, m, v } = fused.tensors.get(name)!;
    // A few units in the last place of what is added up (m is some hundredths, and may cancel against the
    // gradient): both round each operation, and the graph its scalars too.
    expect(relative(m, wanted[`${name}.exp_avg.out`]!.values, 0.05)).toBeLessThan(1e-6);
    expect(relative(v, wanted[`${name}.exp_avg_sq.out`]!.values, 1e-6)).toBeLessThan(2e-6);
    const floor = 1 + 10 * example.learningRate;
    expect(relative(p, wanted[`${name}.out`]!.values, floor)).toBeLessThan(1e-6);
  }
}

const shapes = [[3, 5], [7], [64, 33], [], [1], [2, 3, 4], [0, 4]];

describe('the fused optimizer', () => {
  it.each([
    ['the first step, clipped, with decay', 1, 0.5, 0.05],
    ['step 1000, clipped, with decay', 1000, 0.5, 0.05],
    ['the first step without clipping', 1, null, 0.05],
    ['step 1000 without decay', 1000, 1, 0],
    ['a norm below the maximum', 7, 1e6, 0.05],
  ])('updates as the optimizer graph does: %s', async (_, step, maxGradNorm, weightDecay) => {
    const options = { maxGradNorm, weightDecay };
    await expectTheSame({ shapes, options, step, learningRate: 1e-2, seed: step });
  });

  it('updates as the optimizer graph does, whatever the shapes', async () => {
    const shape = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 });
    const options = fc.record({
      weightDecay: fc.constantFrom(0, 0.01, 0.3),
      maxGradNorm: fc.constantFrom(null, 1e-3, 1, 1e3),
    });
    const example = fc.record({
      shapes: fc.array(shape, { minLength: 1, maxLength: 4 }),
      options,
      step: fc.integer({ min: 1, max: 100_000 }),
      learningRate: fc.constantFrom(0, 1e-5, 1e-2),
      seed: fc.nat(),
    });
    await fc.assert(fc.asyncProperty(example, expectTheSame), { numRuns: 25 });
  });

  it('keeps the digits of a norm over many small gradients', () => {
    const fused = new FusedAdamW([{ name: 'p', shape: [3_000_001], decay: false }], {
      weightDecay: 0,
      maxGradNorm: 1,
    });
    fused.tensors.get('p')!.g.fill(1e-3);
    expect(fused.gradNorm()).toBeCloseTo(Math.sqrt(3.000001), 6);
  });

  it('has no finite norm where a gradient is no finite number', () => {
    for (const broken of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const fused = new FusedAdamW([{ name: 'p', shape: [9], decay: false }], {
        weightDecay: 0,
        maxGradNorm: 1,
      });
      fused.tensors.get('p')!.g[7] = broken;
      expect(Number.isFinite(fused.gradNorm())).toBe(false);
    }
  });
});
