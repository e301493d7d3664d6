import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EnginePool, restartDelay } from '../../../src/engine/index.ts';
import { AppError } from '../../../src/errors.ts';
import { nothingToLoad as spec } from '../../support/engine-spec.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeProcess } from '../../support/fake-process.ts';

const STEADY_MS = 30_000;
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What a pool is to be like after what has happened to its processes. */
class Model {
  readonly size: number;
  now = 0;
  /** Processes that ended without one having scored, or stayed, in between; of them those that had come up. */
  failures = 0;
  deaths = 0;
  readonly upSince = new Map<FakeProcess, number>();
  readonly delays: number[] = [];
  readonly restarts: number[] = [];
  refused = 0;
  started: number;
  isStopped = false;

  constructor(size: number) {
    this.size = size;
    this.started = size;
  }

  get isCrashLooping(): boolean {
    const isSteady = [...this.upSince.values()].some((since) => this.now - since >= STEADY_MS);
    return this.deaths >= this.size + 5 && !isSteady;
  }

  ended(one: FakeProcess): void {
    const since = this.upSince.get(one);
    this.upSince.delete(one);
    if (this.isStopped) return;
    if (since !== undefined && this.now - since >= STEADY_MS) this.failures = this.deaths = 0;
    if (since !== undefined) this.deaths += 1;
    this.failures += 1;
    const delay = restartDelay(this.failures);
    this.delays.push(delay);
    this.restarts.push(this.now + delay);
  }

  pass(ms: number): void {
    this.now += ms;
    const due = this.restarts.filter((at) => at <= this.now);
    this.restarts.splice(0, Infinity, ...this.restarts.filter((at) => at > this.now));
    this.started += due.length;
  }
}

class Real {
  readonly clock = new FakeClock();
  readonly processes: FakeProcess[] = [];
  readonly delays: number[] = [];
  readonly loaded: (number | undefined)[] = [];
  refused = 0;
  idles = 0;
  readonly settled: string[] = [];
  readonly pool: EnginePool;
  stopped: 'not' | 'stopping' | 'stopped' = 'not';

  constructor(size: number) {
    this.pool = new EnginePool({
      spec,
      size,
      clock: this.clock,
      startProcess: (events) => {
        const one = new FakeProcess(this.processes.length + 1, events);
        this.processes.push(one);
        return one;
      },
      observer: {
        loaded: (_seconds, pid) => this.loaded.push(pid),
        restarted: (_reason, delayMs) => this.delays.push(delayMs),
        refused: () => {
          this.refused += 1;
        },
      },
    });
    this.pool.onIdle(() => {
      this.idles += 1;
    });
    for (const what of ['ready', 'warm'] as const) {
      this.pool[what].then(
        () => this.settled.push(what),
        () => this.settled.push(`${what} failed`),
      );
    }
  }

  get living(): FakeProcess[] {
    return this.processes.filter(({ state }) => state !== 'gone');
  }
}

function expectSame(model: Model, { pool, living, processes, delays, refused, stopped }: Real) {
  const up = living.filter(({ isUp }) => isUp);
  expect(pool.up).toBe(up.length);
  expect([...pool.pids].sort()).toEqual(up.map(({ pid }) => pid).sort());
  expect(pool.memoryBytes).toBe(living.reduce((sum, { pid }) => sum + pid, 0));
  expect(pool.idle() === undefined).toBe(up.every(({ isBusy }) => isBusy));
  expect(delays).toEqual(model.delays);
  expect(refused).toBe(model.refused);
  expect(processes.length).toBe(model.started);
  expect(pool.isCrashLooping).toBe(model.isCrashLooping);
  // No slot is ever lost, and none has two.
  if (stopped === 'not') expect(living.length + model.restarts.length).toBe(model.size);
  else expect(living.every(({ isStopping }) => isStopping)).toBe(true);
}

type Command = fc.AsyncCommand<Model, Real>;

/** Done to one of the processes that are so; left out where there is none. */
function toOne(
  name: string,
  isSo: (one: FakeProcess) => boolean,
  act: (model: Model, real: Real, one: FakeProcess) => void,
) {
  return fc.nat(9).map(
    (at): Command => ({
      check: () => true,
      run: async (model, real) => {
        const all = real.living.filter(isSo);
        const one = all[at % Math.max(all.length, 1)];
        if (one) act(model, real, one);
        await settle();
        expectSame(model, real);
      },
      toString: () => `${name} ${at}`,
    }),
  );
}

const comeUp = (model: Model, _real: Real, one: FakeProcess) => {
  model.upSince.set(one, model.now);
  one.comeUp();
};
const score = (model: Model, { pool }: Real, one: FakeProcess) => {
  // Whichever is idle is given; that one then scores.
  pool
    .idle()
    ?.score('text')
    .catch(() => {});
  if (one.isBusy) return;
  void one.score();
  one.finish();
  model.failures = model.deaths = 0;
};
const finish = (model: Model, _real: Real, one: FakeProcess) => {
  one.finish();
  model.failures = model.deaths = 0;
};
const end = (model: Model, _real: Real, one: FakeProcess) => {
  model.ended(one);
  one.end();
};

const commands = fc.commands(
  [
    toOne('comes up:', ({ state }) => state === 'loading', comeUp),
    toOne('comes up:', ({ state }) => state === 'loading', comeUp),
    toOne('is given a text:', (one) => one.isIdle(), score),
    toOne('has scored:', ({ isBusy }) => isBusy, finish),
    toOne('ends:', () => true, end),
    toOne('ends:', () => true, end),
    toOne('ends once up:', ({ isUp }) => isUp, end),
    toOne(
      'refuses the bundle:',
      ({ state }) => state === 'loading',
      (model, _real, one) => {
        if (!model.isStopped) model.refused += 1;
        model.ended(one);
        one.end(new AppError('bundle_invalid', 'changed'));
      },
    ),
    fc.constantFrom(1, 100, 1_000, 10_000, STEADY_MS).map(
      (ms): Command => ({
        check: () => true,
        run: async (model, real) => {
          model.pass(ms);
          await real.clock.pass(ms);
          expectSame(model, real);
        },
        toString: () => `${ms} ms pass`,
      }),
    ),
  ],
  { maxCommands: 80 },
);

async function stop(model: Model, real: Real): Promise<void> {
  real.stopped = 'stopping';
  model.isStopped = true;
  model.restarts.length = 0;
  const stopped = real.pool.stop().then(() => {
    real.stopped = 'stopped';
  });
  // Also while processes start, and while others are waited for: none follows.
  for (const one of real.living) {
    await settle();
    expect(real.stopped).toBe('stopping');
    if (one.state === 'loading') comeUp(model, real, one);
    end(model, real, one);
  }
  await settle();
  expect(real.stopped).toBe('stopped');
  await stopped;
  expect(real.clock.appointments).toBe(0);
  model.pass(1e6);
  await real.clock.pass(1e6);
  expectSame(model, real);
}

describe('a pool of engines, whatever happens in whatever order', () => {
  it('keeps every slot, backs off as long as none has scored or stayed, and stops', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), commands, async (size, happening) => {
        const [model, real] = [new Model(size), new Real(size)];
        // One has come up: a model that none can load is given up, which is another matter.
        comeUp(model, real, real.living[0]!);
        await settle();
        expect(real.settled).toEqual(size === 1 ? ['ready', 'warm'] : ['ready']);
        await fc.asyncModelRun(() => ({ model, real }), happening);
        await stop(model, real);
        expect(real.settled.length).toBe(2);
      }),
      { numRuns: 100, interruptAfterTimeLimit: 8_000 },
    );
  });

  it('is warm once all of them are up at one time', async () => {
    const [model, real] = [new Model(2), new Real(2)];
    comeUp(model, real, real.living[0]!);
    end(model, real, real.living[0]!);
    comeUp(model, real, real.living[0]!);
    await settle();
    expect(real.settled).toEqual(['ready']);
    await real.clock.pass(0);
    comeUp(model, real, real.living[1]!);
    await settle();
    expect(real.settled).toEqual(['ready', 'warm']);
  });

  it('begins a new row of failures where a process that was up for long ends', async () => {
    const [model, real] = [new Model(1), new Real(1)];
    const endOne = async () => {
      comeUp(model, real, real.living[0]!);
      end(model, real, real.living[0]!);
      await real.clock.pass(10_000);
    };
    for (let i = 0; i < 8; i += 1) await endOne();
    expect(real.delays.slice(-1)).toEqual([6_400]);
    comeUp(model, real, real.living[0]!);
    expect(real.pool.isCrashLooping).toBe(true);
    await real.clock.pass(STEADY_MS);
    expect(real.pool.isCrashLooping).toBe(false);
    end(model, real, real.living[0]!);
    expect(real.delays.slice(-1)).toEqual([0]);
    expect(real.pool.isCrashLooping).toBe(false);
    await real.clock.pass(0);
    comeUp(model, real, real.living[0]!);
    expect(real.pool.isCrashLooping).toBe(false);
  });
});
