import { describe, expect, it } from '@jest/globals';
import type { Begun } from '../../../src/engine/index.ts';
import { Scheduler } from '../../../src/scheduler/index.ts';
import { FakeEngines } from '../../support/fake-engines.ts';

const patient = { timeoutMs: 60_000 };
const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp({ maxTokens = 1e6 } = {}) {
  const fakes = new FakeEngines(1);
  const windows = { maxLength: 100, maxWindows: 4 };
  const scheduler = new Scheduler({ engines: fakes, maxDepth: 8, maxTokens, windows });
  /** Ends what the engine is at, and lets the scheduler go on. */
  const ends = async (how: 'finish' | 'die', change = {}) => {
    fakes.running[0]?.[how](change);
    await settle();
  };
  return { fakes, scheduler, ends };
}

/** With so many windows left. */
const begun = (left: number): { begun: Begun } => ({
  begun: {
    windows: Array.from({ length: left }, () => [1, 2]),
    results: [],
    truncated: false,
    tokenizeMs: 1,
    computeMs: 1,
  },
});

describe('a text that gives way between its windows', () => {
  it('waits behind other requests, goes on from where it was, and is answered once', async () => {
    const { fakes, scheduler, ends } = setUp();
    const long = scheduler.submit(['long'], patient);
    const others = ['a', 'b'].map((text) => scheduler.submit([text], patient));
    await ends('finish', begun(2));
    expect([fakes.begun, scheduler.depth]).toEqual([['long', 'a'], 2]);
    await ends('finish');
    await ends('finish');
    expect(fakes.begun).toEqual(['long', 'a', 'b', 'long']);
    expect(fakes.options.map((options) => options.begun?.windows.length)).toEqual([
      ...[undefined, undefined, undefined, 2],
    ]);
    await ends('finish', begun(0));
    await ends('finish', { tokens: 77 });
    expect((await long).map(({ tokens }) => tokens)).toEqual([77]);
    await Promise.all(others);
    expect([fakes.begun.length, scheduler.depth]).toEqual([5, 0]);
  });

  it('comes before the texts of its own request that have not begun', async () => {
    const { fakes, scheduler, ends } = setUp();
    const answer = scheduler.submit(['long', 'a', 'b'], patient);
    await ends('finish', begun(1));
    await ends('finish');
    expect(fakes.begun).toEqual(['long', 'a', 'long']);
    await ends('finish');
    await ends('finish');
    await expect(answer).resolves.toHaveLength(3);
  });

  it('is not gone on with once its deadline has passed, or its client has left', async () => {
    const { fakes, scheduler, ends } = setUp();
    const late = scheduler.submit(['late'], { timeoutMs: 1 });
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await ends('finish', begun(3));
    const leaving = new AbortController();
    const left = scheduler.submit(['left'], { ...patient, signal: leaving.signal });
    await ends('finish', begun(3));
    await ends('finish', begun(2));
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'client_closed' });
    await ends('finish', begun(1));
    expect([fakes.begun, fakes.running, scheduler.depth]).toEqual([
      ['late', 'left', 'left', 'left'],
      [],
      0,
    ]);
    await scheduler.drained();
  });

  it('goes on from there on another engine where one dies, however often it has given way', async () => {
    const { fakes, scheduler, ends } = setUp();
    const long = scheduler.submit(['long'], patient);
    for (const left of [5, 4, 3]) await ends('finish', begun(left));
    await ends('die');
    expect(fakes.options.at(-1)?.begun?.windows).toHaveLength(3);
    await ends('finish');
    await expect(long).resolves.toHaveLength(1);
  });

  it('tells engines until when somebody waits for it', async () => {
    const { fakes, scheduler } = setUp();
    const before = Date.now();
    void scheduler.submit(['text'], { timeoutMs: 5000 }).catch(() => {});
    const { until } = fakes.options[0]!;
    expect(until).toBeGreaterThanOrEqual(before + 5000);
    expect(until).toBeLessThanOrEqual(Date.now() + 5000);
  });
});

describe('a text that an engine is stuck at after its deadline', () => {
  it('is refused for a while: one engine is enough', async () => {
    const { fakes, scheduler, ends } = setUp();
    const late = scheduler.submit(['poison'], { timeoutMs: 1 });
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await ends('die', { stuck: true });
    await expect(scheduler.submit(['poison'], patient)).rejects.toMatchObject({
      code: 'engine_failed',
      retryAfter: 300,
    });
    const another = scheduler.submit(['another'], patient);
    expect(fakes.begun).toEqual(['poison', 'another']);
    await ends('finish');
    await expect(another).resolves.toHaveLength(1);
  });
});

describe('the limit of tokens that wait', () => {
  it('is met by hostile texts with what they cost, and by explanations with all their runs', async () => {
    const hostile = '!'.repeat(10_000);
    const { scheduler } = setUp({ maxTokens: 1500 });
    const submit = (text: string, explain = false) => {
      const answer = scheduler.submit([text], { ...patient, explain });
      return Promise.race([answer, settle()]).then(
        () => 'waits',
        (error: { code: string }) => error.code,
      );
    };
    await submit('at the engine');
    // 400 tokens of windows each, and 131 for the rest of their length.
    expect(await submit(hostile)).toBe('waits');
    expect(await submit(hostile)).toBe('waits');
    expect(await submit(hostile)).toBe('queue_full');
    expect(await submit('a short text')).toBe('waits');
    expect(await submit('a text whose explanation is asked for too, and takes 33 runs', true)).toBe(
      'queue_full',
    );
  });
});
