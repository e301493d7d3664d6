import { elementCount } from '../onnx/tensor.ts';
import type { CompiledArtifacts } from './compile.ts';

/** Names that a line shows. */
const SHOWN = 4;

/**
 * What a user has to know of compiled artifacts, a line each: what was changed of the graph's meaning, and which weights
 * are not trained, and why. None where all is as expected.
 */
export function compileSummary({
  notes,
  untrained,
}: Pick<CompiledArtifacts, 'notes' | 'untrained'>): string[] {
  const reasons = [...new Set(untrained.map(({ reason }) => reason))];
  return [
    ...notes.map((note) => `note       ${note}`),
    ...reasons.map((reason) => {
      const weights = untrained.filter((one) => one.reason === reason);
      const elements = weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
      const names = weights.slice(0, SHOWN).map(({ name, shape }) => `${name} [${shape}]`);
      const more = weights.length > SHOWN ? ', … (artifacts.json has all)' : '';
      const count = weights.length === 1 ? 'one weight' : `${weights.length} weights`;
      return `untrained  ${count} of ${elements.toLocaleString('en')} elements, as ${reason}: ${names.join(', ')}${more}`;
    }),
  ];
}
