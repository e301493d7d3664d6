import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../src/files/index.ts';
import { writeModel } from '../onnx/codec/index.ts';
import { writeSafetensors } from '../onnx/safetensors.ts';
import type { CompiledArtifacts } from './compile.ts';
import { artifactFiles } from './describe.ts';

/**
 * Writes the artifacts to a folder: the four models, the checkpoint of the initial parameters, and last
 * artifacts.json. Each file appears whole or not at all.
 *
 * @param configHash of the run that they belong to: left out, that of the compiler's own options
 */
export async function writeArtifacts(
  dir: string,
  compiled: CompiledArtifacts,
  configHash = createHash('sha256').update(JSON.stringify(compiled.options)).digest('hex'),
): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const kind of ['training', 'evaluation', 'optimizer', 'loop'] as const) {
    await writeModel(compiled[kind], join(dir, artifactFiles[kind]));
  }
  await writeSafetensors(join(dir, artifactFiles.checkpoint), compiled.initial, {
    step: '0',
    epoch: '0',
    seed: String(compiled.options.seed),
    config_hash: configHash,
    best_metric: '',
  });
  const text = `${JSON.stringify(compiled.description, null, 2)}\n`;
  await writeFileAtomically(join(dir, artifactFiles.description), text);
}
