import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { total } from '../exposition.ts';
import { type ServeProcess, serveProcess } from '../serve-process.ts';
import { until } from '../until.ts';
import { predict, startClients, textOf } from './clients.ts';
import { hostileRequests, sendHostile, statuses } from './hostile-requests.ts';

// What a server has to stand. Every scenario takes how much of it, so that the short tests and the
// long ones do the same.

const exposition = async (url: string) => (await fetch(`${url}/metrics`)).text();
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

/** Twice as many requests as it can answer, for so long: all are answered or turned away. */
export async function standsOverload(server: ServeProcess, seconds: number): Promise<void> {
  const text = textOf(900, 1);
  const probe = startClients(() => server.url, new Array(4).fill(text));
  await sleep(1_000);
  const perSecond = Math.max((await probe.stop()).length, 4);
  const sent: Promise<number>[] = [];
  const begun = performance.now();
  while (performance.now() - begun < seconds * 1000) {
    const due = ((performance.now() - begun) / 1000) * perSecond * 2;
    while (sent.length < due) sent.push(predict(server.url, text).then(({ status }) => status));
    await sleep(5);
  }
  const answered = await Promise.all(sent);
  expect(new Set(answered)).toEqual(new Set([200, 429]));
  expect((await predict(server.url, text)).status).toBe(200);
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
    memory.push(total(await exposition(server.url), 'process_resident_memory_bytes'));
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

/** Load for so long: no request fails, memory stays what it was. */
export async function standsTime(server: ServeProcess, seconds: number): Promise<void> {
  const expected = await answersOf(server.url);
  const memory: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const clients = startClients(() => server.url, texts);
    await sleep(seconds * 100);
    for (const { text, status, answer } of await clients.stop()) {
      expect([status, answer]).toEqual([200, expected.get(text)]);
    }
    memory.push(total(await exposition(server.url), 'process_resident_memory_bytes'));
  }
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
