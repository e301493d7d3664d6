import { packageVersion } from '../../src/package-root.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';

/** A model around a graph that was built here; IR version 8 is the one of opset 17. */
export const newModel = (graph: Graph): Model => ({
  graph,
  irVersion: 8,
  producerName: 'mbti-onnx',
  producerVersion: packageVersion,
  metadata: new Map(),
});
