import type { Graph } from '../graph.ts';

/** One property that every sound graph has; `check` tells where it does not hold. */
export interface VerifyRule {
  readonly name: string;
  readonly check: (graph: Graph) => readonly string[];
}
