import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LONGEST_START_MS = 120_000;
/** Between two questions whether a server is ready: what `ready_ms` is exact to. More would slow the start down. */
const POLL_MS = 25;

/** Any port that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Starts a server and waits until `readyPath` answers 200. `commandOf(port)` gives the program, its arguments and
 * further variables of its environment.
 */
export async function startServer({ name, path, readyPath }, commandOf) {
  const port = await freePort();
  const { program, args, env = {} } = commandOf(port);
  const begun = performance.now();
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors = (errors + data).slice(-2000);
  });
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const server = { name, port, path, pid: child.pid, stop: () => stop(child, ended) };
  try {
    const gone = ended.then(() => Promise.reject(new Error('it ended')));
    await Promise.race([gone, untilReady(port, readyPath)]);
  } catch (error) {
    await server.stop();
    throw new Error(`${name} did not start: ${error.message}\n${errors.trim()}`);
  }
  return { ...server, readyMs: performance.now() - begun };
}

async function untilReady(port, path) {
  const end = performance.now() + LONGEST_START_MS;
  while (performance.now() < end) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    await sleep(POLL_MS);
  }
  throw new Error(`it was not ready after ${LONGEST_START_MS / 1000} s`);
}

async function stop(child, ended) {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

/** Resident memory of processes and all that descend from them, in MiB; undefined where there is no `ps`. */
export function residentMiB(pids) {
  let table;
  try {
    table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
  const rows = table.trim().split('\n');
  const all = rows.map((row) => row.trim().split(/\s+/).map(Number));
  const family = new Set(pids);
  for (let before = -1; before < family.size; ) {
    before = family.size;
    for (const [pid, parent] of all) if (family.has(parent)) family.add(pid);
  }
  const kib = all.reduce((sum, [pid, , rss]) => sum + (family.has(pid) ? rss : 0), 0);
  return kib / 1024;
}

/**
 * The 99th percentile of the server's event-loop delay since this was last asked, in ms: Node's own histogram, whose
 * timer alone makes an idle server's 10 to 11 ms.
 */
export async function eventLoopP99({ port }) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const value = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(text)?.[1];
  if (value === undefined) throw new Error('/metrics has no nodejs_eventloop_lag_p99_seconds');
  return Number(value) * 1000;
}
