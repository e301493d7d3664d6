import { AppError } from '../../src/errors.ts';
import type { Graph } from './graph.ts';
import { structureRules } from './verify/structure.ts';
import { typeRules } from './verify/types.ts';

/** What every sound graph fulfils, after shape inference. */
export const verifyRules = [...structureRules, ...typeRules];

/**
 * Everything that is wrong with a graph and the bodies inside it, each naming a node or a value.
 */
export function problemsOf(graph: Graph): string[] {
  const own = verifyRules.flatMap((rule) => rule.check(graph));
  const inner = [...graph.nodes].flatMap((node) =>
    Array.from(node.attributes.values()).flatMap((attribute) =>
      attribute.kind === 'graph'
        ? problemsOf(attribute.value).map((problem) => `in the body of ${node}: ${problem}`)
        : [],
    ),
  );
  return [...own, ...inner];
}

const MOST_LISTED = 20;

/** Throws `model_invalid`, listing the problems, unless the graph is sound. */
export function verify(graph: Graph): void {
  const problems = problemsOf(graph);
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const more = problems.length > MOST_LISTED ? [`and ${problems.length - MOST_LISTED} more`] : [];
  const listed = [...problems.slice(0, MOST_LISTED), ...more].join('\n  ');
  throw new AppError('model_invalid', `the graph has ${count}:\n  ${listed}`);
}
