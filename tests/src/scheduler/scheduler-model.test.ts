import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Scheduler } from '../../../src/scheduler/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeEngines } from '../../support/fake-engines.ts';
import { type ModelLimits, SchedulerModel } from './scheduler-model.ts';

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Answer {
  readonly contents: readonly string[];
  readonly controller: AbortController;
  /** The code of its error, or `ok`. */
  outcomes: string[];
  retryAfter: number | undefined;
}

/** A scheduler on engines and a clock of the test, and all that it has said. */
class Real {
  readonly clock = new FakeClock();
  readonly engines: FakeEngines;
  readonly scheduler: Scheduler;
  readonly answers: Answer[] = [];
  readonly rejected: string[] = [];
  readonly queueMs: number[] = [];

  constructor({ engines, maxDepth, maxTokens }: ModelLimits) {
    this.engines = new FakeEngines(engines);
    this.scheduler = new Scheduler({
      engines: this.engines,
      maxDepth,
      maxTokens,
      clock: this.clock,
      observer: {
        rejected: (reason) => this.rejected.push(reason),
        scored: ({ queueMs }) => this.queueMs.push(queueMs),
      },
    });
  }

  submit(caller: string, contents: readonly string[], timeoutMs: number): void {
    const controller = new AbortController();
    const answer: Answer = { contents, controller, outcomes: [], retryAfter: undefined };
    this.answers.push(answer);
    this.scheduler.submit(contents, { caller, timeoutMs, signal: controller.signal }).then(
      (scores) => {
        // A fake score tells by its tokens which text it is of.
        expect(scores.map(({ tokens }) => tokens)).toEqual(contents.map(({ length }) => length));
        answer.outcomes.push('ok');
      },
      (error: { code: string; retryAfter?: number }) => {
        answer.outcomes.push(error.code);
        answer.retryAfter = error.retryAfter;
      },
    );
  }
}

type Command = fc.AsyncCommand<SchedulerModel, Real>;

/** All that can be seen of a scheduler is as the model has it. */
function expectSame(model: SchedulerModel, real: Real): void {
  expect(real.answers.map(({ outcomes }) => outcomes)).toEqual(
    model.requests.map(({ outcome }) => (outcome === undefined ? [] : [outcome])),
  );
  expect(real.scheduler.depth).toBe(model.waiting.length);
  expect(real.engines.running.map(({ text }) => text)).toEqual(
    model.running.map(({ content }) => content),
  );
  expect(real.engines.begun).toEqual(model.begun);
  expect(real.engines.options.slice(-1)[0]?.alone).toBe(
    model.begun.length === 0 ? undefined : model.lastAlone,
  );
  expect(real.rejected).toEqual(model.rejected);
  expect(real.queueMs).toEqual(model.queueMs);
  // A deadline and a listener for each request that is open, and none for any other.
  expect(real.clock.appointments).toBe(model.open.length);
  for (const [i, { controller }] of real.answers.entries()) {
    const isOpen = model.requests[i]?.outcome === undefined;
    expect(getEventListeners(controller.signal, 'abort').length).toBe(isOpen ? 1 : 0);
  }
}

/** A command that does the same to both; one that picks something is left out where there is nothing. */
function command(
  name: string,
  isPossible: (model: SchedulerModel) => boolean,
  act: (model: SchedulerModel, real: Real) => void | Promise<void>,
): Command {
  return {
    check: isPossible,
    run: async (model, real) => {
      await act(model, real);
      await settle();
      expectSame(model, real);
    },
    toString: () => name,
  };
}

const always = () => true;
const isAnyRunning = ({ running }: SchedulerModel) => running.length > 0;

/** Every text is of another length; `again` is one that was begun before. */
function contentsFor(model: SchedulerModel, sizes: readonly number[], again: number | undefined) {
  let made = model.requests.reduce((sum, { texts }) => sum + texts.length, 0);
  const fresh = sizes.map((size) => {
    made += 1;
    return 'x'.repeat(size + made);
  });
  const old = again === undefined ? undefined : model.begun[again % model.begun.length];
  return old === undefined ? fresh : [old, ...fresh.slice(1)];
}

function submit(sizes: readonly number[], caller: string, timeout: number, again?: number) {
  return command(
    `submit ${sizes.length} of ${caller} for ${timeout} ms${again === undefined ? '' : ', one again'}`,
    always,
    (model, real) => {
      const contents = contentsFor(model, sizes, again);
      const seconds = model.quarantineSeconds(contents);
      model.submit(caller, contents, timeout);
      real.submit(caller, contents, timeout);
      const at = model.requests.length - 1;
      const { outcome } = model.requests[at]!;
      return settle().then(() => {
        const { retryAfter } = real.answers[at]!;
        if (outcome === 'engine_failed') expect(retryAfter).toBe(seconds);
        if (outcome !== 'queue_full') return;
        expect(Number.isInteger(retryAfter)).toBe(true);
        expect(retryAfter).toBeGreaterThanOrEqual(1);
        expect(retryAfter).toBeLessThanOrEqual(60);
      });
    },
  );
}

const pick = fc.nat(30);
const sizes = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 5 });
const callers = fc.constantFrom('one', 'two', 'three');
const timeouts = fc.constantFrom(50, 1_000, 400_000);

const commands = fc.commands(
  [
    fc.tuple(sizes, callers, timeouts).map((given) => submit(...given)),
    fc.tuple(sizes, callers, timeouts).map((given) => submit(...given)),
    fc.tuple(sizes, callers, timeouts, pick).map((given) => submit(...given)),
    fc.tuple(pick, fc.nat(2_000)).map(([at, busyMs]) =>
      command(`finish ${at} after ${busyMs} ms`, isAnyRunning, (model, real) => {
        const which = at % model.running.length;
        model.finish(which, busyMs);
        real.engines.running[which]?.finish({
          tokenizeMs: busyMs / 4,
          computeMs: (busyMs * 3) / 4,
        });
      }),
    ),
    fc
      .tuple(pick, fc.constantFrom('fail' as const, 'die' as const, 'die among others' as const))
      .map(([at, how]) =>
        command(`${how} ${at}`, isAnyRunning, (model, real) => {
          const which = at % model.running.length;
          model.fail(which, how);
          if (how !== 'fail') real.engines.up -= 1;
          const job = real.engines.running[which];
          if (how === 'fail') job?.fail();
          else job?.die({ amongOthers: how !== 'die' });
        }),
      ),
    fc.nat(3).map((up) =>
      command(`${up} more engines come up`, always, (model, real) => {
        model.up = Math.min(model.up + up, model.limits.engines);
        model.pump();
        real.engines.up = model.up;
        real.engines.announceIdle();
      }),
    ),
    pick.map((at) =>
      command(
        `the client of ${at} leaves`,
        ({ requests }) => requests.length > 0,
        (model, real) => {
          const which = at % model.requests.length;
          model.giveUp(model.requests[which]!, 'cancelled');
          real.answers[which]?.controller.abort();
        },
      ),
    ),
    fc.constantFrom(10, 60, 1_000, 299_000, 300_000).map((ms) =>
      command(`${ms} ms pass`, always, (model, real) => {
        model.pass(ms);
        return real.clock.pass(ms, settle);
      }),
    ),
  ],
  { maxCommands: 60 },
);

const limits = fc.record({
  engines: fc.integer({ min: 1, max: 3 }),
  maxDepth: fc.integer({ min: 1, max: 8 }),
  maxTokens: fc.constantFrom(20, 60, Infinity),
});

/** Engines are back, and all that runs or waits is finished. */
async function finishAll(model: SchedulerModel, real: Real): Promise<void> {
  model.up = real.engines.up = model.limits.engines;
  model.pump();
  real.engines.announceIdle();
  while (model.running.length > 0) {
    model.finish(0, 3);
    real.engines.running[0]?.finish();
    await settle();
    expectSame(model, real);
  }
}

/** As many texts as the queue may hold are let in, and not one more. */
async function expectEmpty(model: SchedulerModel, real: Real): Promise<void> {
  model.up = real.engines.up = 0;
  const { maxDepth } = model.limits;
  for (let i = 0; i <= maxDepth; i += 1) real.submit('late', [`late ${i}`], 1_000);
  await settle();
  const late = real.answers.slice(-maxDepth - 1).map(({ outcomes }) => outcomes);
  expect(late).toEqual([...Array(maxDepth).fill([]), ['queue_full']]);
}

describe('a scheduler, whatever happens in whatever order', () => {
  it('does what the model does, and keeps no place of what has ended', async () => {
    await fc.assert(
      fc.asyncProperty(limits, commands, async (given, happening) => {
        const model = new SchedulerModel(given);
        const real = new Real(given);
        await fc.asyncModelRun(() => ({ model, real }), happening);
        let drained = 0;
        const isDrained = () => {
          drained += 1;
        };
        real.scheduler.drained().then(isDrained);
        await settle();
        expect(drained).toBe(model.open.length === 0 ? 1 : 0);
        await finishAll(model, real);
        real.scheduler.drained().then(isDrained);
        await settle();
        expect(drained).toBe(2);
        if (given.maxTokens === Infinity) await expectEmpty(model, real);
      }),
      { numRuns: 100, interruptAfterTimeLimit: 8_000 },
    );
  });
});
