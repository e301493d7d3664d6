import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../src/errors.ts';
import { elementCount, floatTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import { createExecutor, type Executor } from '../../../training/runtime/index.ts';
import { numbers } from '../../support/reference-tensors.ts';
import { compileTiny, toyBatch } from '../../support/tiny-distilbert.ts';

const options = { device: 'cpu', threads: 1, verbose: false };

async function withExecutor(
  body: (executor: Executor) => Promise<void>,
  changes: Parameters<typeof compileTiny>[0] = {},
): Promise<void> {
  const executor = await createExecutor(compileTiny(changes), options);
  try {
    await body(executor);
  } finally {
    await executor.dispose();
  }
}

const flat = (tensors: ReadonlyMap<string, Tensor>) =>
  [...tensors].map(([name, tensor]) => [name, numbers(tensor)]);

describe('the CPU executor', () => {
  it('learns a toy task from batches of several sizes and lengths', async () => {
    await withExecutor(
      async (executor) => {
        const random = new Random(1);
        const test = toyBatch(random, 200);
        const before = (await executor.evaluate(test)).loss;
        for (let step = 1; step <= 300; step++) {
          const batch = toyBatch(random, 16 + random.int(17), 6 + random.int(6));
          const { loss, gradNorm } = await executor.trainStep(batch, { learningRate: 1e-2, step });
          expect(Number.isFinite(loss) && gradNorm > 0).toBe(true);
        }
        const { loss, logits } = await executor.evaluate(test);
        const right = test.labels.filter((y, i) => (y === 1) === (logits[i] ?? 0) > 0).length;
        expect(before).toBeGreaterThan(0.6);
        expect(loss).toBeLessThan(0.2);
        expect(right / test.labels.length).toBeGreaterThan(0.93);
      },
      { weightDecay: 0 },
    );
  });

  it('continues from a loaded state as if it had never stopped', async () => {
    const random = new Random(2);
    const batches = Array.from({ length: 6 }, () => toyBatch(random, 8));
    const update = (i: number) => ({ learningRate: 1e-2, step: i + 1 });
    await withExecutor(async (executor) => {
      for (const [i, batch] of batches.slice(0, 3).entries())
        await executor.trainStep(batch, update(i));
      const middle = executor.state();
      for (const [i, batch] of batches.slice(3).entries())
        await executor.trainStep(batch, update(i + 3));
      const end = flat(executor.state());
      await withExecutor(async (other) => {
        other.load(middle);
        expect(flat(other.state())).toEqual(flat(middle));
        for (const [i, batch] of batches.slice(3).entries())
          await other.trainStep(batch, update(i + 3));
        expect(flat(other.state())).toEqual(end);
      });
    });
  });

  it('gives copies: a later step does not change them', async () => {
    await withExecutor(async (executor) => {
      const parameters = executor.parameters();
      const before = flat(parameters);
      const batch = toyBatch(new Random(2), 8);
      for (const step of [1, 2, 3]) await executor.trainStep(batch, { learningRate: 1e-2, step });
      expect(flat(parameters)).toEqual(before);
      expect(flat(executor.parameters())).not.toEqual(before);
    });
  });

  it('has parameters and moments in its state, the moments 0 at first', async () => {
    await withExecutor(async (executor) => {
      const state = executor.state();
      const names = [...executor.parameters().keys()];
      expect([...state.keys()]).toEqual(
        names.flatMap((name) => [name, `${name}.exp_avg`, `${name}.exp_avg_sq`]),
      );
      expect(numbers(state.get('head.out.bias.exp_avg'))).toEqual([0, 0]);
    });
  });

  it('fails at a loss that is no number, naming the step, with the state as it was', async () => {
    await withExecutor(async (executor) => {
      const batch = toyBatch(new Random(2), 8);
      await executor.trainStep(batch, { learningRate: 1e-3, step: 1 });
      const before = flat(executor.state());
      const broken = { ...batch, labels: new Float32Array(16).fill(Number.NaN) };
      await expect(
        executor.trainStep(broken, { learningRate: 1e-3, step: 2 }),
      ).rejects.toMatchObject({
        code: 'training_failed',
        message: expect.stringContaining('the loss of step 2 is NaN'),
      });
      expect(flat(executor.state())).toEqual(before);
    });
  });

  it('fails at gradients that are no numbers, with the state as it was', async () => {
    await withExecutor(async (executor) => {
      const state = executor.state();
      const huge = state.get('head.out.weight');
      const shape = huge?.dims ?? [];
      executor.load(
        new Map([
          ...state,
          ['head.out.weight', floatTensor(shape, new Float32Array(16).fill(3e38))],
        ]),
      );
      const before = flat(executor.state());
      const step = executor.trainStep(toyBatch(new Random(2), 8), { learningRate: 1e-3, step: 7 });
      await expect(step).rejects.toMatchObject({ code: 'training_failed', message: /step 7/ });
      expect(flat(executor.state())).toEqual(before);
    });
  });

  it.each(['exp_avg', 'exp_avg_sq'])('refuses a state that lacks a moment: %s', async (moment) => {
    await withExecutor(async (executor) => {
      const before = flat(executor.state());
      const name = `head.out.bias.${moment}`;
      const without = new Map(
        [...executor.state()]
          .filter(([other]) => other !== name)
          .map(([other, { dims }]) => [
            other,
            floatTensor(dims, new Float32Array(elementCount(dims))),
          ]),
      );
      expect(() => executor.load(without)).toThrow(
        expect.objectContaining({
          code: 'data_invalid',
          message: `the state holds no "${name}": expected float32 [2]`,
        }),
      );
      expect(flat(executor.state())).toEqual(before);
    });
  });

  it('refuses a state that lacks a parameter or has another shape', async () => {
    await withExecutor(async (executor) => {
      const state = executor.state();
      const without = new Map([...state].filter(([name]) => name !== 'head.out.bias'));
      expect(() => executor.load(without)).toThrow(/no "head\.out\.bias": expected float32 \[2\]/);
      const other = new Map([...state, ['head.out.bias', floatTensor([3], new Float32Array(3))]]);
      expect(() => executor.load(other)).toThrow(/"head\.out\.bias" as float32 \[3\]/);
    });
  });

  it.each(['cuda', 'webgpu', 'coreml', 'dml', 'tpu'])(
    'refuses the device %s, saying what to do',
    async (device) => {
      const attempt = createExecutor(compileTiny(), { ...options, device });
      const error: unknown = await attempt.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({
        code: 'device_unavailable',
        message: expect.stringContaining(device),
        hint: expect.stringContaining('runtime.device=cpu'),
      });
    },
  );
});
