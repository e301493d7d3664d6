// npm run bench:packing [-- --json] [--rounds N] [--bundle DIR --texts F.csv] [--settings] [--exact]:
// docs/serving-performance.md says what is measured.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { groupsOf, textsOf } from './packing/groups.mjs';
import { latencies } from './packing/latency.mjs';
import { gains, takeTurns } from './packing/measure.mjs';
import { deployedModels, openForms, tinyModels } from './packing/models.mjs';
import { independence } from './packing/neighbours.mjs';
import { latencyTable, neighbourTable, speedTable } from './packing/report.mjs';
import { compareSettings } from './packing/settings.mjs';
import { realisticTexts } from './packing/texts.mjs';
import { summary } from './train/statistics.mjs';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    exact: { type: 'boolean', default: false },
    'one-text': { type: 'boolean', default: false },
    settings: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    precisions: { type: 'string', default: 'int8,fp32' },
    lengths: { type: 'string', default: '8,16,32,44,64,128' },
    sizes: { type: 'string', default: '2,4,8,16' },
    bundle: { type: 'string' },
    texts: { type: 'string' },
  },
});
const note = (text) => process.stderr.write(`${text}\n`);
const numbers = (list) => list.split(',').map(Number);
const rounds = Number(flags.rounds);
const sizes = numbers(flags.sizes);
const precisions = flags.precisions.split(',');

/**
 * Whether rows answer as texts alone do, on a tiny model and texts of every length: for the tests. With `--one-text`
 * the mask takes a row for one text, which has to be found out.
 */
async function checkExactness() {
  const models = tinyModels();
  const texts = Array.from({ length: 32 }, (_, i) => textsOf(i + 1, 2 + (i % 13), 64)[i]);
  const { forms, release } = await openForms(models.fp32, 'fp32', {
    oneText: flags['one-text'],
  });
  const rows = await independence(forms, texts, sizes, { exact: true });
  await release();
  console.log(JSON.stringify({ rows }));
}

/** Texts of each length, then as they come: what each form gains over one text after another. */
async function speedsOf(precision, forms, { vocabulary, mixed }) {
  const kinds = [
    ...numbers(flags.lengths).map((length) => [length, textsOf(64, length, vocabulary)]),
    ['mixed', mixed],
  ];
  const rows = [];
  for (const [tokens, texts] of kinds) {
    for (const size of sizes) {
      const times = await takeTurns(forms, groupsOf(texts, size), rounds);
      const textsPerSecond = summary(times.alone.map((ms) => 1000 / ms));
      rows.push({ precision, tokens, size, textsPerSecond, gains: gains(times) });
    }
    const cells = rows
      .slice(-sizes.length)
      .map((row) => `${row.size}: ${row.gains.packed.median.toFixed(2)}`);
    note(`${precision}, ${tokens} tokens, gain of packing by texts: ${cells.join(', ')}`);
  }
  return rows;
}

async function latencyOf({ alone, packed, 'packed, attention apart': apart }, mixed) {
  const { alone: times } = await takeTurns({ alone }, groupsOf(mixed, 16), 5);
  const ways = {
    alone: { run: alone, most: 1 },
    'packed, up to 8': { run: packed, most: 8 },
    'packed, attention apart, up to 8': { run: apart, most: 8 },
  };
  return latencies(ways, mixed, { perText: summary(times).median, rounds });
}

async function compare() {
  const models = await deployedModels(flags.bundle);
  const mixed = await realisticTexts({ ...models, csv: flags.texts });
  const found = { speeds: [], neighbours: [], latency: [] };
  for (const precision of precisions) {
    const { forms, release } = await openForms(models[precision], precision);
    const exact = precision === 'fp32';
    // Random weights say little of it, and fp32 the same of all.
    const some = exact || !flags.bundle ? mixed.slice(0, 64) : mixed;
    const apart = await independence(forms, some, sizes, { exact });
    found.neighbours.push(...apart.map((row) => ({ precision, ...row })));
    note(`${precision}: what neighbours change is known`);
    if (rounds > 0) {
      found.speeds.push(...(await speedsOf(precision, forms, { ...models, mixed })));
      if (precision === precisions[0]) found.latency = await latencyOf(forms, mixed);
    }
    await release();
  }
  return found;
}

if (flags.exact) await checkExactness();
else if (flags.settings) await compareSettings({ rounds, note });
else {
  const [load] = loadavg();
  const found = await compare();
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, one thread`;
  console.log(
    `${machine}, Node ${process.version}, load of others before ${load.toFixed(1)}; ` +
      `gain over one text after another: median of ${rounds} rounds (by the fastest)`,
  );
  for (const precision of precisions) if (rounds > 0) speedTable(precision, found.speeds);
  neighbourTable(found.neighbours);
  if (rounds > 0) latencyTable(found.latency);
  if (flags.json) console.log(JSON.stringify({ machine, ...found }));
}
