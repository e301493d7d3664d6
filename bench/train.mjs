// npm run bench:train [-- --json] [--rounds N] [--growth]: docs/performance.md says what is measured.
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { curveDifference } from './train/curve.mjs';
import { growthTable } from './train/growth.mjs';
import { Peer } from './train/peer.mjs';
import { spread, summary } from './train/statistics.mjs';

process.env.ORT_DISABLE_TELEMETRY = '1';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const size = { batch: 8, length: 128 };
const setting = { layers: 6, dropout: 0.1, threads: Number(flags.threads), ...size };
const pathOf = (name) => new URL(name, import.meta.url).pathname;
const note = (text) => process.stderr.write(`${text}\n`);

async function startPytorch() {
  const python = process.env.BENCH_PYTHON ?? 'python3';
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore' });
  } catch {
    note(`${python} cannot import torch: no comparison with PyTorch (BENCH_PYTHON names another)`);
    return undefined;
  }
  return Peer.start(python, [pathOf('peers/pytorch-train/train.py'), JSON.stringify(setting)]);
}

/** One step of each in turn, so that a change of the machine's speed meets all of them. */
async function measure(peers, rounds) {
  const times = Object.fromEntries(Object.keys(peers).map((name) => [name, []]));
  const peaks = {};
  for (let round = -2; round < rounds; round++) {
    for (const [name, peer] of Object.entries(peers)) {
      const { ms, peakGib } = await peer.ask(size);
      if (round >= 0) times[name].push(ms);
      peaks[name] = peakGib;
    }
    const last = Object.entries(times).map(([name, all]) => `${name} ${all.at(-1)?.toFixed(0)}`);
    note(round < 0 ? 'warming up' : `round ${round + 1}/${rounds}: ${last.join(', ')} ms`);
  }
  return { times, peaks };
}

const ratio = (times, others) => others && summary(times.map((ms, i) => ms / others[i]));

const node = (script) => Peer.start(process.execPath, [pathOf(script), JSON.stringify(setting)]);

const curve = await curveDifference('distilbert', 'legacy-op17-sdpa-head');
const peers = {
  step: await node('train/step-process.mjs'),
  floor: await node('train/floor-process.mjs'),
};
const pytorch = await startPytorch();
if (pytorch) peers.pytorch = pytorch;
const { gflop } = peers.floor.ready;
const { times, peaks } = await measure(peers, Number(flags.rounds));
for (const peer of Object.values(peers)) await peer.stop();

const overFloor = ratio(times.step, times.floor);
const overPytorch = ratio(times.step, times.pytorch);
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  threads: setting.threads,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  torch: pytorch?.ready.torch ?? null,
};
const rows = [
  ['our step, ms', spread(summary(times.step), 0)],
  [`its matrix products alone (${gflop.toFixed(0)} GFLOP), ms`, spread(summary(times.floor), 0)],
  ...(times.pytorch ? [['PyTorch eager, ms', spread(summary(times.pytorch), 0)]] : []),
  ['train_over_floor (≤ 1.25)', spread(overFloor, 3)],
  ['train_over_pytorch (≤ 0.75)', overPytorch ? spread(overPytorch, 3) : 'no PyTorch'],
  ['train_peak_gib (≤ 3.0)', peaks.step.toFixed(2)],
  ...(peaks.pytorch ? [['peak of PyTorch, GiB', peaks.pytorch.toFixed(2)]] : []),
  [`loss_curve_max_rel, ${curve.steps} steps (≤ 1e-3)`, curve.worst.toExponential(1)],
];
console.log(`${machine.cpu}, ${machine.threads} threads, Node ${machine.node}`);
console.log(
  'DistilBERT-base, batch 8 × 128 tokens, fp32, dropout 0.1: median (minimum – maximum)\n',
);
for (const [what, value] of rows) console.log(`${what.padEnd(48)} ${value}`);
if (flags.growth) console.log(`\n${await growthTable(setting, note)}`);
if (flags.json) {
  const round = (value) => (value === undefined ? null : Number(value.toPrecision(4)));
  const result = {
    train_over_floor: round(overFloor.median),
    train_over_pytorch: round(overPytorch?.median),
    train_peak_gib: round(peaks.step),
    loss_curve_max_rel: round(curve.worst),
    machine,
  };
  console.log(JSON.stringify(result));
}
