import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { total } from '../exposition.ts';
import { type ServeProcess, serveProcess } from '../serve-process.ts';
import { until } from '../until.ts';
import { type Outcome, predict, startClients, textOf } from './clients.ts';
import { hostileRequests, sendHostile, statuses } from './hostile-requests.ts';

// What a server has to stand. Every scenario takes how much of it, so that the short tests and the
// long ones do the same.

const exposition = async (url: string) => (await fetch(`${url}/metrics`)).text();
const residentBytes = async (url: string) =>
  total(await exposition(url), 'process_resident_memory_bytes');
const texts = Array.from({ length: 6 }, (_, i) => textOf(10 + i * 4, i));

/** The answers that a server without load gives. */
async function answersOf(url: string): Promise<ReadonlyMap<string, unknown>> {
  const answers = new Map<string, unknown>();
  for (const text of texts) answers.set(text, (await predict(url, text)).answer);
  return answers;
}

/** Processes whose parent this one is. */
function childrenOf(pid: number | undefined): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

/** So many hostile requests, eight at once, among clients that do nothing wrong. */
export async function standsHostileRequests(server: ServeProcess, count: number): Promise<void> {
  const port = Number(new URL(server.url).port);
  const expected = await answersOf(server.url);
  const clients = startClients(() => server.url, texts.slice(0, 2));
  let next = 0;
  const attacker = async () => {
    while (next < count) {
      const request = hostileRequests[next % hostileRequests.length]!;
      next += 1;
      const answered = statuses(await sendHostile(port, request));
      const told = `${request.name}: ${answered}`;
      expect([told, answered.filter((status) => status >= 500)]).toEqual([told, []]);
      const good = answered.filter((status) => status === 200).length;
      if (!request.leaves) expect([told, good]).toEqual([told, request.answered ?? good]);
    }
  };
  await Promise.all(Array.from({ length: 8 }, attacker));
  for (const { text, status, answer } of await clients.stop()) {
    expect([status, answer]).toEqual([200, expected.get(text)]);
  }
  const told = await exposition(server.url);
  expect(total(told, 'mbti_requests_total', 'status="5')).toBe(0);
  await until(async () => total(await exposition(server.url), 'mbti_queue_depth') === 0);
}

/** Seconds that a client of an overloaded server may be told to wait, where few texts may wait. */
const MOST_RETRY_SECONDS = 10;

/** What short deadlines are in an overload, in milliseconds, and what part of the requests has one. */
const hurry = { ms: 100, everyNth: 5 } as const;

/** So many times what it can answer, for so long: every request is answered, given up in time or turned away. */
export async function standsOverload(
  server: ServeProcess,
  { seconds, times }: { readonly seconds: number; readonly times: number },
): Promise<void> {
  // Of both kinds: such as are sent ahead, and longer ones.
  const texts = [textOf(900, 1), textOf(600, 2)];
  const probe = startClients(() => server.url, [...texts, ...texts]);
  await sleep(1_000);
  const perSecond = Math.max((await probe.stop()).length, 4);
  const sent: Promise<Outcome>[] = [];
  const memory: number[] = [];
  const begun = performance.now();
  const elapsed = () => (performance.now() - begun) / 1000;
  while (elapsed() < seconds) {
    while (sent.length < elapsed() * perSecond * times) {
      const isHurried = sent.length % hurry.everyNth === 0;
      const text = texts[sent.length % texts.length]!;
      sent.push(predict(server.url, text, isHurried ? hurry.ms : undefined));
    }
    if (memory.length < (elapsed() / seconds) * 10) memory.push(await residentBytes(server.url));
    await sleep(5);
  }
  const outcomes = await Promise.all(sent);
  const statuses = new Set(outcomes.map(({ status }) => status));
  expect([...statuses].filter((status) => ![200, 408, 429].includes(status))).toEqual([]);
  expect([statuses.has(200), statuses.has(429)]).toEqual([true, true]);
  for (const { status, retryAfter } of outcomes.filter((one) => one.status === 429)) {
    expect([status, Number.isInteger(retryAfter)]).toEqual([429, true]);
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(MOST_RETRY_SECONDS);
  }
  // In a second or two a heap only grows to its size.
  if (seconds >= 10) expectFlat(memory);
  expect((await predict(server.url, texts[0]!)).status).toBe(200);
  await until(async () => total(await exposition(server.url), 'mbti_queue_depth') === 0);
}

/** Engines killed one after another under load: no wrong answer, none that fails. */
export async function standsKilledEngines(server: ServeProcess, kills: number): Promise<void> {
  const expected = await answersOf(server.url);
  const engines = childrenOf(server.child.pid).length;
  const clients = startClients(() => server.url, texts);
  for (let kill = 1; kill <= kills; kill += 1) {
    const before = clients.outcomes.length;
    await until(() => clients.outcomes.length >= before + 20);
    const [pid = 0] = childrenOf(server.child.pid);
    process.kill(pid, 'SIGKILL');
    await until(async () => {
      const told = await exposition(server.url);
      const restarts = total(told, 'mbti_worker_restarts_total');
      return restarts === kill && total(told, 'mbti_worker_up') === engines;
    });
  }
  for (const { text, status, answer } of await clients.stop()) {
    expect([status, answer]).toEqual([200, expected.get(text)]);
  }
}

/** Reloads under load: no request fails, nothing is left behind. */
export async function standsReloads(server: ServeProcess, reloads: number): Promise<void> {
  const expected = await answersOf(server.url);
  const engines = childrenOf(server.child.pid).length;
  const clients = startClients(() => server.url, texts.slice(0, 3));
  const memory: number[] = [];
  for (let reload = 1; reload <= reloads; reload += 1) {
    server.child.kill('SIGHUP');
    await until(() => server.output().split('the bundle was reloaded').length > reload);
    memory.push(await residentBytes(server.url));
  }
  for (const { text, status, answer } of await clients.stop()) {
    expect([status, answer]).toEqual([200, expected.get(text)]);
  }
  await until(() => childrenOf(server.child.pid).length === engines);
  expectFlat(memory);
}

/** A stop under load, by clients that leave when readiness says no: every request is answered. */
export async function standsStop(...args: readonly string[]): Promise<void> {
  const server = await serveProcess(...args, 'server.drain_delay_ms=1500');
  const clients = startClients(() => server.url, texts);
  await until(() => clients.outcomes.length > 50);
  server.child.kill('SIGTERM');
  await until(async () => (await fetch(`${server.url}/health/ready`)).status === 503);
  for (const { status } of await clients.stop()) expect(status).toBe(200);
  expect(await server.ended).toBe(0);
}

/** Load for so long, engines killed and bundles reloaded meanwhile: no request fails, memory stays what it was. */
export async function standsTime(server: ServeProcess, seconds: number): Promise<void> {
  const expected = await answersOf(server.url);
  const engines = childrenOf(server.child.pid).length;
  const memory: number[] = [];
  for (let round = 1; round <= 10; round += 1) {
    const clients = startClients(() => server.url, texts);
    await sleep(seconds * 50);
    process.kill(childrenOf(server.child.pid)[0] ?? 0, 'SIGKILL');
    await until(
      async () => total(await exposition(server.url), 'mbti_worker_restarts_total') === round,
    );
    await until(async () => total(await exposition(server.url), 'mbti_worker_up') === engines);
    await sleep(seconds * 50);
    server.child.kill('SIGHUP');
    await until(() => server.output().split('the bundle was reloaded').length > round);
    for (const { text, status, answer } of await clients.stop()) {
      expect([status, answer]).toEqual([200, expected.get(text)]);
    }
    memory.push(await residentBytes(server.url));
  }
  await until(() => childrenOf(server.child.pid).length === engines);
  expectFlat(memory);
}

/**
 * The second half needs no more memory than the first, but for a quarter: a heap grows to its size
 * within the first collections, and what leaks goes on growing.
 */
function expectFlat(memory: readonly number[]): void {
  const half = Math.floor(memory.length / 2);
  const most = Math.max(...memory.slice(0, half));
  expect(Math.min(...memory.slice(half))).toBeLessThan(most * 1.25);
}
