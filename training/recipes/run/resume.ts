import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { differences, type LoadedConfig, loadConfig } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';

export const RUN_CONFIG_FILE = 'config.json';

export interface ResumeOptions {
  /** A configuration file that must say what the run began with; without one, the run's own. */
  readonly file: string | undefined;
  readonly overrides: readonly string[];
}

/**
 * The configuration of a run that goes on: that of its folder, with what was set anew. AppError `file_missing`
 * where the folder holds no run, `data_invalid` where its configuration is damaged, `usage` naming every key whose
 * change would make it another run.
 */
export function loadRun(dir: string, { file, overrides }: ResumeOptions): LoadedConfig {
  const own = join(dir, RUN_CONFIG_FILE);
  if (!existsSync(own)) {
    throw new AppError('file_missing', `${dir} is no folder of a run: ${own} does not exist`, {
      hint: "name the folder that the run wrote to, runs/NAME unless run.dir says else; a run's first lines name it",
    });
  }
  const began = beganWith(dir);
  const flags = { 'run.dir': dir };
  const now = loadConfig({ file: own, overrides, flags });
  requireSameRun(dir, began, file === undefined ? now : loadConfig({ file, overrides, flags }));
  return now;
}

/**
 * Refuses to go on with the run of a folder under a configuration that would learn other numbers: AppError `usage`
 * with a line for every key that differs, `data_invalid` where the folder's configuration is damaged.
 */
export function requireSameRun(dir: string, began: LoadedConfig, now: LoadedConfig): void {
  const changed = differences(began.config, now.config, 'learnt');
  if (changed.length === 0) return;
  const lines = changed.map(
    ({ path, before, after }) => `${path} is ${after} now: the run in ${dir} began with ${before}`,
  );
  throw new AppError('usage', lines.join('\n'), {
    hint: 'leave it out to go on as the run began, begin a new run with another run.name, or replace that one with --overwrite',
  });
}

/** What the run in a folder wrote down when it began. */
export function beganWith(dir: string): LoadedConfig {
  const own = join(dir, RUN_CONFIG_FILE);
  try {
    return loadConfig({ file: own, env: {}, flags: { 'run.dir': dir } });
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError(
      'data_invalid',
      `the run in ${dir} cannot go on, its configuration cannot be read: ${cause.message}`,
      {
        hint: `put ${own} back as the run wrote it, or begin anew with --overwrite`,
        cause,
      },
    );
  }
}
