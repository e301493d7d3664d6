import { describe, expect, it } from '@jest/globals';
import type { CompiledArtifacts, CompileOptions } from '../../../training/artifacts/index.ts';
import { floatTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import { CpuExecutor } from '../../../training/runtime/cpu-executor.ts';
import { type Executor, trainSteps } from '../../../training/runtime/index.ts';
import { LoopExecutor } from '../../../training/runtime/loop-executor.ts';
import { numbers } from '../../support/reference-tensors.ts';
import { compileTiny, toyBatch } from '../../support/tiny-distilbert.ts';

const kinds = { 'the CPU executor': CpuExecutor, 'the loop executor': LoopExecutor };
const options = { device: 'cpu', threads: 1, loop_steps: 3 };

type Kind = keyof typeof kinds;

const compiled = new Map<string, CompiledArtifacts>();

/** Compiled once for each set of options. */
function artifacts(changes: Partial<CompileOptions>): CompiledArtifacts {
  const key = JSON.stringify(changes);
  const known = compiled.get(key) ?? compileTiny(changes);
  compiled.set(key, known);
  return known;
}

async function withExecutor(
  kind: Kind,
  changes: Partial<CompileOptions>,
  body: (executor: Executor) => Promise<void>,
): Promise<void> {
  const executor = await kinds[kind].create(artifacts({ precision: 'fp16', ...changes }), options);
  try {
    await body(executor);
  } finally {
    await executor.dispose();
  }
}

type State = ReadonlyMap<string, Tensor>;

const flat = (state: State) => [...state].map(([name, tensor]) => [name, numbers(tensor)]);
const scaleOf = (state: State) => numbers(state.get('loss_scale'))[0];
const updatesOf = (state: State) => numbers(state.get('loss_scale.updates'))[0];
/** All of a state but the loss scale's own numbers. */
const tensorsOf = (state: State) =>
  flat(new Map([...state].filter(([name]) => !name.startsWith('loss_scale'))));

/** A state with another loss scale; float32 holds 2¹²⁷, by which every gradient overflows. */
const withScale = (state: State, scale: number): State =>
  new Map([...state, ['loss_scale', floatTensor([], Float32Array.of(scale))]]);

const batchesOf = (seed: number, count: number) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => toyBatch(random, 8));
};

const updatesFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ learningRate: 1e-2, step: first + i }));

describe.each(Object.keys(kinds) as Kind[])('in float16, %s', (kind) => {
  it('learns, with the losses of float32', async () => {
    const random = new Random(1);
    const all = Array.from({ length: 150 }, () => toyBatch(random, 16));
    const losses = async (precision: 'fp32' | 'fp16', count: number) => {
      const batches = all.slice(0, count);
      let found: number[] = [];
      await withExecutor(kind, { precision, weightDecay: 0 }, async (executor) => {
        const results = await trainSteps(executor, batches, updatesFrom(1, batches.length));
        found = results.map(({ loss }) => loss);
      });
      return found;
    };
    const [half, full] = [await losses('fp16', 150), await losses('fp32', 4)];
    // Roundings of 5e-4 that Adam's steps carry on: the first losses agree, later runs drift apart.
    for (const [k, loss] of full.entries())
      expect(Math.abs(half[k]! / loss - 1)).toBeLessThan(1e-3);
    const last = half.slice(-10).reduce((sum, loss) => sum + loss / 10, 0);
    expect(half[0]).toBeGreaterThan(0.6);
    expect(last).toBeLessThan(0.35);
  });

  it.each([1, 3])(
    'skips a step that overflows, and only halves the scale, in %i pieces',
    async (accumulate) => {
      await withExecutor(kind, { accumulate }, async (executor) => {
        const [batch, ...rest] = batchesOf(2, 6);
        await executor.trainStep(batch!, { learningRate: 1e-2, step: 1 });
        executor.load(withScale(executor.state(), 2 ** 127));
        const before = executor.state();
        const results = await trainSteps(executor, rest, updatesFrom(2, 5));
        expect(results.map(({ skipped }) => skipped)).toEqual(Array(5).fill(true));
        for (const { loss, gradNorm } of results) {
          expect(Number.isFinite(loss)).toBe(true);
          expect(Number.isFinite(gradNorm)).toBe(false);
        }
        expect(tensorsOf(executor.state())).toEqual(tensorsOf(before));
        expect(scaleOf(executor.state())).toBe(2 ** 122);
        expect(updatesOf(executor.state())).toBe(1);
      });
    },
  );

  it('goes on after an overflow as if the step had not been, Adam counting updates', async () => {
    await withExecutor(kind, {}, async (executor) => {
      const [batch] = batchesOf(2, 1);
      const start = executor.state();
      executor.load(withScale(start, 2 ** 40));
      let steps = 0;
      for (let skipped: boolean | undefined = true; skipped; steps++) {
        ({ skipped } = await executor.trainStep(batch!, { learningRate: 1e-2, step: steps + 1 }));
      }
      const recovered = executor.state();
      expect(steps).toBeGreaterThan(5);
      expect(scaleOf(recovered)).toBe(2 ** (41 - steps));
      executor.load(withScale(start, 2 ** (41 - steps)));
      const { skipped } = await executor.trainStep(batch!, { learningRate: 1e-2, step: 1 });
      expect(skipped).toBe(false);
      expect(flat(executor.state())).toEqual(flat(recovered));
      expect(updatesOf(recovered)).toBe(1);
    });
  });

  it('stops where gradients overflow at a scale of 1, with the state before that step', async () => {
    // The loss is some 1e12, a float32; no gradient inside is a float16, whatever the runtime computes in float32.
    await withExecutor(kind, { posWeight: [1e12, 1e12] }, async (executor) => {
      const before = tensorsOf(executor.state());
      const steps = trainSteps(executor, batchesOf(3, 20), updatesFrom(1, 20));
      await expect(steps).rejects.toMatchObject({
        code: 'training_failed',
        step: 17,
        message: expect.stringContaining('the loss scale falls below 1 at step 17'),
        hint: expect.stringContaining('runtime.precision=fp32'),
      });
      expect(tensorsOf(executor.state())).toEqual(before);
      expect(scaleOf(executor.state())).toBe(1);
    });
  });

  it('fails at a loss that is no number at once: no scale would help', async () => {
    await withExecutor(kind, {}, async (executor) => {
      const batches = batchesOf(2, 3);
      batches[1] = { ...batches[1]!, labels: new Float32Array(16).fill(Number.NaN) };
      await expect(trainSteps(executor, batches, updatesFrom(1, 3))).rejects.toMatchObject({
        code: 'training_failed',
        message: expect.stringContaining('the loss of step 2 is NaN'),
      });
      expect(updatesOf(executor.state())).toBe(1);
    });
  });

  it.each([1, 2])(
    'continues bit for bit from a state between overflows, in %i pieces',
    async (accumulate) => {
      await withExecutor(kind, { accumulate, dropout: 0.2 }, async (executor) => {
        const batches = batchesOf(4, 9);
        // Of the scales from here on, the first few overflow.
        executor.load(withScale(executor.state(), 2 ** 30));
        const head = await trainSteps(executor, batches.slice(0, 4), updatesFrom(1, 4));
        expect(head.some(({ skipped }) => skipped)).toBe(true);
        const middle = executor.state();
        await trainSteps(executor, batches.slice(4), updatesFrom(5, 5));
        const end = flat(executor.state());
        await withExecutor(kind, { accumulate, dropout: 0.2 }, async (other) => {
          other.load(middle);
          await other.continueAt(4 * accumulate);
          await trainSteps(other, batches.slice(4), updatesFrom(5, 5));
          expect(flat(other.state())).toEqual(end);
        });
      });
    },
  );

  it('refuses a state whose loss scale is none', async () => {
    await withExecutor(kind, {}, async (executor) => {
      for (const scale of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
        expect(() => executor.load(withScale(executor.state(), scale))).toThrow(/"loss_scale"/);
      }
    });
  });

  it('updates in pieces as if the batch had been computed at once', async () => {
    const gradients = async (accumulate: number) => {
      let found: number[] = [];
      await withExecutor(kind, { accumulate, maxGradNorm: 1e9 }, async (executor) => {
        const results = await trainSteps(executor, batchesOf(5, 3), updatesFrom(1, 3));
        found = results.flatMap(({ loss, gradNorm }) => [loss, gradNorm]);
      });
      return found;
    };
    const [pieces, whole] = [await gradients(4), await gradients(1)];
    // Float16 rounds the pieces' sums otherwise: 5e-4 each.
    for (const [i, wanted] of whole.entries())
      expect(Math.abs(pieces[i]! / wanted - 1)).toBeLessThan(2e-3);
  });
});
