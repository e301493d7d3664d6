import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { floatTensor, type Tensor } from '../../../training/onnx/tensor.ts';
import { Random } from '../../../training/random.ts';
import { CpuExecutor } from '../../../training/runtime/cpu-executor.ts';
import { type Executor, trainSteps } from '../../../training/runtime/index.ts';
import { LoopExecutor } from '../../../training/runtime/loop-executor.ts';
import { maxDifference, numbers } from '../../support/reference-tensors.ts';
import { compileTiny, toyBatch } from '../../support/tiny-distilbert.ts';

const kinds = { 'the CPU executor': CpuExecutor, 'the loop executor': LoopExecutor };
const options = { device: 'cpu', threads: 1, loop_steps: 3 };

type Kind = keyof typeof kinds;

const compiled = compileTiny();

const open = (kind: Kind, of = compiled): Promise<Executor> => kinds[kind].create(of, options);

const flat = (tensors: ReadonlyMap<string, Tensor>) =>
  [...tensors].map(([name, tensor]) => [name, numbers(tensor)]);

/** Seven batches, of which four, then two have one shape. */
function batchesOf(seed: number) {
  const random = new Random(seed);
  return [8, 8, 8, 8, 5, 5, 8].map((size) => toyBatch(random, size));
}

const updates = batchesOf(1).map((_, k) => ({ learningRate: 1e-2 / (k + 1), step: k + 1 }));

/** One executor of each kind for all tests, and its state at the start. */
const executors = new Map<Kind, { executor: Executor; start: ReadonlyMap<string, Tensor> }>();

beforeAll(async () => {
  for (const kind of ['the CPU executor', 'the loop executor'] as const) {
    const executor = await open(kind);
    executors.set(kind, { executor, start: executor.state() });
  }
});

afterAll(async () => {
  for (const { executor } of executors.values()) await executor.dispose();
});

/** The executor of a kind, as if it were new. */
function fresh(kind: Kind): Executor {
  const { executor, start } = executors.get(kind)!;
  executor.load(start);
  return executor;
}

describe('both executors', () => {
  it('have the same losses, norms and final state, together or step by step', async () => {
    const batches = batchesOf(1);
    const singly = async (executor: Executor) => {
      const results = [];
      for (const [k, batch] of batches.entries())
        results.push(await executor.trainStep(batch, updates[k]!));
      return results;
    };
    const together = (executor: Executor) => trainSteps(executor, batches, updates);
    const runs = [];
    for (const kind of ['the CPU executor', 'the loop executor'] as const) {
      for (const train of [together, singly]) {
        const executor = fresh(kind);
        const results = await train(executor);
        const test = await executor.evaluate(batches[0]!);
        runs.push({ results, state: executor.state(), test });
      }
    }
    const [wanted, ...others] = runs;
    expect(wanted?.results).toHaveLength(7);
    for (const { results, state, test } of others) {
      for (const [k, { loss, gradNorm }] of results.entries()) {
        expect(Math.abs(loss / wanted!.results[k]!.loss - 1)).toBeLessThan(1e-5);
        expect(Math.abs(gradNorm / wanted!.results[k]!.gradNorm - 1)).toBeLessThan(1e-5);
      }
      expect([...state.keys()]).toEqual([...wanted!.state.keys()]);
      for (const [name, tensor] of wanted!.state) {
        // Its gradient is zero but for rounding, of which AdamW makes whole steps.
        if (name.includes('k_lin.bias')) continue;
        const values = numbers(tensor);
        const scale = Math.max(1e-3, ...values.map(Math.abs));
        const error = maxDifference(numbers(state.get(name)), values) / scale;
        expect({ name, ok: error < 1e-4, error }).toEqual({ name, ok: true, error });
      }
      expect(maxDifference([...test.logits], [...wanted!.test.logits])).toBeLessThan(1e-4);
      expect(test.loss).toBeCloseTo(wanted!.test.loss, 5);
    }
  });
});

describe.each(Object.keys(kinds) as Kind[])('%s', (kind) => {
  it('continues from a loaded state as if it had never stopped', async () => {
    const batches = batchesOf(2);
    const executor = fresh(kind);
    await trainSteps(executor, batches.slice(0, 3), updates.slice(0, 3));
    const middle = executor.state();
    await trainSteps(executor, batches.slice(3), updates.slice(3));
    const end = flat(executor.state());
    const other = await open(kind);
    other.load(middle);
    expect(flat(other.state())).toEqual(flat(middle));
    await trainSteps(other, batches.slice(3), updates.slice(3));
    expect(flat(other.state())).toEqual(end);
    await other.dispose();
  });

  it('gives copies: later steps do not change them', async () => {
    const executor = fresh(kind);
    const parameters = executor.parameters();
    const before = flat(parameters);
    await trainSteps(executor, batchesOf(2), updates);
    expect(flat(parameters)).toEqual(before);
    expect(flat(executor.parameters())).not.toEqual(before);
  });

  it.each([1, 3, 4])(
    'names step %i where its loss is no number, with the state before it',
    async (bad) => {
      const batches = batchesOf(2);
      const broken = [...batches];
      broken[bad - 1] = { ...batches[bad - 1]!, labels: new Float32Array(16).fill(Number.NaN) };
      const executor = fresh(kind);
      await expect(trainSteps(executor, broken, updates)).rejects.toMatchObject({
        code: 'training_failed',
        message: expect.stringContaining(`the loss of step ${bad} is NaN`),
      });
      const left = flat(executor.state());
      const unbroken = fresh(kind);
      await trainSteps(unbroken, batches.slice(0, bad - 1), updates.slice(0, bad - 1));
      expect(left).toEqual(flat(unbroken.state()));
    },
  );

  it('fails at gradients that are no numbers, with the state as it was', async () => {
    const executor = fresh(kind);
    const huge = floatTensor([8, 2], new Float32Array(16).fill(3e38));
    executor.load(new Map([...executor.state(), ['head.out.weight', huge]]));
    const before = flat(executor.state());
    const step = executor.trainStep(batchesOf(2)[0]!, { learningRate: 1e-3, step: 7 });
    await expect(step).rejects.toMatchObject({ code: 'training_failed', message: /step 7/ });
    expect(flat(executor.state())).toEqual(before);
  });

  it('refuses a state that lacks a parameter or has another shape', () => {
    const executor = fresh(kind);
    const state = executor.state();
    const without = new Map([...state].filter(([name]) => name !== 'head.out.bias'));
    expect(() => executor.load(without)).toThrow(/no "head\.out\.bias": expected float32 \[2\]/);
    const other = new Map([...state, ['head.out.bias', floatTensor([3], new Float32Array(3))]]);
    expect(() => executor.load(other)).toThrow(/"head\.out\.bias" as float32 \[3\]/);
  });

  it('refuses a graph with an input that no batch gives', async () => {
    const strange = { ...compiled, inputs: ['input_ids', 'pixels'] };
    await expect(open(kind, strange)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('"pixels"'),
    });
  });

  it('drops other activations in every step', async () => {
    const executor = await open(kind, compileTiny({ dropout: 0.4 }));
    const [batch] = batchesOf(3);
    const noUpdates = [1, 2, 3].map((step) => ({ learningRate: 0, step }));
    const results = await trainSteps(executor, [batch!, batch!, batch!], noUpdates);
    expect(new Set(results.map(({ loss }) => loss)).size).toBe(3);
    await executor.dispose();
  });
});

describe('steps', () => {
  it.each([
    [3, [3, 1, 2, 1]],
    [100, [4, 2, 1]],
    [1, [1, 1, 1, 1, 1, 1, 1]],
  ])('of which a run may hold %i go together where the shape stays: %j', async (most, runs) => {
    const found: number[] = [];
    const fake: Executor = {
      ...fresh('the loop executor'),
      stepsPerRun: most,
      trainSteps: async (batches, given) => {
        found.push(batches.length);
        return given.map(({ step }) => ({ loss: step, gradNorm: 0 }));
      },
    };
    const results = await trainSteps(fake, batchesOf(1), updates);
    expect(found).toEqual(runs);
    expect(results.map(({ loss }) => loss)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('the loop executor', () => {
  it('refuses a run of batches of several shapes, or of steps with gaps', async () => {
    const executor = fresh('the loop executor');
    const batches = batchesOf(1);
    const mixed = executor.trainSteps?.(batches.slice(3, 5), updates.slice(3, 5));
    await expect(mixed).rejects.toMatchObject({ code: 'internal' });
    const gap = executor.trainSteps?.(batches.slice(0, 2), [updates[0]!, updates[2]!]);
    await expect(gap).rejects.toMatchObject({ code: 'internal' });
  });

  it('wants as many steps in a run as it was told', () => {
    expect(fresh('the loop executor').stepsPerRun).toBe(3);
  });
});

describe.each(['the CPU executor', 'the loop executor'] as const)('accumulating, %s', (kind) => {
  it('updates as if each batch had been computed at once, whatever its size', async () => {
    // A loss is a mean, so that pieces of one size weigh the same: only rounding may differ.
    const pieces = compileTiny({ accumulate: 3, posWeight: [2, 3] });
    const executor = await open(kind, pieces);
    const wanted = await open(kind, compileTiny({ posWeight: [2, 3] }));
    expect([9, 8, 5, 2].map((size) => executor.runsOf(size))).toEqual([3, 4, 5, 2]);
    const found = await trainSteps(executor, batchesOf(4), updates);
    const whole = await trainSteps(wanted, batchesOf(4), updates);
    for (const [k, { loss, gradNorm }] of found.entries()) {
      expect(Math.abs(loss / whole[k]!.loss - 1)).toBeLessThan(1e-5);
      expect(Math.abs(gradNorm / whole[k]!.gradNorm - 1)).toBeLessThan(1e-4);
    }
    for (const [name, tensor] of wanted.parameters()) {
      // The exact gradient of a key's bias is 0: AdamW makes steps of what is rounding there.
      if (name.includes('k_lin.bias')) continue;
      const error = maxDifference(numbers(executor.parameters().get(name)!), numbers(tensor));
      expect({ name, close: error < 1e-4 }).toEqual({ name, close: true });
    }
    for (const one of [executor, wanted]) await one.dispose();
  });
});
