// npm run bench:serve [-- --json] [--rounds N] [--seconds S] [--workers N] [--alone] [--against FOLDER]: docs/serving-performance.md says what is measured.
import { rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { temporaryBundle } from './serve/bundle.mjs';
import { latencyTable } from './serve/latency.mjs';
import { saturate } from './serve/load.mjs';
import { anotherBuild, peers, startOurs } from './serve/peers.mjs';
import { startRaw } from './serve/raw.mjs';
import { printReport, resultOf } from './serve/report.mjs';
import { eventLoopP99, residentMiB } from './serve/server-process.mjs';
import { allTexts, endless, lengths } from './serve/texts.mjs';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    workers: { type: 'string', default: String(availableParallelism()) },
    starts: { type: 'string', default: '3' },
    'plain-peers': { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    against: { type: 'string' },
  },
});
const connections = 8;
const workers = Number(flags.workers);
const seconds = Number(flags.seconds);
const note = (text) => process.stderr.write(`${text}\n`);
const [loadBefore] = loadavg();
const running = [];
const keep = (server) => {
  running.push(server);
  return server;
};

/** A server under saturation from as many connections; the list of texts goes on where its last window ended. */
function overHttp(server, texts) {
  const next = Object.fromEntries(Object.keys(lengths).map((kind) => [kind, endless(texts[kind])]));
  const load = (kind, length) => saturate(server, next[kind], { seconds: length, connections });
  return { ...server, pids: [server.pid], saturate: load };
}

async function startAll({ bundle, plain }, texts) {
  const servers = { raw: keep(await startRaw(bundle, workers)) };
  const readyMs = [];
  for (let start = 1; start < Number(flags.starts); start++) {
    const once = keep(await startOurs(bundle, workers));
    readyMs.push(once.readyMs);
    await once.stop();
  }
  const ours = keep(await startOurs(bundle, workers));
  readyMs.push(ours.readyMs);
  servers.ours = overHttp(ours, texts);
  const others = {
    ...(flags.against ? { before: anotherBuild(flags.against, workers) } : {}),
    ...(flags.alone ? {} : peers),
  };
  for (const [key, { missing, start }] of Object.entries(others)) {
    const reason = missing();
    if (reason) note(`no ${key}: ${reason}`);
    else servers[key] = overHttp(keep(await start(flags['plain-peers'] ? plain : bundle)), texts);
  }
  return { servers, readyMs };
}

/** A window of each in turn, so that a change of the machine's speed meets all of them. The first round warms up. */
async function takeTurns(servers, rounds) {
  const kinds = Object.keys(lengths);
  const empty = () => Object.fromEntries(Object.keys(servers).map((key) => [key, []]));
  const rates = Object.fromEntries(kinds.map((kind) => [kind, empty()]));
  const lags = [];
  for (const kind of kinds) {
    note(`warming up: ${kind}`);
    for (const server of Object.values(servers)) await server.saturate(kind, 1);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kinds) {
      for (const [key, server] of Object.entries(servers)) {
        if (key === 'ours') await eventLoopP99(server);
        rates[kind][key].push(await server.saturate(kind, seconds));
        if (key === 'ours') lags.push(await eventLoopP99(server));
      }
      const last = Object.entries(rates[kind]).map(
        ([key, all]) => `${key} ${all.at(-1).toFixed(2)}`,
      );
      note(`round ${round}/${rounds}, ${kind}: ${last.join(', ')} texts/s`);
    }
  }
  return { rates, lags };
}

let folder;
const removeFolder = () => folder && rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    // At once: stopping the servers fails the requests under way, and with them the run.
    removeFolder();
    await Promise.all(running.map((server) => server.stop()));
    process.exit(130);
  });
}
try {
  note('writing the bundle');
  const written = await temporaryBundle({ withPlain: flags['plain-peers'] });
  folder = written.root;
  const texts = allTexts(written.bundle);
  const { servers, readyMs } = await startAll(written, texts);
  const begun = performance.now();
  const used = process.cpuUsage();
  const { rates, lags } = await takeTurns(servers, Number(flags.rounds));
  const { user, system } = process.cpuUsage(used);
  const share = (user + system) / 10 / (performance.now() - begun);
  note(`making the load took ${share.toFixed(1)} % of a core`);
  const latency = flags.alone
    ? []
    : await latencyTable(servers.ours, rates, texts, { seconds: 2.5 * seconds, note });
  const memory = Object.fromEntries(
    Object.entries(servers).map(([name, { pids }]) => [name, residentMiB(pids)]),
  );
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    workers,
    load_before: Number(loadBefore.toFixed(1)),
  };
  const measured = { servers, rates, lags, latency, memory, readyMs, machine };
  printReport(measured);
  if (flags.json) console.log(JSON.stringify(resultOf(measured)));
} finally {
  await Promise.all(running.map((server) => server.stop()));
  removeFolder();
}
