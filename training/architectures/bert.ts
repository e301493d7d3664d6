import { type Shape, symbolicDim } from '../onnx/dim.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { type Model, newModel } from '../onnx/model.ts';
import { activate } from './activations.ts';
import type { BertConfig } from './bert-config.ts';
import { additiveMask, firstToken, positionRows, selfAttention } from './encoder-parts.ts';
import { ModuleBuilder } from './module-builder.ts';
import type { WeightSource } from './weights.ts';

const names = { query: 'query', key: 'key', value: 'value' };

/**
 * BERT's forward graph: `input_ids`, `attention_mask` and `token_type_ids` int64 [batch, sequence]
 * → `last_hidden_state` [batch, sequence, hidden]; or, with pooler and classification head,
 * `logits` [batch, labels]. Linear weights are [in, out].
 *
 * @param weights gives every parameter by its Hugging Face name and the graph's shape
 * @param labels of the classification head; left out: none, and no pooler
 */
export function bert(config: BertConfig, weights: WeightSource, labels?: number): Model {
  const graph = new Graph('bert', { opset: 17 });
  const shape: Shape = [symbolicDim('batch'), symbolicDim('sequence')];
  const inputIds = graph.addInput('input_ids', 'int64', shape);
  const attentionMask = graph.addInput('attention_mask', 'int64', shape);
  const segments = graph.addInput('token_type_ids', 'int64', shape);
  const m = new ModuleBuilder(graph, weights, 'bert');
  const mask = additiveMask(m, 'bert', attentionMask);
  let hidden = embeddings(m, inputIds, segments, config);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    hidden = layer(m, `bert/encoder/layer.${i}`, hidden, mask, config);
  }
  const output = labels === undefined ? hidden : classifier(m, hidden, config.hidden_size, labels);
  graph.rename(output, labels === undefined ? 'last_hidden_state' : 'logits');
  graph.outputs.push(output);
  return newModel(graph);
}

function embeddings(m: ModuleBuilder, inputIds: Value, segments: Value, config: BertConfig): Value {
  const { hidden_size: width, layer_norm_eps: epsilon } = config;
  const path = 'bert/embeddings';
  const table = (name: string, rows: number) =>
    m.parameter(`${path}/${name}`, 'weight', [rows, width]);
  const words = table('word_embeddings', config.vocab_size);
  const positions = table('position_embeddings', config.max_position_embeddings);
  const types = table('token_type_embeddings', config.type_vocab_size);
  const word = m.op(`${path}/word_embeddings`, 'Gather', [words, inputIds], { axis: 0 });
  const type = m.op(`${path}/token_type_embeddings`, 'Gather', [types, segments], { axis: 0 });
  const position = positionRows(m, `${path}/position_embeddings`, positions, inputIds);
  const sum = m.op(path, 'Add', [m.op(path, 'Add', [word, type]), position]);
  return m.layerNorm(`${path}/LayerNorm`, sum, width, epsilon);
}

/** Attention and feed-forward, each with its residual and LayerNorm. */
function layer(m: ModuleBuilder, path: string, x: Value, mask: Value, config: BertConfig): Value {
  const { hidden_size: width, num_attention_heads: heads, intermediate_size: wide } = config;
  const { layer_norm_eps: epsilon } = config;
  const context = selfAttention(m, `${path}/attention/self`, x, mask, { width, heads, names });
  const attention = `${path}/attention/output`;
  const projected = m.linear(`${attention}/dense`, context, [width, width]);
  const attended = m.op(attention, 'Add', [projected, x]);
  const normed = m.layerNorm(`${attention}/LayerNorm`, attended, width, epsilon);
  const inner = m.linear(`${path}/intermediate/dense`, normed, [width, wide]);
  const act = `${path}/intermediate/intermediate_act_fn`;
  const active = activate(m, config.hidden_act, act, inner);
  const outer = m.linear(`${path}/output/dense`, active, [wide, width]);
  const summed = m.op(`${path}/output`, 'Add', [outer, normed]);
  return m.layerNorm(`${path}/output/LayerNorm`, summed, width, epsilon);
}

/** The pooler and the head of BertForSequenceClassification on the first token's state. */
function classifier(m: ModuleBuilder, hidden: Value, width: number, labels: number): Value {
  const first = firstToken(m, 'bert/pooler', hidden);
  const dense = m.linear('bert/pooler/dense', first, [width, width]);
  const pooled = m.op('bert/pooler/activation', 'Tanh', [dense]);
  return m.linear('classifier', pooled, [width, labels]);
}
