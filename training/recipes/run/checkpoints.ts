import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../../src/config/index.ts';
import { AppError } from '../../../src/errors.ts';
import { atPlace } from '../../../src/files/index.ts';
import { readSafetensors, writeSafetensors } from '../../onnx/safetensors.ts';
import type { Tensor } from '../../onnx/tensor.ts';
import type { Executor } from '../../runtime/index.ts';
import { type Best, parseRunState, type RunState } from './state.ts';

export const CHECKPOINT_VERSION = '1';

export type CheckpointName = 'best' | 'last';

const FOLDER = 'checkpoints';

/** In a run's folder: what a run goes on from. */
export const LAST_CHECKPOINT = join(FOLDER, 'last.safetensors');

/** What a checkpoint belongs to: hashes of the configuration, the data and the model that is trained. */
export interface RunIdentity {
  readonly config_hash: string;
  readonly data_hash: string;
  readonly model_hash: string;
}

export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly state: RunState;
}

export interface Checkpoints {
  /** Replaces the checkpoint of this name at once; returns its path. */
  save(
    name: CheckpointName,
    tensors: ReadonlyMap<string, Tensor>,
    state: RunState,
  ): Promise<string>;
  /** AppError `file_missing`, `data_invalid` where it is damaged or belongs to another run. */
  load(name: CheckpointName): Promise<Checkpoint>;
}

/**
 * Checkpoints of a run: `checkpoints/{best,last}.safetensors`, parameters and optimizer state, and the
 * newest `train.keep_checkpoints` before the last one as `step-N.safetensors`; older ones are removed.
 */
export function runCheckpoints(
  { run, seed, train }: Pick<Config, 'run' | 'seed' | 'train'>,
  identity: RunIdentity,
): Checkpoints {
  const folder = join(run.dir, FOLDER);
  const fileOf = (name: CheckpointName) => join(folder, `${name}.safetensors`);
  return {
    save: async (name, tensors, state) => {
      const { step, epoch, best } = state;
      await mkdir(folder, { recursive: true });
      await writeSafetensors(fileOf(name), tensors, {
        format_version: CHECKPOINT_VERSION,
        step: String(step),
        epoch: String(epoch),
        seed: String(seed),
        ...identity,
        best_metric: best === undefined ? '' : String(best.value),
        best_step: best === undefined ? '' : String(best.step),
        state: JSON.stringify(state),
      });
      if (name === 'last') await rotate(folder, step, train.keep_checkpoints);
      return fileOf(name);
    },
    load: async (name) => {
      const file = fileOf(name);
      const { tensors, metadata } = await readCheckpoint(file, folder);
      requireSameRun(file, metadata, identity);
      await removeUnfinished(folder);
      return { tensors, state: parseRunState(metadata.state, file) };
    },
  };
}

/**
 * The best checkpoint, which must be one of the way to where training stands.
 *
 * @param goesOn training goes on from there: what was best later, before the run was killed, is met again
 * @throws AppError as Checkpoints.load, `data_invalid` where it is the best of some other way
 */
export async function loadBest(
  checkpoints: Pick<Checkpoints, 'load'>,
  at: RunState,
  { goesOn }: { readonly goesOn: boolean },
): Promise<Checkpoint & { readonly best: Best }> {
  const found = await checkpoints.load('best');
  const { step, best } = found.state;
  const hint = 'it was put there by hand, or last.safetensors was: begin anew with --overwrite';
  const refuse = (problem: string) =>
    new AppError('data_invalid', `the best checkpoint ${problem}`, { hint });
  if (best === undefined || best.step !== step) {
    throw refuse(`is of step ${step} and names ${best ? `step ${best.step}` : 'none'} as the best`);
  }
  if (step > at.step) {
    if (goesOn) return { ...found, best };
    throw refuse(`is of step ${step}: expected at most ${at.step}, where training stands`);
  }
  const { step: known, value } = at.best ?? {};
  if (step === known && best.value === value) return { ...found, best };
  throw refuse(
    `is of step ${step} with ${best.value}: expected step ${known ?? 'none'} with ${value ?? 'none'}, as the last one says`,
  );
}

/** Takes a checkpoint's state. AppError `data_invalid`, naming the checkpoint, where that is not one of the model. */
export function restore(
  executor: Pick<Executor, 'load'>,
  name: CheckpointName,
  { tensors }: Pick<Checkpoint, 'tensors'>,
): void {
  try {
    executor.load(tensors);
  } catch (error) {
    throw error instanceof AppError ? atPlace(`the ${name} checkpoint`, error) : error;
  }
}

/** A damaged file is named with what can take its place. */
async function readCheckpoint(file: string, folder: string) {
  try {
    return await readSafetensors(file);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const older = (await stepsIn(folder).catch(() => [])).map((step) => stepFile(folder, step));
    const instead = older.length > 0 ? `put ${older[0]} in its place, or ` : '';
    throw new AppError(cause.code, `the checkpoint cannot be read: ${cause.message}`, {
      hint: `${instead}begin the run anew with --overwrite`,
      cause,
    });
  }
}

const stepFile = (folder: string, step: number): string => join(folder, `step-${step}.safetensors`);

/** The steps of the older checkpoints that were kept, the newest first. */
async function stepsIn(folder: string): Promise<number[]> {
  return (await readdir(folder))
    .flatMap((name) => /^step-(\d+)\.safetensors$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

const whatDiffers: Readonly<Record<keyof RunIdentity, string>> = {
  config_hash: 'another configuration',
  data_hash: 'other data',
  model_hash: 'another model',
};

function requireSameRun(
  file: string,
  metadata: Readonly<Record<string, string>>,
  identity: RunIdentity,
): void {
  if (metadata.format_version !== CHECKPOINT_VERSION) {
    throw new AppError(
      'data_invalid',
      `${file} has format version ${metadata.format_version ?? 'none'}: expected ${CHECKPOINT_VERSION}`,
      {
        hint: 'resume it with the version of mbti-onnx that wrote it, or begin the run anew with --overwrite',
      },
    );
  }
  for (const key of Object.keys(whatDiffers) as (keyof RunIdentity)[]) {
    if (metadata[key] === identity[key]) continue;
    throw new AppError(
      'data_invalid',
      `${file} belongs to a run with ${whatDiffers[key]}: its ${key} is ${short(metadata[key])}, this run's ${short(identity[key])}`,
      {
        hint: 'a run goes on only with what it began with: restore it, begin a new run with another run.name, or replace this one with --overwrite',
      },
    );
  }
}

const short = (hash: string | undefined): string => hash?.slice(0, 12) || 'missing';

/** Keeps the last checkpoint under its step too, and the newest of those that were kept so. */
async function rotate(folder: string, step: number, keep: number): Promise<void> {
  if (keep > 0) {
    const kept = stepFile(folder, step);
    const last = join(folder, 'last.safetensors');
    await rm(kept, { force: true });
    // The same file under two names; a copy where the file system has no links.
    await link(last, kept).catch(async () => {
      await copyFile(last, `${kept}.tmp`);
      await rename(`${kept}.tmp`, kept);
    });
  }
  for (const old of (await stepsIn(folder)).slice(keep)) await rm(stepFile(folder, old));
}

/** Removes what a run that was killed had not finished writing. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith('.tmp')) await rm(join(folder, name), { force: true });
  }
}
