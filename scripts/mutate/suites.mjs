import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { run } from './sandbox.mjs';

const env = {
  ...process.env,
  NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  ORT_DISABLE_TELEMETRY: '1',
};

/** Suites that start built programs know of a fault only once it is built. */
const BUILT = /^tests\/(.*\/bin|e2e|scripts)\//;
/** Of the suites that import a file, so many are run; the nearest first. */
const MOST = 24;

/** The suites that import a source, by its path, those of its own room first. */
export function importers(root) {
  const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: root, encoding: 'utf8' }).split(
    '\n',
  );
  const parents = new Map();
  for (const file of files.filter((name) => name && existsSync(join(root, name)))) {
    const source = readFileSync(join(root, file), 'utf8');
    for (const [, specifier] of source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
      const target = normalize(join(dirname(file), specifier));
      parents.set(target, [...(parents.get(target) ?? []), file]);
    }
  }
  return (source) => {
    const distance = new Map([[source, 0]]);
    for (const [file, steps] of distance) {
      for (const parent of parents.get(file) ?? []) {
        if (!distance.has(parent)) distance.set(parent, steps + 1);
      }
    }
    const room = `tests/${dirname(source)}/`;
    const suites = [...distance].filter(
      ([file]) => file.endsWith('.test.ts') && !file.includes('.long.') && !BUILT.test(file),
    );
    const near = ([file, steps]) => steps - (file.startsWith(room) ? 100 : 0);
    return suites
      .sort((a, b) => near(a) - near(b))
      .map(([file]) => file)
      .slice(0, MOST);
  };
}

/**
 * Whether the tests notice a planted fault: first the suites that import its file, the nearest first; then the
 * compiler; then, with `deep`, the suites of the built programs.
 *
 * @returns {Promise<string | undefined>} what noticed it
 */
export async function noticedBy({ dir, root }, suites, { deep, limit }) {
  const jest = (...args) =>
    run(
      process.execPath,
      [
        join(root, 'node_modules/jest/bin/jest.js'),
        '--bail',
        '--silent',
        '--maxWorkers=1',
        ...args,
      ],
      { cwd: dir, env, limit },
    );
  // One at first: most faults are noticed by the nearest suite.
  for (const some of [suites.slice(0, 1), suites.slice(1)]) {
    if (some.length === 0) continue;
    const { code, output } = await jest('--runTestsByPath', ...some);
    if (code !== 0) return failedSuite(output);
  }
  const build = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
    cwd: dir,
    env,
    limit,
  });
  if (build.code !== 0) return 'the compiler';
  if (!deep) return undefined;
  const { code, output } = await jest('--testPathPatterns', '/(bin|e2e|scripts)/');
  return code === 0 ? undefined : failedSuite(output);
}

/** A run that ends without a suite that failed says nothing of the fault: there were no such suites, or jest itself failed. */
function failedSuite(output) {
  const [, suite] = /^FAIL (\S+)/m.exec(output) ?? [];
  const killed = /^killed after .*$/m.exec(output)?.[0];
  if (suite === undefined && killed === undefined) throw new Error(`no suite ran:\n${output}`);
  return suite ?? killed;
}

/** The suites that paths name, of files and of folders. Error for a path below which there is none. */
export function suitesBelow(root, paths) {
  return paths.flatMap((path) => {
    const listed = execFileSync(
      'git',
      ['ls-files', '--cached', '--others', '--exclude-standard', '--', path],
      { cwd: root, encoding: 'utf8' },
    );
    const suites = listed.split('\n').filter((file) => file.endsWith('.test.ts'));
    if (suites.length === 0) throw new Error(`--tests ${path}: there is no suite`);
    return suites.filter((file) => !file.includes('.long.'));
  });
}

/** Whether a suite passes where nothing is planted: one that does not would seem to notice everything. */
export async function passes({ dir, root }, suite, { limit }) {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const args = [jest, '--silent', '--maxWorkers=1', '--runTestsByPath', suite];
  return (await run(process.execPath, args, { cwd: dir, env, limit })).code === 0;
}
