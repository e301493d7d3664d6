import { bareName } from '../../src/files/index.ts';
import { elementCount } from '../onnx/tensor.ts';
import type { CompiledArtifacts } from './compile.ts';
import type { Untrained } from './parameters.ts';

/** Names that a line shows. */
const SHOWN = 4;
/** Lines that are shown. */
const MOST_REASONS = 50;

/**
 * What a user has to know of compiled artifacts, a line each: what was changed of the graph's meaning, and which weights
 * are not trained, and why. None where all is as expected.
 */
export function compileSummary({
  notes,
  untrained,
}: Pick<CompiledArtifacts, 'notes' | 'untrained'>): string[] {
  const byReason = new Map<string, Untrained[]>();
  for (const one of untrained) {
    const known = byReason.get(one.reason);
    if (known) known.push(one);
    else byReason.set(one.reason, [one]);
  }
  const left = byReason.size - MOST_REASONS;
  return [
    ...notes.map((note) => `note       ${note}`),
    ...[...byReason].slice(0, MOST_REASONS).map(([reason, weights]) => {
      const elements = weights.reduce((sum, { shape }) => sum + elementCount(shape), 0);
      const names = weights
        .slice(0, SHOWN)
        .map(({ name, shape }) => `${bareName(name)} [${shape}]`);
      const more = weights.length > SHOWN ? ', … (artifacts.json has all)' : '';
      const count = weights.length === 1 ? 'one weight' : `${weights.length} weights`;
      return `untrained  ${count} of ${elements.toLocaleString('en')} elements, as ${reason}: ${names.join(', ')}${more}`;
    }),
    ...(left > 0 ? [`untrained  … for ${left} more reasons (artifacts.json has all)`] : []),
  ];
}
