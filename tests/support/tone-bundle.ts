import type { Manifest } from '../../src/bundle/index.ts';
import type { Task } from '../../src/task/index.ts';
import {
  attachHead,
  distilbert,
  distilbertConfig,
  randomWeights,
} from '../../training/architectures/index.ts';
import { GraphBuilder } from '../../training/onnx/builder.ts';
import { encodeModel } from '../../training/onnx/codec/index.ts';
import { Graph, type Value } from '../../training/onnx/graph.ts';
import { scalarTensor } from '../../training/onnx/tensor.ts';
import { writeTinyBundle } from './tiny-bundle.ts';

/** One axis, and texts that are left as they are: nothing that the tiny bundle has. */
export const toneTask: Task = {
  name: 'tone',
  cleaning: 'none',
  axes: [{ name: 'tone', labels: ['kind', 'harsh'], threshold: 0.5, temperature: 1 }],
};

const config = distilbertConfig({
  vocab_size: 500,
  dim: 16,
  n_layers: 1,
  n_heads: 2,
  hidden_dim: 32,
  max_position_embeddings: 64,
  initializer_range: 0.3,
});

function tone(seed: number, change: (graph: Graph, logits: Value) => Value = (_, value) => value) {
  const model = distilbert(config, randomWeights(config, seed));
  const [hidden] = model.graph.outputs;
  if (!hidden) throw new Error('the graph has no output');
  const logits = change(model.graph, attachHead(model.graph, hidden, { labels: 1, seed }));
  model.graph.outputs.splice(0, 1, logits);
  return encodeModel(model);
}

/** Writes a small bundle of the task above, with other weights for every seed. */
export function writeToneBundle(dir: string, seed: number, change: Partial<Manifest> = {}) {
  return writeTinyBundle(dir, { name: 'tone', task: toneTask, ...change }, {}, tone(seed));
}

/** Writes one whose graph is valid and never comes to an end. */
export function writeEndlessBundle(dir: string, change: Partial<Manifest> = {}) {
  return writeTinyBundle(dir, { name: 'tone', task: toneTask, ...change }, {}, tone(1, endless));
}

/** The logits after a loop of some thousand years. */
function endless(graph: Graph, logits: Value): Value {
  graph.rename(logits, 'first_logits');
  const b = new GraphBuilder(graph, 'endless');
  const body = new Graph('endless_step', { outer: graph });
  body.addInput('step/iteration', 'int64', []);
  const goesOn = body.addInput('step/condition', 'bool', []);
  const state = body.addInput('step/state', logits.type, logits.shape);
  const inner = new GraphBuilder(body, 'step');
  body.outputs.push(inner.identity(goesOn), inner.op('Neg', [state]));
  const always = b.constant(scalarTensor('bool', 1), 'always');
  const [result] = b.node(
    'Loop',
    [b.scalar(2 ** 52, 'int64'), always, logits],
    { body: { kind: 'graph', value: body } },
    { outputs: ['logits'] },
  );
  if (!result) throw new Error('the loop has no output');
  result.shape = logits.shape;
  return result;
}
