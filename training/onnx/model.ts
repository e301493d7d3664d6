import type { Graph } from './graph.ts';

/** A model file: the main graph and what stands around it. */
export interface Model {
  readonly graph: Graph;
  irVersion: number;
  producerName: string;
  producerVersion: string;
  readonly metadata: Map<string, string>;
  /** Whatever else the file said (functions, unknown fields, …); the codec's own. */
  extras?: unknown;
}
