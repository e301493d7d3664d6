import { type Shape, symbolicDim } from '../onnx/dim.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { type Model, newModel } from '../onnx/model.ts';
import { activate } from './activations.ts';
import type { DistilBertConfig } from './distilbert-config.ts';
import { additiveMask, firstToken, positionRows, selfAttention } from './encoder-parts.ts';
import { ModuleBuilder } from './module-builder.ts';
import type { WeightSource } from './weights.ts';

const EPSILON = 1e-12;
const names = { query: 'q_lin', key: 'k_lin', value: 'v_lin' };

/**
 * DistilBERT's forward graph: `input_ids` and `attention_mask` int64 [batch, sequence] →
 * `last_hidden_state` [batch, sequence, dim]; or, with its classification head, `logits`
 * [batch, labels]. Linear weights are [in, out].
 *
 * @param weights gives every parameter by its Hugging Face name and the graph's shape
 * @param labels of the classification head; left out: none
 */
export function distilbert(
  config: DistilBertConfig,
  weights: WeightSource,
  labels?: number,
): Model {
  const graph = new Graph('distilbert', { opset: 17 });
  const shape: Shape = [symbolicDim('batch'), symbolicDim('sequence')];
  const inputIds = graph.addInput('input_ids', 'int64', shape);
  const attentionMask = graph.addInput('attention_mask', 'int64', shape);
  const m = new ModuleBuilder(graph, weights, 'distilbert');
  const mask = additiveMask(m, 'distilbert', attentionMask);
  let hidden = embeddings(m, inputIds, config);
  for (let i = 0; i < config.n_layers; i++) {
    hidden = layer(m, `distilbert/transformer/layer.${i}`, hidden, mask, config);
  }
  const output = labels === undefined ? hidden : classifier(m, hidden, config.dim, labels);
  graph.rename(output, labels === undefined ? 'last_hidden_state' : 'logits');
  graph.outputs.push(output);
  return newModel(graph);
}

function embeddings(m: ModuleBuilder, inputIds: Value, config: DistilBertConfig): Value {
  const { dim } = config;
  const path = 'distilbert/embeddings';
  const words = m.parameter(`${path}/word_embeddings`, 'weight', [config.vocab_size, dim]);
  const positions = m.parameter(`${path}/position_embeddings`, 'weight', [
    config.max_position_embeddings,
    dim,
  ]);
  const word = m.op(`${path}/word_embeddings`, 'Gather', [words, inputIds], { axis: 0 });
  const position = positionRows(m, `${path}/position_embeddings`, positions, inputIds);
  return m.layerNorm(`${path}/LayerNorm`, m.op(path, 'Add', [word, position]), dim, EPSILON);
}

/** Attention and feed-forward, each with its residual and LayerNorm. */
function layer(
  m: ModuleBuilder,
  path: string,
  x: Value,
  mask: Value,
  config: DistilBertConfig,
): Value {
  const { dim, n_heads: heads, hidden_dim: wide } = config;
  const context = selfAttention(m, `${path}/attention`, x, mask, { width: dim, heads, names });
  const attention = m.linear(`${path}/attention/out_lin`, context, [dim, dim]);
  const attended = m.op(path, 'Add', [attention, x]);
  const normed = m.layerNorm(`${path}/sa_layer_norm`, attended, dim, EPSILON);
  const inner = m.linear(`${path}/ffn/lin1`, normed, [dim, wide]);
  const active = activate(m, config.activation, `${path}/ffn/activation`, inner);
  const outer = m.linear(`${path}/ffn/lin2`, active, [wide, dim]);
  return m.layerNorm(`${path}/output_layer_norm`, m.op(path, 'Add', [outer, normed]), dim, EPSILON);
}

/** The head of DistilBertForSequenceClassification on the first token's state. */
function classifier(m: ModuleBuilder, hidden: Value, dim: number, labels: number): Value {
  const first = firstToken(m, 'pooled', hidden);
  const dense = m.op('relu', 'Relu', [m.linear('pre_classifier', first, [dim, dim])]);
  return m.linear('classifier', dense, [dim, labels]);
}
