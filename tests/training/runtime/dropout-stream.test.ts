import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../training/data/random.ts';
import { CpuExecutor } from '../../../training/runtime/cpu-executor.ts';
import { trainSteps } from '../../../training/runtime/index.ts';
import { LoopExecutor } from '../../../training/runtime/loop-executor.ts';
import { numbers } from '../../support/reference-tensors.ts';
import { compileTiny, toyBatch } from '../../support/tiny-distilbert.ts';

const compiled = compileTiny({ dropout: 0.2 });
const options = { device: 'cpu', threads: 1, loop_steps: 2 };
const random = new Random(3);
const batches = Array.from({ length: 6 }, () => toyBatch(random, 6));
const updates = batches.map((_, k) => ({ learningRate: 1e-2, step: k + 1 }));

describe.each([
  ['the CPU executor', CpuExecutor],
  ['the loop executor', LoopExecutor],
])('%s', (_name, kind) => {
  it('goes on after any step as if it had never stopped, dropout included, bit for bit', async () => {
    const unbroken = await kind.create(compiled, options);
    const whole = await trainSteps(unbroken, batches, updates);
    const first = await kind.create(compiled, options);
    await trainSteps(first, batches.slice(0, 3), updates.slice(0, 3));
    const second = await kind.create(compiled, options);
    second.load(first.state());
    await second.continueAt(3);
    const rest = await trainSteps(second, batches.slice(3), updates.slice(3));
    expect(rest).toEqual(whole.slice(3));
    const [a, b] = [unbroken.state(), second.state()];
    for (const [name, tensor] of a) expect(numbers(b.get(name)!)).toEqual(numbers(tensor));

    const unseeded = await kind.create(compiled, options);
    unseeded.load(first.state());
    const other = await trainSteps(unseeded, batches.slice(3), updates.slice(3));
    expect(other[0]?.loss).not.toBe(rest[0]?.loss);
    for (const executor of [unbroken, first, second, unseeded]) await executor.dispose();
  });
});
