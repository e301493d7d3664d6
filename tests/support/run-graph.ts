import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { encodeModel } from '../../training/onnx/codec/index.ts';
import type { Graph } from '../../training/onnx/graph.ts';
import { elementsOf, type Tensor } from '../../training/onnx/tensor.ts';

/** A session of the stock runtime, silent. */
export async function sessionOf(graph: Graph, threads = 1): Promise<InferenceSession> {
  const bytes = encodeModel({
    graph,
    irVersion: 8,
    producerName: 'test',
    producerVersion: '',
    metadata: new Map(),
  });
  return InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // What goes wrong is thrown.
    logSeverityLevel: 4,
  });
}

/** Runs a session on tensors of ours; the outputs' elements as numbers, by name. */
export async function runSession(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, { dims: readonly number[]; values: number[] }>> {
  const given = Object.entries(feeds).map(([name, tensor]) => [
    name,
    new OrtTensor(tensor.type as 'float32', elementsOf(tensor) as Float32Array, tensor.dims),
  ]);
  const outputs = await session.run(Object.fromEntries(given));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [
      name,
      { dims, values: Array.from(data as Float32Array, Number) },
    ]),
  );
}
