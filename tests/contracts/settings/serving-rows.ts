import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { type RunningServer, startServer } from '../../../src/server.ts';
import { quietLogger } from '../../support/quiet-logger.ts';
import { writeToneBundle } from '../../support/tone-bundle.ts';
import { until } from '../../support/until.ts';
import { once, type Row } from './row.ts';
import { long, serving } from './serving.ts';

const { serve, load, at } = serving();

/** A reference of any kind: without one drift is not measured. */
const reference = { texts: 9, features: { tone: { edges: [0.5], shares: [0.5, 0.5] } } };
const bundle = once(() => writeToneBundle(at('tone'), 1, { reference }));

const limited = once(async () => {
  await bundle();
  return serve(
    'tone',
    ...['queue.max_depth=2', 'queue.max_tokens=100', 'queue.timeout_ms=1500'],
    ...['limits.max_texts=1', 'limits.max_windows=2', 'limits.max_body_bytes=3000'],
  );
});

function firstOf(server: RunningServer): number {
  const [pid] = server.workers();
  // 0 would be this process itself and all of its group.
  if (pid === undefined) throw new Error('no engine is up');
  return pid;
}

/** A server whose only engine stands still: what is admitted waits, and what is too much is refused. */
const crowded = once(async () => {
  const served = await limited();
  const { server, post, metric } = served;
  const pid = firstOf(server);
  process.kill(pid, 'SIGSTOP');
  try {
    const depth = (texts: number) =>
      until(async () => (await metric('mbti_queue_depth')) === texts, 3_000);
    // One of the two is at the engine.
    const first = post('/predict', { text: 'the one that is computed' });
    const second = post('/predict', { text: 'the first that waits' });
    await depth(1);
    const tooLong = await post('/predict', { text: long(80) });
    const third = post('/predict', { text: 'the second that waits' });
    await depth(2);
    const oneMore = await post('/predict', { text: 'there is no room' });
    return { tooLong, oneMore, late: await Promise.all([first, second, third]) };
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

const remembering = once(async () => {
  await bundle();
  return serve(
    'tone',
    ...['cache.max_entries=1', 'drift.window=3', 'runtime.batch_tokens=4096'],
    ...['runtime.precision=fp32', 'server.drain_delay_ms=1500'],
  );
});

/** Three engines, of which one that stands still is soon replaced. */
const replacing = once(async () => {
  await bundle();
  return serve('tone', 'server.workers=3', 'server.stall_timeout_ms=1000');
});

/** Where nothing of this machine can listen (RFC 5737). */
const ELSEWHERE = '192.0.2.1';

async function refusedPort(): Promise<string> {
  await bundle();
  const config = load(`server.host=${ELSEWHERE}`, 'server.port=45999', 'server.workers=1');
  const started = startServer({ config, modelDir: at('tone'), logger: quietLogger });
  return started.then(
    async (server) => {
      await server.stop();
      return 'it listens';
    },
    (error: Error) => error.message,
  );
}
const refused = once(refusedPort);

/** The server, its queue, and what may be asked of it. */
export const servingRows: readonly Row[] = [
  {
    key: 'server.host',
    effect: 'is the address that is listened on: one of another machine is refused',
    see: async () => expect(await refused()).toContain(`of ${ELSEWHERE} cannot be listened on`),
  },
  {
    key: 'server.port',
    effect: 'is the port that is listened on, as the refusal says',
    see: async () => expect(await refused()).toMatch(/^port 45999 of /),
  },
  {
    key: 'server.stall_timeout_ms',
    effect: 'replaces a process that stands still at a text, which another one answers',
    see: async () => {
      const { server, post, metric } = await replacing();
      // The first that is free is given the text.
      await until(() => server.workers().length === 3);
      const stuck = firstOf(server);
      process.kill(stuck, 'SIGSTOP');
      const { status } = await post('/predict', { text: 'a text that meets a stuck process' });
      expect(status).toBe(200);
      expect(await metric('mbti_worker_restarts_total')).toBeGreaterThan(0);
      expect(server.workers()).not.toContain(stuck);
    },
  },
  {
    key: 'limits.max_body_bytes',
    effect: 'answers a longer body 413',
    see: async () => {
      const { post } = await limited();
      expect((await post('/predict', { text: long(500) })).status).toBe(413);
      expect((await post('/predict', { text: long(50) })).status).toBe(200);
    },
  },
  {
    key: 'limits.max_texts',
    effect: 'answers more texts 400, and says how many may be sent',
    see: async () => {
      const { post } = await limited();
      const texts = ['the first of two', 'the second of two'];
      expect((await post('/predict', { texts })).status).toBe(400);
      expect((await post('/predict', { texts: texts.slice(1) })).status).toBe(200);
    },
  },
  {
    key: 'limits.max_windows',
    effect: 'cuts what lies behind so many windows',
    see: async () => {
      const { body } = await (await limited()).post('/predict', { text: long(300) });
      expect(body).toMatchObject({ usage: { windows: 2, truncated: true } });
    },
  },
  {
    key: 'queue.max_depth',
    effect: 'answers a text more than may wait 429',
    see: async () => {
      const { status, body, headers } = (await crowded()).oneMore;
      expect(status).toBe(429);
      expect(body).toMatchObject({ detail: expect.stringContaining('over the limit of 2') });
      expect(headers.get('retry-after')).toMatch(/^\d+$/);
    },
  },
  {
    key: 'queue.max_tokens',
    effect: 'answers 429 where more tokens would wait',
    see: async () => {
      const { status, body } = (await crowded()).tooLong;
      expect(status).toBe(429);
      expect(body).toMatchObject({
        detail: expect.stringMatching(/tokens are waiting.*over the limit of 100/),
      });
    },
  },
  {
    key: 'queue.timeout_ms',
    effect: 'answers 408 what is not there in time',
    see: async () => {
      const { late } = await crowded();
      expect(late.map(({ status }) => status)).toEqual([408, 408, 408]);
      expect(late[0]?.body).toMatchObject({ detail: expect.stringContaining('after 1500 ms') });
    },
  },
  {
    key: 'server.workers',
    effect: 'is the number of inference processes, whatever the number of cores',
    see: async () => {
      const { server } = await replacing();
      await until(() => server.workers().length === 3);
      // Others would have come up long since.
      expect((await limited()).server.workers()).toHaveLength(1);
    },
  },
  {
    key: 'cache.max_entries',
    effect: 'is how many results are remembered: the second of two drives the first out',
    see: async () => {
      const { post, metric } = await remembering();
      const ask = (text: string) => post('/predict', { text });
      const [one, two] = ['a text to remember', 'another text to remember'];
      for (const text of [one, one, two, one]) await ask(text);
      expect(await metric('mbti_cache_hits_total')).toBe(1);
      expect(await metric('mbti_cache_misses_total')).toBe(3);
    },
  },
  {
    key: 'runtime.batch_tokens',
    effect: 'lets texts that wait be computed together',
    see: async () => {
      const { post, metric } = await remembering();
      const texts = Array.from({ length: 12 }, (_, i) => `text number ${i} of them`);
      await post('/predict', { texts });
      const batches = await metric('mbti_batch_size_count');
      expect(await metric('mbti_batch_size_sum')).toBe(12 + 3);
      expect(batches).toBeLessThan(12);
    },
  },
  {
    key: 'drift.window',
    effect: 'is how many texts drift is measured over',
    see: async () => {
      const { post, metric } = await remembering();
      for (const i of [1, 2, 3, 4]) await post('/predict', { text: `text for the window ${i}` });
      expect(await metric('mbti_drift_window_size')).toBe(3);
    },
  },
  {
    key: 'server.drain_delay_ms',
    effect: 'is how long requests are still taken while readiness says no',
    see: async () => {
      const { server, post, get } = await remembering();
      const stopped = server.stop();
      // Without a delay nothing is listened to any more after 100 ms.
      await sleep(400);
      expect((await post('/predict', { text: 'one that comes late' })).status).toBe(200);
      expect((await get('/health/ready')).status).toBe(503);
      await stopped;
      await expect(get('/info')).rejects.toThrow();
    },
  },
];
