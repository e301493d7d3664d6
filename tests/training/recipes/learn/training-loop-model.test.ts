import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../../../src/errors.ts';
import { untunedTask } from '../../../../src/task/index.ts';
import type { Batch } from '../../../../training/data/index.ts';
import { majorityBaseline } from '../../../../training/evaluate/index.ts';
import { floatTensor, numbersOf, type Tensor } from '../../../../training/onnx/tensor.ts';
import { labelTable } from '../../../../training/recipes/delivery/split-scores.ts';
import { type TrainingRun, trainEpochs } from '../../../../training/recipes/learn/training-loop.ts';
import {
  newRunState,
  parseRunState,
  type RunState,
} from '../../../../training/recipes/run/state.ts';
import type { Executor } from '../../../../training/runtime/index.ts';
import { pieceCount } from '../../../../training/runtime/micro-batches.ts';

const axes = [{ name: 'mood', labels: ['good', 'bad'] as const }];
const task = untunedTask({ name: 'mood', axes }, 'none');
const examples = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ids: Int32Array.of(10 + i),
    labels: Float32Array.of(i % 2),
  }));
const validation = examples(4);
const labels = labelTable(validation, 1);

interface Settings {
  readonly texts: number;
  readonly totalSteps: number;
  readonly accumulate: number;
  readonly patience: number | null;
  readonly evaluate_every: number | null;
  readonly checkpoint_every: number | null;
  readonly stepsPerRun: number;
  /** The loss of a validation after so many updates; the loss is the metric. */
  readonly losses: readonly number[];
}

/** What comes to an end before training does. */
class Killed extends Error {}

interface Saved {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly state: string;
}

/** A run that may be cut off: what is left of it is what it had saved, and what it had seen of the world. */
class Run {
  readonly settings: Settings;
  readonly checkpoints = new Map<string, Saved>();
  /** By update: its texts, learning rate, and the position of its masks. */
  readonly steps = new Map<number, string>();
  /** By update: the loss, and what was thought of it. */
  readonly validations = new Map<number, string>();
  end: unknown;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** Trains from the last checkpoint; `cut`: after so many calls of the executor it is stopped or killed. */
  async train(cut?: { readonly after: number; readonly how: 'stop' | 'kill' }): Promise<void> {
    const last = this.checkpoints.get('last');
    const state = last ? parseRunState(last.state, 'last') : newRunState();
    const controller = new AbortController();
    let calls = 0;
    const call = () => {
      calls += 1;
      if (calls !== cut?.after) return;
      if (cut.how === 'kill') throw new Killed();
      controller.abort(new AppError('interrupted', 'interrupted'));
    };
    const executor = this.#executor(call);
    if (last) {
      executor.load(last.tensors);
      await executor.continueAt(state.runs);
    }
    try {
      await trainEpochs(this.#parts(executor, controller.signal, state), state);
    } catch (error) {
      const isExpected = error instanceof Killed || controller.signal.aborted;
      if (!isExpected) throw error;
    }
  }

  /** Its whole state is how many updates it has done; masks are numbered by the runs of the graph. */
  #executor(call: () => void): Executor {
    const { stepsPerRun, accumulate, losses } = this.settings;
    let [updates, masks] = [0, 0];
    const runsOf = (size: number) => pieceCount(size, accumulate);
    const executor: Executor = {
      stepsPerRun,
      trainStep: async ({ inputIds, size }: Batch, { step, learningRate }) => {
        call();
        expect(step).toBe(updates + 1);
        updates += 1;
        const seen = `${[...inputIds].join()} at ${learningRate} with ${masks}`;
        // The same again after a run that was killed.
        expect(this.steps.get(step) ?? seen).toBe(seen);
        this.steps.set(step, seen);
        masks += runsOf(size);
        return { loss: step, gradNorm: 1, skipped: step % 5 === 0 };
      },
      evaluate: async ({ size }) => {
        call();
        return { loss: losses[updates % losses.length] ?? 1, logits: new Float32Array(size) };
      },
      runsOf,
      continueAt: async (runs) => {
        masks = runs;
      },
      masksFollowBatches: true,
      parameters: () => new Map(),
      state: () => new Map([['updates', floatTensor([], Float32Array.of(updates))]]),
      load: (state) => {
        const tensor = state.get('updates');
        updates = Number(tensor && numbersOf(tensor)[0]);
      },
      dispose: async () => {},
    };
    return executor;
  }

  #parts(executor: Executor, stop: AbortSignal, state: RunState): TrainingRun {
    const { texts, totalSteps, losses: _losses, stepsPerRun: _steps, ...train } = this.settings;
    return {
      executor,
      config: {
        seed: 1,
        train: { label_smoothing: 0, best_metric: 'loss', ...train } as never,
      },
      task,
      batches: { batchSize: 2, maxLength: 8, tokenizer: { clsId: 2, sepId: 3, padId: 0 } },
      train: examples(texts),
      validation,
      majority: majorityBaseline(axes, labels, labels),
      totalSteps,
      learningRate: (step) => step / 100,
      checkpoints: {
        save: async (name, tensors, { ...now }) => {
          this.checkpoints.set(name, { tensors, state: JSON.stringify(now) });
          return name;
        },
        load: async () => ({ tensors: new Map(), state }),
      },
      progress: {
        step: () => {},
        print: () => {},
        pause: () => ({ at: () => {}, write: () => {}, end: () => {} }),
        wait: (_label, _what, work) => work(),
        finish: () => {},
      },
      log: { write: (entry) => this.#log(entry), close: () => {} },
      stop,
      timeIsUp: () => false,
    };
  }

  #log({ event, step, loss, train_loss, best, reason }: Record<string, unknown>): void {
    if (event === 'end') this.end = [step, reason];
    if (event !== 'validation') return;
    const seen = `${loss} ${best} ${train_loss}`;
    expect(this.validations.get(Number(step)) ?? seen).toBe(seen);
    this.validations.set(Number(step), seen);
  }
}

const every = fc.option(fc.integer({ min: 1, max: 7 }), { nil: null });
const settings: fc.Arbitrary<Settings> = fc.record({
  texts: fc.integer({ min: 1, max: 14 }),
  totalSteps: fc.integer({ min: 1, max: 25 }),
  accumulate: fc.integer({ min: 1, max: 3 }),
  patience: fc.option(fc.integer({ min: 1, max: 4 }), { nil: null }),
  evaluate_every: every,
  checkpoint_every: every,
  stepsPerRun: fc.integer({ min: 1, max: 3 }),
  losses: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 9 }),
});

const cuts = fc.array(
  fc.record({
    after: fc.integer({ min: 1, max: 12 }),
    how: fc.constantFrom('stop' as const, 'kill' as const),
  }),
  { maxLength: 4 },
);

/** When patience ends, counted anew: validations since the last that was better than all before it. */
function endOf({ validations, settings: { patience, totalSteps } }: Run): unknown[] {
  let [best, worse] = [Infinity, 0];
  for (const [step, seen] of [...validations].sort(([a], [b]) => a - b)) {
    const loss = Number(seen.split(' ')[0]);
    worse = loss < best ? 0 : worse + 1;
    expect(seen.split(' ')[1]).toBe(String(worse === 0));
    best = Math.min(best, loss);
    if (step < totalSteps && worse === patience) {
      return [step, `${patience} validations brought no better loss (train.patience)`];
    }
  }
  return [totalSteps, 'steps'];
}

/** The updates after which the validation split is measured: every so many, or each epoch, and at the end. */
function validatedAt({ settings: { texts, accumulate, evaluate_every }, steps }: Run): number[] {
  const every = evaluate_every ?? Math.ceil(texts / (2 * accumulate));
  const all = [...steps.keys()];
  return all.filter((step) => step % every === 0 || step === all.length);
}

describe('a training that is stopped or killed, again and again', () => {
  it('takes the steps, validations, masks and the end of one that never was', async () => {
    await fc.assert(
      fc.asyncProperty(settings, cuts, async (given, all) => {
        const unbroken = new Run(given);
        await unbroken.train();
        expect(unbroken.end).toEqual(endOf(unbroken));
        expect([...unbroken.validations.keys()]).toEqual(validatedAt(unbroken));
        const broken = new Run(given);
        for (const cut of all) await broken.train(cut);
        await broken.train();
        expect(broken.steps).toEqual(unbroken.steps);
        expect(new Map([...broken.validations].sort(([a], [b]) => a - b))).toEqual(
          unbroken.validations,
        );
        expect(broken.end).toEqual(unbroken.end);
        expect(broken.checkpoints.get('best')).toEqual(unbroken.checkpoints.get('best'));
      }),
      { numRuns: 80, interruptAfterTimeLimit: 5_000 },
    );
  });
});
