import { packageVersion } from '../../src/package-root.ts';
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

/** IR version of the files that we write: the one of opset 17. */
const IR_VERSION = 8;

/** A model of our own making around a graph. */
export const newModel = (graph: Graph): Model => ({
  graph,
  irVersion: IR_VERSION,
  producerName: 'mbti-onnx',
  producerVersion: packageVersion,
  metadata: new Map(),
});
