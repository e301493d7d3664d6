import { createHash } from 'node:crypto';
import type { CompiledArtifacts } from '../../artifacts/index.ts';

/**
 * Tells models apart: sha256 over what training starts from, trained parameters and constants alike, by name,
 * shape and bytes.
 */
export function modelHash({ initial, evaluation }: CompiledArtifacts): string {
  const hash = createHash('sha256');
  const constants = evaluation.graph.initializers.flatMap(({ name, initializer }) =>
    initializer ? [[name, initializer] as const] : [],
  );
  for (const [name, { type, dims, bytes }] of [...initial, ...constants]) {
    hash.update(`${name}\0${type}[${dims}]\0`).update(bytes);
  }
  return hash.digest('hex');
}
