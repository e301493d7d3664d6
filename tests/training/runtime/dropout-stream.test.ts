import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../training/random.ts';
import { CpuExecutor } from '../../../training/runtime/cpu-executor.ts';
import { trainSteps } from '../../../training/runtime/index.ts';
import { LoopExecutor } from '../../../training/runtime/loop-executor.ts';
import { numbers } from '../../support/reference-tensors.ts';
import { compileTiny, toyBatch } from '../../support/tiny-distilbert.ts';

const compiled = new Map(
  [1, 3].map((accumulate) => [accumulate, compileTiny({ dropout: 0.2, accumulate })]),
);
const options = { device: 'cpu', threads: 1, loop_steps: 2 };
const random = new Random(3);
/** Where three pieces are wanted, these have three each, but the fourth one, and the fifth five. */
const batches = [6, 6, 6, 1, 5, 6].map((size) => toyBatch(random, size));
const updates = batches.map((_, k) => ({ learningRate: 1e-2, step: k + 1 }));

describe.each([
  ['the CPU executor', CpuExecutor],
  ['the loop executor', LoopExecutor],
])('%s', (_name, kind) => {
  it.each([
    { accumulate: 1, runs: [0, 1, 2, 3, 4, 5] },
    { accumulate: 3, runs: [0, 3, 6, 9, 10, 15] },
  ])(
    'goes on after any step as if it had never stopped, dropout included, bit for bit: $accumulate pieces',
    async ({ accumulate, runs }) => {
      const open = () => kind.create(compiled.get(accumulate)!, options);
      const unbroken = await open();
      const whole = await trainSteps(unbroken, batches, updates);
      const first = await open();
      let done = 0;
      for (const k of [4, 5]) {
        await trainSteps(first, batches.slice(done, k), updates.slice(done, k));
        done = k;
        const counted = batches.slice(0, k).map(({ size }) => first.runsOf(size));
        expect(counted.reduce((sum, one) => sum + one, 0)).toBe(runs[k]);
        const second = await open();
        second.load(first.state());
        await second.continueAt(runs[k]!);
        const rest = await trainSteps(second, batches.slice(k), updates.slice(k));
        expect(rest).toEqual(whole.slice(k));
        const [a, b] = [unbroken.state(), second.state()];
        for (const [name, tensor] of a) expect(numbers(b.get(name)!)).toEqual(numbers(tensor));
        await second.dispose();
      }
      const unseeded = await open();
      unseeded.load(first.state());
      const other = await trainSteps(unseeded, batches.slice(5), updates.slice(5));
      expect(other[0]?.loss).not.toBe(whole[5]?.loss);
      for (const executor of [unbroken, first, unseeded]) await executor.dispose();
    },
  );
});
