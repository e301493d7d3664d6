import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Scheduler } from '../../../src/scheduler/index.ts';
import { FakeEngines, fakeScore } from '../../support/fake-engines.ts';

const patient = { timeoutMs: 60_000 };
const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp({ engines = 1, maxDepth = 4, axes = 4, maxTokens = 1e6 } = {}) {
  const fakes = new FakeEngines(engines, axes);
  const rejected: string[] = [];
  const scheduler = new Scheduler({
    engines: fakes,
    maxDepth,
    maxTokens,
    observer: { rejected: (reason) => rejected.push(reason) },
  });
  return { fakes, scheduler, rejected };
}

/** The error's code, or `ok`. */
const outcome = (answer: Promise<unknown>) =>
  answer.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

describe('Scheduler', () => {
  it('scores requests of one text first come first served, as many at once as there are engines', async () => {
    const { fakes, scheduler } = setUp({ engines: 2 });
    const answers = ['a', 'b', 'c', 'd'].map((text) => scheduler.submit([text], patient));
    expect(fakes.begun).toEqual(['a', 'b']);
    expect(scheduler.depth).toBe(2);
    fakes.running[1]!.finish();
    await answers[1];
    expect(fakes.begun).toEqual(['a', 'b', 'c']);
    fakes.running[0]!.finish();
    await settle();
    expect(fakes.begun).toEqual(['a', 'b', 'c', 'd']);
    for (const job of [...fakes.running]) job.finish();
    await Promise.all(answers);
  });

  it('answers the texts of a request in order, in whatever order they were scored', async () => {
    const { fakes, scheduler } = setUp({ engines: 3 });
    const answer = scheduler.submit(['a', 'bb', 'ccc'], patient);
    for (const at of [2, 0, 0]) fakes.running[at]!.finish();
    expect((await answer).map(({ tokens }) => tokens)).toEqual([1, 2, 3]);
  });

  it('turns a request away whole when not all of its texts have a place', async () => {
    const { scheduler, rejected, fakes } = setUp({ maxDepth: 4 });
    void outcome(scheduler.submit(['busy'], patient));
    const first = scheduler.submit(['1', '2', '3'], patient);
    await expect(scheduler.submit(['4', '5'], patient)).rejects.toMatchObject({
      code: 'queue_full',
      status: 429,
    });
    expect(scheduler.depth).toBe(3);
    expect(rejected).toEqual(['full']);
    const last = scheduler.submit(['4'], patient);
    fakes.auto = true;
    fakes.running[0]!.finish();
    await Promise.all([first, last]);
    expect(fakes.begun).toEqual(['busy', '1', '4', '2', '3']);
  });

  it('admits as many texts as the queue may hold when it is empty', async () => {
    const { scheduler, fakes } = setUp({ maxDepth: 4 });
    fakes.auto = true;
    await expect(scheduler.submit(['1', '2', '3', '4'], patient)).resolves.toHaveLength(4);
  });

  it('says when to try again from how fast texts are worked off: at least 1 second', async () => {
    const { scheduler, fakes } = setUp({ engines: 2, maxDepth: 10 });
    const refusal = async () => {
      const error = await scheduler.submit(new Array(11).fill('x'), patient).catch((e) => e);
      return error.retryAfter;
    };
    expect(await refusal()).toBe(1);
    const slow = scheduler.submit(['slow'], patient);
    fakes.running[0]!.finish({ tokenizeMs: 0, computeMs: 4000 });
    await slow;
    const waiting = Array.from({ length: 12 }, () => outcome(scheduler.submit(['x'], patient)));
    // 11 texts too many at 2 engines of 4 seconds a text.
    expect(await refusal()).toBe(22);
    fakes.auto = true;
    for (const job of [...fakes.running]) job.finish();
    await Promise.all(waiting);
  });

  it('gives a request up at its deadline and does not begin what still waits', async () => {
    const { scheduler, fakes, rejected } = setUp();
    const busy = scheduler.submit(['busy'], patient);
    const late = scheduler.submit(['late 1', 'late 2'], { timeoutMs: 5 });
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded', status: 408 });
    expect(scheduler.depth).toBe(0);
    expect(rejected).toEqual(['deadline']);
    fakes.running[0]!.finish();
    await busy;
    await settle();
    expect(fakes.begun).toEqual(['busy']);
  });

  it('answers a deadline that passes while an engine is at it', async () => {
    const { scheduler, fakes } = setUp();
    const late = outcome(scheduler.submit(['long'], { timeoutMs: 5 }));
    expect(await late).toBe('deadline_exceeded');
    const next = scheduler.submit(['next'], patient);
    expect(fakes.begun).toEqual(['long']);
    fakes.auto = true;
    fakes.running[0]!.finish();
    expect((await next)[0]).toMatchObject(fakeScore('next'));
  });

  it('frees the place of a client that leaves', async () => {
    const { scheduler, fakes, rejected } = setUp({ maxDepth: 1 });
    void outcome(scheduler.submit(['busy'], patient));
    const controller = new AbortController();
    const left = outcome(scheduler.submit(['left'], { ...patient, signal: controller.signal }));
    expect(await outcome(scheduler.submit(['refused'], patient))).toBe('queue_full');
    controller.abort();
    expect(await left).toBe('client_closed');
    const next = outcome(scheduler.submit(['next'], patient));
    fakes.auto = true;
    fakes.running[0]!.finish();
    expect(await next).toBe('ok');
    expect(fakes.begun).toEqual(['busy', 'next']);
    expect(rejected).toEqual(['full', 'cancelled']);
  });

  it('does not admit a request whose client has left already', async () => {
    const { scheduler, fakes } = setUp();
    const signal = AbortSignal.abort();
    expect(await outcome(scheduler.submit(['x'], { ...patient, signal }))).toBe('client_closed');
    expect(fakes.begun).toEqual([]);
  });

  it('tries a text whose engine died once more, before everything else', async () => {
    const { scheduler, fakes } = setUp();
    const answers = ['unlucky', 'b', 'c'].map((text) => scheduler.submit([text], patient));
    fakes.running[0]!.die();
    await settle();
    expect(fakes.begun).toEqual(['unlucky', 'b']);
    fakes.auto = true;
    fakes.running[0]!.finish();
    expect((await answers[0]!)[0]).toMatchObject(fakeScore('unlucky'));
    await Promise.all(answers);
    expect(fakes.begun).toEqual(['unlucky', 'b', 'unlucky', 'c']);
  });

  it('lets requests take turns, so that one of many texts does not starve single ones', async () => {
    const { fakes, scheduler } = setUp({ engines: 2, maxDepth: 300 });
    const many = Array.from({ length: 256 }, (_, i) => `many ${i}`);
    const batch = scheduler.submit(many, patient);
    const singles = ['a', 'b', 'c'].map((text) => scheduler.submit([text], patient));
    let scored = 0;
    while (fakes.running.length > 0) {
      fakes.running[0]!.finish();
      await settle();
      scored += 1;
      if (scored === 6) await Promise.all(singles);
    }
    expect(fakes.begun.slice(0, 7)).toEqual([
      'many 0',
      'many 1',
      'many 2',
      'a',
      'b',
      'c',
      'many 3',
    ]);
    expect((await batch).map(({ tokens }) => tokens)).toEqual(many.map((text) => text.length));
  });

  it('lets callers take turns, so that many requests of one do not starve a single one of another', async () => {
    const { fakes, scheduler } = setUp({ maxDepth: 300 });
    const requests = Array.from({ length: 10 }, (_, i) =>
      outcome(scheduler.submit([`${i} first`, `${i} second`], { ...patient, caller: 'greedy' })),
    );
    const single = scheduler.submit(['single'], { ...patient, caller: 'modest' });
    for (let scored = 0; scored < 3; scored += 1) {
      fakes.running[0]!.finish();
      await settle();
    }
    await single;
    // The first was begun before the single one came.
    expect(fakes.begun.slice(0, 4)).toEqual(['0 first', '0 second', 'single', '1 first']);
    fakes.auto = true;
    fakes.running[0]!.finish();
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['ok']));
  });

  it('does not starve a request of many texts either', async () => {
    const { fakes, scheduler } = setUp({ maxDepth: 100 });
    const batch = scheduler.submit(['1', '2', '3'], patient);
    for (let i = 0; i < 9; i += 1) {
      void outcome(scheduler.submit([`single ${i}`], patient));
      fakes.running[0]!.finish();
      await settle();
    }
    await batch;
    expect(fakes.begun.slice(0, 4)).toEqual(['1', '2', 'single 0', '3']);
  });

  it('turns away what would make more tokens wait than may, and says after what time it will not', async () => {
    const { fakes, scheduler, rejected } = setUp({ maxDepth: 100, maxTokens: 110 });
    const long = 'x'.repeat(392); // 98 tokens and 2
    const first = scheduler.submit([long], patient);
    fakes.running[0]!.finish({ tokenizeMs: 0, computeMs: 10_000 });
    await first;
    const admitted = [
      scheduler.submit(['busy'], patient),
      scheduler.submit([long], patient),
      scheduler.submit(['x'], patient),
    ];
    const refused = await scheduler.submit([long], patient).catch((error) => error);
    // 103 tokens wait; 93 too many at 0.1 s each.
    expect(refused).toMatchObject({ code: 'queue_full', retryAfter: 10 });
    expect(refused.message).toContain('about 103 tokens are waiting');
    expect(rejected).toEqual(['full']);
    fakes.auto = true;
    fakes.running[0]!.finish();
    await Promise.all(admitted);
  });

  it('lets a request in that alone is over the limit of tokens: else it never would be', async () => {
    const { fakes, scheduler } = setUp({ maxTokens: 8 });
    fakes.auto = true;
    await expect(scheduler.submit(['x'.repeat(4000)], patient)).resolves.toHaveLength(1);
  });

  it('refuses a text that has ended two engines, and keeps from trying it again', async () => {
    const { scheduler, fakes } = setUp();
    const answer = outcome(scheduler.submit(['poison'], patient));
    for (let death = 0; death < 2; death += 1) {
      fakes.running[0]!.die();
      await settle();
    }
    expect(await answer).toBe('engine_failed');
    const again = await scheduler.submit(['harmless', 'poison'], patient).catch((error) => error);
    expect(again).toMatchObject({ code: 'engine_failed', status: 503, retryAfter: 300 });
    expect(again.message).toContain('has ended inference processes');
    expect(fakes.begun).toEqual(['poison', 'poison']);
    fakes.auto = true;
    await expect(scheduler.submit(['harmless'], patient)).resolves.toHaveLength(1);
  });

  it('refuses a text that ended an engine for each of two clients who had left by then', async () => {
    const { scheduler, fakes } = setUp();
    for (let client = 0; client < 2; client += 1) {
      const controller = new AbortController();
      const answer = outcome(
        scheduler.submit(['poison'], { ...patient, signal: controller.signal }),
      );
      controller.abort();
      expect(await answer).toBe('client_closed');
      fakes.running[0]!.die();
      await settle();
    }
    expect(await outcome(scheduler.submit(['poison'], patient))).toBe('engine_failed');
    expect(fakes.begun).toEqual(['poison', 'poison']);
  });

  it('tries a text again that engines merely could not score', async () => {
    const { scheduler, fakes } = setUp();
    const answer = scheduler.submit(['odd'], patient).catch((error) => error);
    for (let failure = 0; failure < 2; failure += 1) {
      fakes.running[0]!.fail();
      await settle();
    }
    expect(await answer).toMatchObject({
      code: 'engine_failed',
      message: 'the fake engine cannot',
    });
    fakes.auto = true;
    expect(await outcome(scheduler.submit(['odd'], patient))).toBe('ok');
  });

  it('gives a text up on which two engines died, and what came with it', async () => {
    const { scheduler, fakes } = setUp();
    const answer = outcome(scheduler.submit(['poison', 'other'], patient));
    fakes.running[0]!.die();
    await settle();
    fakes.running[0]!.finish();
    await settle();
    expect(fakes.running[0]!.text).toBe('poison');
    fakes.running[0]!.die();
    expect(await answer).toBe('engine_failed');
    expect(scheduler.depth).toBe(0);
  });

  it('keeps what is queued while no engine is up', async () => {
    const { scheduler, fakes } = setUp();
    fakes.up = 0;
    fakes.auto = true;
    const answer = scheduler.submit(['patient'], patient);
    expect(scheduler.depth).toBe(1);
    fakes.up = 1;
    fakes.announceIdle();
    await expect(answer).resolves.toHaveLength(1);
  });

  it('finishes what was admitted after it was closed, and takes no more', async () => {
    const { scheduler, fakes } = setUp();
    const answers = ['a', 'b'].map((text) => scheduler.submit([text], patient));
    scheduler.close();
    const refused = scheduler.submit(['c'], patient);
    await expect(refused).rejects.toMatchObject({ code: 'not_ready', retryAfter: 1 });
    let isDrained = false;
    const drained = scheduler.drained().then(() => {
      isDrained = true;
    });
    fakes.running[0]!.finish();
    await settle();
    expect(isDrained).toBe(false);
    fakes.running[0]!.finish();
    await drained;
    await Promise.all(answers);
  });

  it('is drained at once when nothing is under way', async () => {
    await expect(setUp().scheduler.drained()).resolves.toBeUndefined();
  });

  it('tells queueing from tokenizing and computing', async () => {
    const { scheduler, fakes } = setUp();
    const answer = scheduler.submit(['x'], patient);
    fakes.running[0]!.finish({ tokenizeMs: 1e6, computeMs: 0 });
    expect((await answer)[0]!.queueMs).toBe(0);
  });
});

/** What may happen to a scheduler, in any order: [event, which one or how many]. */
const events = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constant('submit' as const), fc.integer({ min: 1, max: 5 })),
    },
    { weight: 4, arbitrary: fc.tuple(fc.constant('finish' as const), fc.nat(3)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('die' as const), fc.nat(3)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('leave' as const), fc.nat(9)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('engines' as const), fc.nat(4)) },
  ),
  { maxLength: 60 },
);

/** Drives a scheduler of 4 engines; every text is longer than the one before, so that all differ. */
function simulation(maxDepth: number) {
  const { scheduler, fakes } = setUp({ engines: 4, maxDepth });
  const requests: { controller: AbortController; outcome: Promise<string> }[] = [];
  let texts = 0;
  const actions = {
    submit(count: number) {
      const mine = Array.from({ length: count }, () => {
        texts += 1;
        return 'x'.repeat(texts);
      });
      const controller = new AbortController();
      const depth = scheduler.depth;
      const answer = scheduler.submit(mine, { ...patient, signal: controller.signal });
      if (depth + count > maxDepth) expect(scheduler.depth).toBe(depth);
      const checked = answer.then((scores) => {
        expect(scores.map(({ tokens }) => tokens)).toEqual(mine.map((text) => text.length));
      });
      requests.push({ controller, outcome: outcome(checked) });
    },
    finish: (at: number) => fakes.running[at]?.finish(),
    die: (at: number) => fakes.running[at]?.die(),
    leave: (at: number) => requests[at]?.controller.abort(),
    engines(up: number) {
      fakes.up = up;
      fakes.announceIdle();
    },
  };
  /** Lets everything come to its end. */
  const end = async () => {
    fakes.auto = true;
    actions.engines(4);
    for (const job of [...fakes.running]) job.finish();
    await scheduler.drained();
    return Promise.all(requests.map((request) => request.outcome));
  };
  return { scheduler, fakes, actions, end };
}

const count = (all: readonly string[], one: string) => all.filter((text) => text === one).length;

describe('any order of events', () => {
  it('settles every request once with its own scores, idles never, begins no text thrice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), events, async (maxDepth, happening) => {
        const { scheduler, fakes, actions, end } = simulation(maxDepth);
        for (const [action, number] of happening) {
          actions[action](number);
          await settle();
          expect(scheduler.depth === 0 || fakes.running.length >= fakes.up).toBe(true);
        }
        for (const one of await end()) {
          expect(['ok', 'queue_full', 'client_closed', 'engine_failed']).toContain(one);
        }
        expect(scheduler.depth).toBe(0);
        for (const text of new Set(fakes.begun)) {
          expect(count(fakes.begun, text)).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 200 },
    );
  });
});
