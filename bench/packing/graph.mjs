import { constantInts } from '../../dist/training/graph/facts/constants.js';
import { prune } from '../../dist/training/graph/transforms/prune.js';
import { GraphBuilder } from '../../dist/training/onnx/builder.js';
import { cloneModel } from '../../dist/training/onnx/clone.js';
import { symbolicDim } from '../../dist/training/onnx/dim.js';
import { inferGraph } from '../../dist/training/onnx/shapes/infer.js';

/** The least float32, as the deployed graphs mask padding: not −∞, which makes a masked row NaN. */
const MASKED = -3.4028234663852886e38;

const tokens = symbolicDim('tokens');
const texts = symbolicDim('texts');
const longest = symbolicDim('longest');

/**
 * A bundle's graph (fp32 or int8, its last layer for [CLS] alone) as one that takes several texts in one row of
 * tokens, without padding: `input_ids` and `position_ids` int64 [1, tokens], positions restarting at each text, and
 * `cls_positions` [texts] → `logits` [texts, labels]. Two ways of attention:
 *
 * - `masked`: of all tokens to all, a mask keeping texts apart: `text_ids` int64 [1, tokens], the same number for
 *   tokens of one text. Its work grows with the square of the row.
 * - `apart`: of each text alone, padded, while everything else stays in one row: `places` int64 [texts, longest],
 *   the row's position of each text's token (any for padding), `attention_mask` of that shape as ever, and `back`
 *   [tokens], where each token of the row stands in the padded texts.
 */
export function packedModel(deployed, attention) {
  const model = cloneModel(deployed);
  const { graph } = model;
  inferGraph(graph);
  const b = new GraphBuilder(graph, 'packed');
  const int64 = (name, shape) => graph.addInput(name, 'int64', shape);
  for (const input of graph.inputs) {
    if (input.name !== 'attention_mask') input.shape = [1, tokens];
  }
  const found = partsOf(graph);
  const classes = int64('cls_positions', [texts]);
  restartPositions(b, found.positions, int64('position_ids', [1, tokens]));
  const row = b.op('Gather', [found.row.inputs[0], classes], { axis: 1 });
  if (attention === 'masked') maskNeighbours(b, found, row, { int64, classes });
  else attendApart(b, found, row, int64);
  prune(graph);
  for (const input of [...graph.inputs]) if (input.uses.size === 0) graph.removeValue(input);
  inferGraph(graph, { forget: true });
  return model;
}

const only = (what, list) => {
  if (list.length !== 1) throw new Error(`the graph has ${list.length} ${what}, expected one`);
  return list[0];
};

/** The places that depend on there being one text a row. */
function partsOf(graph) {
  const nodes = graph.topologicalOrder();
  const ofAxis = (op, axis) => nodes.filter((node) => node.op === op && axisOf(node) === axis);
  const row = only(
    'selections of [CLS] before the last layer',
    ofAxis('Slice', 1).filter(({ inputs: [source] }) => source.producer),
  );
  const head = only('selections of [CLS] before the head', ofAxis('Gather', 1));
  const positions = ofAxis('Slice', 0).filter(({ inputs: [table] }) => table.initializer);
  if (positions.length === 0) throw new Error('the graph reads no table of positions');
  const attentions = nodes.filter(({ op }) => op === 'Softmax').map(attentionOf);
  const ofRow = only(
    'attentions of one row',
    attentions.filter(({ query }) => firstInts(query)?.[1] === 1),
  );
  return { row, head, positions, attentions, ofRow };
}

const axisOf = (node) => node.int('axis') ?? constantInts(node.inputs[3])?.[0];
const firstInts = (reshape) => constantInts(reshape.inputs[1]);

/** The nodes around a Softmax: Reshapes of query, key, value and result, and the Add of the mask. */
function attentionOf(softmax) {
  const add = softmax.inputs[0].producer;
  const scores = add.inputs.findIndex(({ producer }) => producer?.op === 'MatMul');
  const product = only('readers of its weights', [...softmax.outputs[0].uses]).node;
  const reshapeBefore = (value) => value.producer.inputs[0].producer;
  const [query, key] = add.inputs[scores].producer.inputs.map(reshapeBefore);
  const transposed = only('readers of its result', [...product.outputs[0].uses]).node;
  const result = only('readers of its rows', [...transposed.outputs[0].uses]).node;
  const parts = { add, mask: 1 - scores, query, key, value: reshapeBefore(product.inputs[1]) };
  for (const node of [query, key, parts.value, result]) {
    if (node?.op !== 'Reshape') throw new Error(`${softmax} is no attention that is known`);
  }
  return { ...parts, result };
}

function restartPositions(b, slices, ids) {
  for (const slice of slices) {
    b.graph.replaceUses(slice.outputs[0], b.op('Gather', [slice.inputs[0], ids], { axis: 0 }));
  }
}

function maskNeighbours(b, { row, head, attentions, ofRow }, classes, inputs) {
  const ids = inputs.int64('text_ids', [1, tokens]);
  const keys = b.unsqueeze(ids, [1, 2]);
  const masking = (queries) =>
    b.where(
      b.op('Equal', [b.unsqueeze(queries, [1, 3]), keys]),
      b.scalar(0, 'float32'),
      b.scalar(MASKED, 'float32'),
    );
  const all = masking(ids);
  const first = masking(b.op('Gather', [ids, inputs.classes], { axis: 1 }));
  for (const attention of attentions) {
    attention.add.setInput(attention.mask, attention === ofRow ? first : all);
  }
  b.graph.replaceUses(row.outputs[0], classes);
  // What was one row of each text in a batch is now a row of each text in one.
  for (const reshape of [ofRow.query, ofRow.result]) {
    reshape.setInput(1, b.ints([0, 0, ...firstInts(reshape).slice(2)]));
  }
  b.graph.replaceUses(head.outputs[0], b.squeeze(head.inputs[0], [0]));
}

function attendApart(b, { row, attentions, ofRow }, classes, int64) {
  const places = int64('places', [texts, longest]);
  const back = int64('back', [tokens]);
  const { attention_mask: mask } = Object.fromEntries(b.graph.inputs.map((v) => [v.name, v]));
  mask.shape = [texts, longest];
  const padded = new Map();
  const pad = (value) => {
    if (!padded.has(value)) {
      padded.set(value, b.op('Gather', [b.squeeze(value, [0]), places], { axis: 0 }));
    }
    return padded.get(value);
  };
  for (const attention of attentions) {
    const { query, key, value, result } = attention;
    const projected = attention === ofRow ? [key, value] : [query, key, value];
    for (const reshape of projected) reshape.setInput(0, pad(reshape.inputs[0]));
    if (attention === ofRow) continue;
    const [output] = result.outputs;
    const readers = [...output.uses];
    const rows = b.reshape(output, [1, -1, firstInts(result).at(-1)]);
    const packed = b.op('Gather', [rows, back], { axis: 1 });
    for (const { node, index } of readers) node.setInput(index, packed);
  }
  // The selected rows are a batch again, as they were: everything behind them stays.
  b.graph.replaceUses(row.outputs[0], b.transpose(classes, [1, 0, 2]));
}
