import { AppError } from '../../src/errors.ts';
import type { Batch } from '../data/index.ts';
import type { Executor, StepResult, Update } from './executor.ts';

/**
 * Consecutive steps on any executor, in as few runs as it can: batches of one shape that follow each other go
 * together. AppError `training_failed` as of `Executor.trainStep`.
 */
export async function trainSteps(
  executor: Executor,
  batches: readonly Batch[],
  updates: readonly Update[],
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  while (results.length < batches.length) {
    const from = results.length;
    const to = from + lengthOfRun(batches, from, executor.trainSteps ? executor.stepsPerRun : 1);
    results.push(...(await runOf(executor, batches.slice(from, to), updates.slice(from, to))));
  }
  return results;
}

async function runOf(
  executor: Executor,
  batches: readonly Batch[],
  updates: readonly Update[],
): Promise<StepResult[]> {
  if (executor.trainSteps) return executor.trainSteps(batches, updates);
  const [batch, update] = [batches[0], updates[0]];
  if (!batch || !update) throw new AppError('internal', 'there is no update for a batch');
  return [await executor.trainStep(batch, update)];
}

/** Batches from `from` on that have its shape, at most `most`. */
function lengthOfRun(batches: readonly Batch[], from: number, most = 1): number {
  const first = batches[from];
  const rest = batches.slice(from, from + most);
  const other = rest.findIndex(
    ({ size, length }) => size !== first?.size || length !== first.length,
  );
  return other < 0 ? rest.length : other;
}
