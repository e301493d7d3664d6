// Plants small faults one at a time in a copy of the sources and runs the tests that should notice:
//   npm run mutate -- training/evaluate --sample 40 --seed 1
// What survives is printed. A fault that changes nothing which anybody could observe is listed, with the
// reason, in scripts/mutate/equivalent.json, and is not planted again.
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { faultsOf } from './mutate/faults.mjs';
import { operators } from './mutate/operators.mjs';
import { openSandbox, run } from './mutate/sandbox.mjs';
import { importers, noticedBy, passes, suitesBelow } from './mutate/suites.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    tests: { type: 'string', multiple: true },
    operator: { type: 'string', multiple: true },
    deep: { type: 'boolean', default: false },
    limit: { type: 'string', default: '120' },
    list: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `Usage: npm run mutate -- PATH… [options]
  PATH               files or folders of src/ or training/
  --sample N         faults, drawn from all that are possible [30]
  --seed S           of the draw [1]
  --operator NAME    only faults of this kind: ${Object.keys(operators).join(', ')}
  --tests PATH       suites, or folders of them, to run first, before those that import the file
  --deep             build, and run the suites of commands and end-to-end too, before a fault counts as survived
  --limit SECONDS    of one run of tests; a fault that makes them hang is noticed [120]
  --list             print the faults and plant none
  --out FILE         append a JSON line for each fault`;

/** A sample without replacement, the same for a seed (mulberry32). */
function draw(faults, count, seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const rest = [...faults];
  const taken = [];
  while (taken.length < count && rest.length > 0) {
    taken.push(...rest.splice(Math.floor(random() * rest.length), 1));
  }
  return taken;
}

function possibleFaults(paths) {
  const equivalent = JSON.parse(readFileSync(`${root}/scripts/mutate/equivalent.json`, 'utf8'));
  // Where the same words stand on other lines too, the entry says on which one they change nothing.
  const isEquivalent = (fault) =>
    equivalent.some(({ file, from, to, on = fault.on }) =>
      [file === fault.file, from === fault.from, to === fault.to, on === fault.on].every(Boolean),
    );
  const files = execFileSync('git', ['ls-files', '--', ...paths], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => /^(src|training)\/.*\.ts$/.test(file) && !file.endsWith('_pb.ts'));
  return files
    .flatMap((file) => faultsOf(root, file))
    .filter((fault) => !isEquivalent(fault))
    .filter(({ operator }) => values.operator?.includes(operator) ?? true);
}

const shown = ({ file, line, operator, from, to }) =>
  `${file}:${line}  ${operator}: ${short(from)} → ${short(to) || '(nothing)'}`;
const short = (text) => text.replace(/\s+/g, ' ').slice(0, 70);

/** Plants each fault in turn; those that no test noticed. */
async function survivorsOf(faults, sandbox) {
  const suitesOf = importers(root);
  const options = { deep: values.deep, limit: Number(values.limit) };
  const place = { dir: sandbox.dir, root };
  const first = suitesBelow(root, values.tests ?? []);
  /** Of each suite that noticed something, whether it passes without a fault: else it would seem to notice everything. */
  const sound = new Map();
  const survivors = [];
  for (const [i, fault] of faults.entries()) {
    let by;
    do {
      const suites = [...new Set([...first, ...suitesOf(fault.file)])];
      const heard = suites.filter((suite) => sound.get(suite) !== false);
      by = await sandbox.with(fault, () => noticedBy(place, heard, options));
      if (by?.endsWith('.test.ts') && !sound.has(by)) {
        sound.set(by, await passes(place, by, options));
        if (!sound.get(by)) console.log(`${by} fails without a fault, in a copy: it is not heard`);
      }
    } while (sound.get(by) === false);
    if (by === undefined) survivors.push(fault);
    const fate = by === undefined ? 'SURVIVED' : `caught by ${by}`;
    console.log(`${i + 1}/${faults.length} ${shown(fault)}  ${fate}`);
    if (values.out) appendFileSync(values.out, `${JSON.stringify({ ...fault, by: by ?? null })}\n`);
  }
  return survivors;
}

async function main() {
  if (values.help || positionals.length === 0) {
    console.log(HELP);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const faults = draw(possibleFaults(positionals), Number(values.sample), Number(values.seed));
  if (values.list) {
    for (const fault of faults) console.log(shown(fault));
    return;
  }
  const sandbox = openSandbox(root);
  process.on('exit', sandbox.close);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  // Built once, so that a survivor's build is an incremental one.
  const tsc = [`${root}node_modules/typescript/bin/tsc`, '-b'];
  const built = await run(process.execPath, tsc, {
    cwd: sandbox.dir,
    env: process.env,
    limit: 300,
  });
  if (built.code !== 0) throw new Error(`the sources do not build:\n${built.output}`);
  const survivors = await survivorsOf(faults, sandbox);
  console.log(`\n${faults.length - survivors.length} of ${faults.length} caught`);
  for (const fault of survivors) console.log(`survived: ${shown(fault)}`);
}

await main();
