import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../src/config/index.ts';
import { readSafetensors, writeSafetensors } from '../onnx/safetensors.ts';
import type { Tensor } from '../onnx/tensor.ts';
import type { Best } from './training-loop.ts';

export type CheckpointName = 'best' | 'last';

/** Where training stood when its state was written. */
export interface CheckpointPosition {
  readonly step: number;
  readonly epoch: number;
  readonly best: Pick<Best, 'macroF1' | 'step'> | undefined;
}

export interface Checkpoints {
  /** Replaces the checkpoint of this name at once; returns its path. */
  save(
    name: CheckpointName,
    state: ReadonlyMap<string, Tensor>,
    position: CheckpointPosition,
  ): Promise<string>;
  load(name: CheckpointName): Promise<ReadonlyMap<string, Tensor>>;
}

/** Checkpoints of a run: `checkpoints/{best,last}.safetensors`, parameters and optimizer state. */
export function runCheckpoints(config: Pick<Config, 'run' | 'seed'>, hash: string): Checkpoints {
  const folder = join(config.run.dir, 'checkpoints');
  const fileOf = (name: CheckpointName) => join(folder, `${name}.safetensors`);
  return {
    save: async (name, state, { step, epoch, best }) => {
      await mkdir(folder, { recursive: true });
      await writeSafetensors(fileOf(name), state, {
        step: String(step),
        epoch: String(epoch),
        seed: String(config.seed),
        config_hash: hash,
        best_metric: best === undefined ? '' : String(best.macroF1),
        best_step: best === undefined ? '' : String(best.step),
      });
      return fileOf(name);
    },
    load: async (name) => (await readSafetensors(fileOf(name))).tensors,
  };
}
