import type { Model } from '../onnx/model.ts';
import type { SessionOptions } from './executor.ts';
import type { InferenceSession } from './onnxruntime.ts';
import { feedZeros } from './row-gradients.ts';
import { openSession } from './session.ts';
import type { Tensors } from './state.ts';

/** An output that the binding cannot turn into a JavaScript value. */
const UNRETURNED = 'unreturned';
/** What onnxruntime-node 1.30.0 says of it. */
const REFUSAL = 'Non tensor type is temporarily not supported';

/**
 * A session whose results are in the arrays that they are written to, and nowhere else (`runInto`).
 *
 * The binding has the runtime write results into the arrays that it is given, and then copies each into a new array that
 * it returns: of a DistilBERT-base's gradients 264 MB to allocate, fill and collect a step. It makes what it returns in
 * the order of the outputs, when all are computed, and stops at the first that is no tensor. So such an output stands
 * before the others here: an empty sequence. Zeros that gradients are added to are fed (`zerosFeeds`). The model is left
 * as it was.
 */
export async function openInPlace(
  model: Model,
  options: SessionOptions,
): Promise<InferenceSession> {
  const { graph } = model;
  const node = graph.addNode({ op: 'SequenceEmpty', inputs: [], outputs: [UNRETURNED] });
  graph.outputs.unshift(...node.outputs.filter((output) => output !== undefined));
  const makeZeros = feedZeros(graph);
  try {
    return await openSession(model, options);
  } finally {
    makeZeros();
    graph.outputs.shift();
    graph.removeNode(node);
  }
}

/** Runs a session of `openInPlace`, all of whose wanted results have an array here. */
export async function runInto(
  session: InferenceSession,
  feeds: Tensors,
  results: Tensors,
): Promise<void> {
  try {
    await session.run(feeds, { [UNRETURNED]: null, ...results });
  } catch (error) {
    if (!String(error).includes(REFUSAL)) throw error;
  }
}
