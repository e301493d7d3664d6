// npm run bench:infer [-- --json] [--rounds N] [--model F] [--int8 F] [--passes | --schemes]: docs/inference.md says what is measured.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { encodeModel } from '../dist/training/onnx/codec/index.js';
import { InferenceSession, Tensor } from '../dist/training/runtime/onnxruntime.js';
import { givenModel, variants } from './infer/variants.mjs';
import { openProducts } from './train/floor.mjs';
import { flopsOf, matrixProducts } from './train/products.mjs';
import { spread, summary } from './train/statistics.mjs';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    passes: { type: 'boolean', default: false },
    schemes: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    model: { type: 'string' },
    int8: { type: 'string' },
    sizes: { type: 'string', default: '1x16,1x32,1x64,1x128,1x256,1x512,8x16,8x64,8x128' },
  },
});
const note = (text) => process.stderr.write(`${text}\n`);
const settings = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
  extra: { session: { x64quantprecision: '1', intra_op: { allow_spinning: '0' } } },
};

/** Full texts, as the server gives them to a model: one by one there is no padding. */
function feedsOf({ graph }, batch, length) {
  const int64 = (element) =>
    new Tensor(
      'int64',
      BigInt64Array.from({ length: batch * length }, (_, i) => BigInt(element(i))),
      [batch, length],
    );
  const elements = { input_ids: (i) => 1 + ((i * 7919) % 20000), attention_mask: () => 1 };
  return Object.fromEntries(
    graph.inputs.map(({ name }) => [name, int64(elements[name] ?? (() => 0))]),
  );
}

/** One run of each in turn, so that a change of the machine's speed meets all of them. */
async function measure(runs, rounds) {
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const start = performance.now();
      await run();
      if (round >= 0) times[name].push(performance.now() - start);
    }
  }
  return times;
}

const model = await givenModel(flags.model);
const sessions = {};
for (const [name, bytes] of Object.entries(variants(model, flags))) {
  sessions[name] = await InferenceSession.create(bytes, settings);
}
note(`${Object.keys(sessions).join(', ')}: ${encodeModel(model).length >> 20} MiB each in fp32`);

const rows = [];
for (const size of flags.sizes.split(',')) {
  const [batch, length] = size.split('x').map(Number);
  const feeds = feedsOf(model, batch, length);
  const products = matrixProducts(model, batch, length);
  const floor = await openProducts(products, { threads: 1, constantWeights: true });
  const runs = Object.fromEntries(
    Object.entries(sessions).map(([name, session]) => [name, () => session.run(feeds)]),
  );
  const times = await measure({ ...runs, floor: floor.run }, Number(flags.rounds));
  await floor.release();
  const [base] = Object.keys(sessions);
  const gflop = flopsOf(products) / 1e9;
  for (const [name, all] of Object.entries(times)) {
    const ms = summary(all);
    const over = summary(all.map((time, i) => times[base][i] / time));
    rows.push({ batch, length, name, ms, speedup: over, gflops: gflop / (ms.median / 1000) });
  }
  note(
    `${size}: ${Object.entries(times)
      .map(([name, all]) => `${name} ${summary(all).median.toFixed(1)}`)
      .join(', ')} ms`,
  );
}

const machine = { cpu: cpus()[0]?.model ?? 'unknown', threads: 1, node: process.version };
console.log(`${machine.cpu}, one thread, Node ${machine.node}: median (minimum – maximum)`);
console.log("GFLOP/s counts the given model's products; speed-up is over the first variant\n");
console.log(
  '| batch × length | variant | ms | speed-up | GFLOP/s |\n| --- | --- | --- | --- | --- |',
);
for (const { batch, length, name, ms, speedup, gflops } of rows) {
  console.log(
    `| ${batch} × ${length} | ${name} | ${spread(ms, 1)} | ${spread(speedup, 2)} | ${gflops.toFixed(0)} |`,
  );
}
if (flags.json) {
  const round = (value) => Number(value.toPrecision(4));
  const rounded = ({ min, median, max }) => [min, median, max].map(round);
  console.log(
    JSON.stringify({
      machine,
      rows: rows.map(({ ms, speedup, gflops, ...row }) => ({
        ...row,
        ms: rounded(ms),
        speedup: rounded(speedup),
        gflops: round(gflops),
      })),
    }),
  );
}
