import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeKeys, type LoadedConfig, loadConfig } from '../../src/config/index.ts';
import { AppError } from '../../src/errors.ts';

export const RUN_CONFIG_FILE = 'config.json';

/** Keys that decide no number of a run, and may differ when it goes on: the data is known by its hash. */
const free: readonly RegExp[] = [
  /^(server|queue|security|log)\./,
  // All but the windows of a text: the finished model is measured on as many.
  /^limits\.(?!max_windows$)/,
  /^run\.(name|dir)$/,
  /^data\.(source|dir)$/,
  /^model\.out$/,
  /^train\.(max_minutes|keep_checkpoints)$/,
];

export interface ResumeOptions {
  /** A configuration file that must say what the run began with; without one, the run's own. */
  readonly file: string | undefined;
  readonly overrides: readonly string[];
}

/**
 * The configuration of a run that goes on: that of its folder, with what was set anew. AppError `file_missing`
 * where the folder holds no run, `usage` naming every key whose change would make it another run.
 */
export function loadRun(dir: string, { file, overrides }: ResumeOptions): LoadedConfig {
  const own = join(dir, RUN_CONFIG_FILE);
  if (!existsSync(own)) {
    throw new AppError('file_missing', `${dir} is no folder of a run: ${own} does not exist`, {
      hint: "name the folder that the run wrote to, runs/NAME unless run.dir says else; a run's first lines name it",
    });
  }
  const flags = { 'run.dir': dir };
  const began = loadConfig({ file: own, env: {}, flags });
  const now = loadConfig({ file: own, overrides, flags });
  const given = file === undefined ? now : loadConfig({ file, overrides, flags });
  const problems = describeKeys().flatMap(({ path }) => {
    const [before, after] = [began, given].map(({ resolved }) =>
      JSON.stringify(at(resolved, path)),
    );
    if (before === after || free.some((pattern) => pattern.test(path))) return [];
    return [`${path} is ${after} now: the run in ${dir} began with ${before}`];
  });
  if (problems.length === 0) return now;
  throw new AppError('usage', problems.join('\n'), {
    hint: 'leave it out to go on as the run began, or begin a new run with another run.name',
  });
}

const at = (object: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((node, name) => (node as Record<string, unknown>)?.[name], object);
