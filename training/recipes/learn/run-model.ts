import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, LoadedConfig } from '../../../src/config/index.ts';
import { writeFileAtomically } from '../../../src/files/index.ts';
import {
  type CompileOptions,
  compileArtifacts,
  compileSummary,
  inferenceModel,
  writeArtifacts,
} from '../../artifacts/index.ts';
import type { Model } from '../../onnx/model.ts';
import { elementCount } from '../../onnx/tensor.ts';
import { type Screen, whileWaiting } from '../../tracking/index.ts';
import { requireWindows } from '../delivery/servable.ts';
import { RUN_CONFIG_FILE } from '../run/resume.ts';
import { baseModel } from './base-model.ts';
import { positiveWeights } from './pos-weight.ts';
import type { RunData } from './run-data.ts';

export type CompiledModel = Awaited<ReturnType<typeof compile>>;

/** The base's forward graph with a task head, differentiated: the training artifacts. */
export async function compile(config: Config, { words, task, labels }: RunData, screen: Screen) {
  const { seed, train, runtime } = config;
  const reading = { label: 'base', what: 'reading the model that training starts from' };
  const base = await whileWaiting(screen, reading, () => baseModel(config, words.tokenizer));
  const options: CompileOptions = {
    head: base.head,
    labels: task.axes.length,
    posWeight: positiveWeights(train.pos_weight, labels, task.axes.length),
    dropout: train.dropout,
    hidden: config.model.hidden ?? undefined,
    recompute: train.recompute,
    frozen: train.freeze,
    weightDecay: train.weight_decay,
    maxGradNorm: train.max_grad_norm,
    accumulate: train.accumulate,
    precision: runtime.precision === 'fp16' ? 'fp16' : 'fp32',
    seed,
  };
  const compiling = { label: 'compile', what: 'the training graphs', busy: isLarge(base.model) };
  const compiled = await whileWaiting(screen, compiling, () =>
    compileArtifacts(base.model, options),
  );
  await requireWindows(inferenceModel(base.model, compiled, compiled.initial), {
    tokenizer: words.tokenizer,
    maxLength: train.max_length,
    labels: task.axes.length,
  });
  return { base, compiled };
}

/** Bytes of weights that take more than a moment to work on. */
const LARGE = 1e8;

/** Whether work on a model takes more than a moment. */
export const isLarge = ({ graph }: Model): boolean =>
  graph.initializers.reduce((sum, { initializer }) => sum + (initializer?.bytes.length ?? 0), 0) >
  LARGE;

/** The configuration and the artifacts, in the folder of the run. */
export async function writeRunFiles(
  { config, resolved, hash }: LoadedConfig,
  { compiled }: CompiledModel,
) {
  await mkdir(config.run.dir, { recursive: true });
  await writeFileAtomically(
    join(config.run.dir, RUN_CONFIG_FILE),
    `${JSON.stringify(resolved, null, 2)}\n`,
  );
  await writeArtifacts(join(config.run.dir, 'artifacts'), compiled, hash);
}

export function modelSummary({ words }: RunData, { base, compiled }: CompiledModel): string {
  const trained = compiled.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  return [
    `tokenizer  ${words.tokenizer.vocabularySize} word pieces`,
    `model      ${base.description}; ${trained.toLocaleString('en')} trained parameters`,
    ...base.notes.map((note) => `note       ${note}`),
    ...compileSummary(compiled),
  ].join('\n');
}
