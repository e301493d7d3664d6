import { type Shape, symbolicDim } from '../onnx/dim.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { type Model, newModel } from '../onnx/model.ts';
import type { DistilBertConfig } from './distilbert-config.ts';
import { ModuleBuilder } from './module-builder.ts';
import type { WeightSource } from './weights.ts';

const EPSILON = 1e-12;
/** The most negative float32: a masked score stays finite, so that a row of padding alone gives no NaN. */
const MASKED = -3.4028234663852886e38;

/**
 * DistilBERT's forward graph: `input_ids` and `attention_mask` int64 [batch, sequence] →
 * `last_hidden_state` [batch, sequence, dim]. Linear weights are [in, out].
 *
 * @param weights gives every parameter by its Hugging Face name and the graph's shape
 */
export function distilbert(config: DistilBertConfig, weights: WeightSource): Model {
  const graph = new Graph('distilbert', { opset: 17 });
  const shape: Shape = [symbolicDim('batch'), symbolicDim('sequence')];
  const inputIds = graph.addInput('input_ids', 'int64', shape);
  const attentionMask = graph.addInput('attention_mask', 'int64', shape);
  const m = new ModuleBuilder(graph, weights, 'distilbert');
  const mask = additiveMask(m, attentionMask);
  let hidden = embeddings(m, inputIds, config);
  for (let i = 0; i < config.n_layers; i++) {
    hidden = layer(m, `distilbert/transformer/layer.${i}`, hidden, mask, config);
  }
  graph.rename(hidden, 'last_hidden_state');
  graph.outputs.push(hidden);
  return newModel(graph);
}

/** 0 where there is text, the most negative number where there is padding: [batch, 1, 1, sequence]. */
function additiveMask(m: ModuleBuilder, attentionMask: Value): Value {
  const isText = m.b.cast(attentionMask, 'bool');
  const { b } = m;
  const mask = m.op('distilbert', 'Where', [
    isText,
    b.scalar(0, 'float32'),
    b.scalar(MASKED, 'float32'),
  ]);
  return m.op('distilbert', 'Unsqueeze', [mask, b.ints([1, 2])]);
}

function embeddings(m: ModuleBuilder, inputIds: Value, config: DistilBertConfig): Value {
  const { dim } = config;
  const path = 'distilbert/embeddings';
  const words = m.parameter(`${path}/word_embeddings`, 'weight', [config.vocab_size, dim]);
  const positions = m.parameter(`${path}/position_embeddings`, 'weight', [
    config.max_position_embeddings,
    dim,
  ]);
  const { b } = m;
  const length = b.dims(inputIds.shape?.slice(1) ?? []) ?? b.ints([-1]);
  const word = m.op(`${path}/word_embeddings`, 'Gather', [words, inputIds], { axis: 0 });
  const position = m.op(`${path}/position_embeddings`, 'Slice', [
    positions,
    b.ints([0]),
    length,
    b.ints([0]),
  ]);
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
  const { dim, hidden_dim: wide } = config;
  const attended = m.op(path, 'Add', [attention(m, `${path}/attention`, x, mask, config), x]);
  const normed = m.layerNorm(`${path}/sa_layer_norm`, attended, dim, EPSILON);
  const inner = m.linear(`${path}/ffn/lin1`, normed, [dim, wide]);
  const active =
    config.activation === 'relu'
      ? m.op(`${path}/ffn/activation`, 'Relu', [inner])
      : m.gelu(`${path}/ffn/activation`, inner);
  const outer = m.linear(`${path}/ffn/lin2`, active, [wide, dim]);
  return m.layerNorm(`${path}/output_layer_norm`, m.op(path, 'Add', [outer, normed]), dim, EPSILON);
}

/** softmax(Q·Kᵀ/√d + mask)·V with heads of width d, then the output projection. */
function attention(
  m: ModuleBuilder,
  path: string,
  x: Value,
  mask: Value,
  { dim, n_heads: heads }: DistilBertConfig,
): Value {
  const width = dim / heads;
  const split = m.b.ints([0, 0, heads, width]);
  const project = (name: string, perm: readonly number[], scale = 1): Value => {
    const flat = m.linear(`${path}/${name}`, x, [dim, dim]);
    const scaled = scale === 1 ? flat : m.op(path, 'Mul', [flat, scale]);
    return m.op(path, 'Transpose', [m.op(path, 'Reshape', [scaled, split])], { perm });
  };
  const query = project('q_lin', [0, 2, 1, 3], 1 / Math.sqrt(width));
  const key = project('k_lin', [0, 2, 3, 1]);
  const value = project('v_lin', [0, 2, 1, 3]);
  const scores = m.op(path, 'Add', [m.op(path, 'MatMul', [query, key]), mask]);
  const probabilities = m.op(path, 'Softmax', [scores], { axis: -1 });
  const context = m.op(path, 'MatMul', [probabilities, value]);
  const rows = m.op(path, 'Transpose', [context], { perm: [0, 2, 1, 3] });
  const merged = m.op(path, 'Reshape', [rows, m.b.ints([0, 0, dim])]);
  return m.linear(`${path}/out_lin`, merged, [dim, dim]);
}
