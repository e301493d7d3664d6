import { dataTypeOf } from '../data-type.ts';
import { addDims, type Dim, divideDims, multiplyDims, type Shape } from '../dim.ts';
import { sameAsFirst } from './elementwise.ts';
import { filledShape, normaliseAxis, type Rule, type RuleTable, shapeAt, typeAt } from './rule.ts';

/**
 * Outputs: normalised, and the mean and inverse standard deviation with 1 on the normalised axes.
 */
const layerNormalization: Rule = (node) => {
  const [data, type] = [shapeAt(node, 0), typeAt(node, 0)];
  const axis = data && normaliseAxis(node, node.int('axis') ?? -1, data.length);
  const reduced = data?.map((dim, i) => (i < (axis ?? 0) ? dim : 1));
  const stash = dataTypeOf(node.int('stash_type') ?? 1);
  const statistic = { type: type === 'float64' ? type : stash, shape: reduced };
  return [{ type, shape: data }, statistic, statistic];
};

const dropout: Rule = (node) => {
  const [data, type] = [shapeAt(node, 0), typeAt(node, 0)];
  const mask = node.graph.opset < 10 ? type : 'bool';
  return [
    { type, shape: data },
    { type: mask, shape: data },
  ];
};

const dividedBy = (dim: Dim | undefined, by: number | undefined): Dim | undefined =>
  dim === undefined || by === undefined ? undefined : divideDims(dim, by);

/** [batch, heads, length, size] of an operand given so, or as [batch, length, heads × size]. */
function headed(shape: Shape | undefined, heads: number | undefined): (Dim | undefined)[] {
  if (shape?.length === 4) return [...shape];
  const [batch, length, width] = shape ?? [];
  return [batch, heads, length, dividedBy(width, heads)];
}

/** Outputs: Y, present_key, present_value, qk_matmul_output. */
const attention: Rule = (node) => {
  const [type, past] = [typeAt(node, 0), shapeAt(node, 4)?.[2]];
  const rank = shapeAt(node, 0)?.length;
  const queryHeads = node.int('q_num_heads');
  const keyHeads = node.int('kv_num_heads');
  const [batch, heads, length] = headed(shapeAt(node, 0), queryHeads);
  const [, groups, keyLength, keySize] = headed(shapeAt(node, 1), keyHeads);
  const [, , , valueSize] = headed(shapeAt(node, 2), keyHeads);
  const hasPast = node.inputs[4] !== undefined;
  const total = !hasPast
    ? keyLength
    : keyLength && past !== undefined
      ? addDims(keyLength, past)
      : undefined;
  const width =
    heads === undefined || valueSize === undefined ? undefined : multiplyDims(heads, valueSize);
  const y = rank === 4 ? [batch, heads, length, valueSize] : [batch, length, width];
  return [
    { type, shape: rank === undefined ? undefined : filledShape(node, y) },
    { type: typeAt(node, 1), shape: filledShape(node, [batch, groups, total, keySize], 1) },
    { type: typeAt(node, 2), shape: filledShape(node, [batch, groups, total, valueSize], 2) },
    { type, shape: filledShape(node, [batch, heads, length, total], 3) },
  ];
};

export const nnRules: RuleTable = {
  LayerNormalization: layerNormalization,
  Dropout: dropout,
  Attention: attention,
  RotaryEmbedding: sameAsFirst,
};
