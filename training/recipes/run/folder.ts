import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_FILE } from '../../../src/bundle/index.ts';
import { differences, hashOf, type LoadedConfig } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';
import { readJsonFile, writeFileAtomically } from '../../../src/files/index.ts';
import { hasTrainingEnded } from '../../tracking/index.ts';
import { LAST_CHECKPOINT } from './checkpoints.ts';
import { beganWith, RUN_CONFIG_FILE, requireSameRun } from './resume.ts';

/** What was asked of a run's folder: by default a run begins only where there is none. */
export type Start = 'begin' | 'overwrite' | 'resume' | 'continue';

/** How far the run in a folder came; `begun` and no further: it has no checkpoint to go on from. */
export type Standing = 'none' | 'begun' | 'unfinished' | 'finished';

/** What is to be done with the folder; `check`: go on, or where the run ended with all that is wanted now, nothing. */
export type Way = 'anew' | 'resume' | 'check';

export const RUN_LOG_FILE = 'log.jsonl';
export const METRICS_FILE = 'metrics.json';
/** Written at the very end: without it the run has something left to do. */
const FINISHED_FILE = 'finished.json';

/** What a run ended with. */
export interface Finished {
  readonly config_hash: string;
  readonly data_hash: string;
  /** Of the keys that decide the bundle alone. */
  readonly bundle_settings: string;
  /** The folder of the bundle, and its version. */
  readonly bundle: string;
  readonly version: string;
}

const ways: Readonly<Record<Start, Readonly<Record<Standing, Way | 'refuse'>>>> = {
  begin: { none: 'anew', begun: 'refuse', unfinished: 'refuse', finished: 'refuse' },
  overwrite: { none: 'anew', begun: 'anew', unfinished: 'anew', finished: 'anew' },
  resume: { none: 'refuse', begun: 'refuse', unfinished: 'resume', finished: 'resume' },
  continue: { none: 'anew', begun: 'anew', unfinished: 'resume', finished: 'check' },
};

const inWords: Readonly<Record<Standing, string>> = {
  none: 'no run',
  begun: 'a run that ended before its first checkpoint',
  unfinished: 'an unfinished run, with a checkpoint to go on from',
  finished: 'a finished run',
};

const hints: Readonly<Record<Standing, string>> = {
  none: 'begin it with mbti-train --config F',
  begun:
    '--continue or --overwrite begins it anew, --resume has nothing to go on from; another run.name leaves it',
  unfinished:
    '--resume DIR or --continue goes on with it, --overwrite replaces it, another run.name leaves it',
  finished:
    '--overwrite trains it anew, --continue leaves it if it is this very run, --resume DIR makes its bundle again, another run.name leaves it',
};

/** How far the run in a folder came. */
export function standingOf(dir: string): Standing {
  if (existsSync(join(dir, FINISHED_FILE))) return 'finished';
  if (existsSync(join(dir, LAST_CHECKPOINT))) return 'unfinished';
  const begun = [RUN_CONFIG_FILE, RUN_LOG_FILE].some((name) => existsSync(join(dir, name)));
  return begun ? 'begun' : 'none';
}

export interface Decision {
  readonly way: Way;
  /** What is to be said of it; undefined where nothing stood there. */
  readonly notice: string | undefined;
}

/**
 * What becomes of the run's folder. AppError `usage` where it holds a run and nobody said what to do with it, or the
 * run of another configuration; `file_missing` where there is nothing to resume; `data_invalid` for a damaged one.
 */
export function decideRun(start: Start, now: LoadedConfig): Decision {
  const { dir } = now.config.run;
  const standing = standingOf(dir);
  const way = ways[start][standing];
  if (way === 'refuse') throw refusal(start, standing, dir);
  const notices: Readonly<Record<Way, string>> = {
    anew: `${dir} holds ${inWords[standing]}: it ${standing === 'begun' ? 'begins anew' : 'is replaced'}`,
    resume: `${dir} holds ${inWords[standing]}: going on with it`,
    check: `${dir} holds ${inWords[standing]}`,
  };
  if (way !== 'anew' && start === 'continue') requireSameRun(dir, beganWith(dir), now);
  return { way, notice: standing === 'none' ? undefined : notices[way] };
}

function refusal(start: Start, standing: Standing, dir: string): AppError {
  const hint = hints[standing].replace('DIR', dir);
  if (start === 'begin') {
    return new AppError('usage', `${dir} holds ${inWords[standing]}: it is not replaced`, { hint });
  }
  return new AppError('file_missing', `${dir} holds ${inWords[standing]}: nothing to resume`, {
    hint,
  });
}

/** What the run in a folder ended with; undefined where it has not, or where that cannot be read. */
export function readFinished(dir: string): Finished | undefined {
  try {
    return readJsonFile(join(dir, FINISHED_FILE)) as unknown as Finished;
  } catch {
    return undefined;
  }
}

/**
 * Whether a run that goes on after an update trains no more, although time alone had ended its training: under
 * --continue, whose time is over, and under --resume where it is the bundle that is to be another.
 */
export function isTrainingOver(way: Way, start: Start, { config }: LoadedConfig, step: number) {
  if (way === 'anew' || !hasTrainingEnded(join(config.run.dir, RUN_LOG_FILE), step)) return false;
  const began = beganWith(config.run.dir);
  return start === 'continue' || differences(began.config, config, 'bundle').length > 0;
}

/** Says that a run has nothing left to do. */
export async function writeFinished(
  { config, hash }: LoadedConfig,
  dataHash: string,
  version: string,
): Promise<void> {
  const finished: Finished = {
    config_hash: hash,
    data_hash: dataHash,
    bundle_settings: hashOf(config, 'bundle'),
    bundle: config.model.out,
    version,
  };
  const text = `${JSON.stringify(finished, null, 2)}\n`;
  await writeFileAtomically(join(config.run.dir, FINISHED_FILE), text);
}

/**
 * Whether a finished run gave all that is wanted now: its bundle stands where it is to be, made with the same
 * settings. AppError `usage` where the data is not what the run was trained on.
 */
export function hasAllThatIsWanted({ config }: LoadedConfig, dataHash: string): boolean {
  const { dir } = config.run;
  const finished = readFinished(dir);
  if (finished === undefined) return false;
  if (finished.data_hash !== dataHash) {
    throw new AppError('usage', `the run in ${dir} was trained on other data than data.source`, {
      hint: 'begin a new run with another run.name, or replace that one with --overwrite',
    });
  }
  return (
    finished.bundle_settings === hashOf(config, 'bundle') &&
    bundleAt(config.model.out)?.version === finished.version
  );
}

/** What the manifest in a bundle's folder says of where it came from; undefined where there is none to read. */
function bundleAt(dir: string): BundleOrigin | undefined {
  try {
    return readJsonFile(join(dir, MANIFEST_FILE));
  } catch {
    return undefined;
  }
}

interface BundleOrigin {
  readonly version?: string;
  readonly created?: string;
  readonly config_hash?: string;
  readonly data_hash?: string;
}

/** Says that the bundle at `model.out` is another run's, and is replaced at the end; undefined where it is not. */
export function foreignBundle({ config, hash }: LoadedConfig, dataHash: string) {
  const there = bundleAt(config.model.out);
  if (there === undefined) return undefined;
  if (there.config_hash === hash && there.data_hash === dataHash) return undefined;
  const whose = there.config_hash === hash ? 'other data' : 'another configuration';
  return `${config.model.out} holds a bundle of ${whose} (version ${there.version}, ${there.created}): it is replaced at the end`;
}

/** The run in a folder is not finished any more. */
export function markUnfinished(dir: string): void {
  rmSync(join(dir, FINISHED_FILE), { force: true });
}

/**
 * Removes what an older run left in the folder. Wherever this is cut short, what is left is that run, unfinished, or
 * one that has nothing to go on from.
 */
export function clearRun(dir: string): void {
  for (const name of [FINISHED_FILE, LAST_CHECKPOINT, 'checkpoints', RUN_LOG_FILE, METRICS_FILE]) {
    rmSync(join(dir, name), { recursive: true, force: true });
  }
}
