import { type Dim, multiplyDims, type Shape } from '../dim.ts';
import type { Node } from '../graph.ts';
import { sameAsFirst } from './elementwise.ts';
import { fusedMatMul, matMulTo } from './matmul.ts';
import {
  filledShape,
  type Inferred,
  normaliseAxis,
  opaqueShape,
  type Rule,
  type RuleTable,
  shapeAt,
  typeAt,
} from './rule.ts';

/** Outputs: normalised, mean, inverse standard deviation, and the sum that was normalised. */
const skipLayerNormalization: Rule = (node) => {
  const [data, type] = [shapeAt(node, 0), typeAt(node, 0)];
  const statistic: Inferred = { type: 'float32', shape: data && [...data.slice(0, -1), 1] };
  return [{ type, shape: data }, statistic, statistic, { type, shape: data }];
};

/** Outputs: embeddings, the mask's index, the sum before normalisation. */
const embedLayerNormalization: Rule = (node) => {
  const [ids, words, type] = [shapeAt(node, 0), shapeAt(node, 2), typeAt(node, 2)];
  const width = words?.[1];
  const shape = (output: number) => ids && filledShape(node, [...ids, width], output);
  const maskIndex: Inferred = { type: 'int32', shape: ids?.slice(0, 1) };
  return [{ type, shape: shape(0) }, maskIndex, { type, shape: shape(2) }];
};

/**
 * Self-attention of a packed projection: width [hidden, 3 × hidden] unless `qkv_hidden_sizes` says
 * else.
 */
const packedProjectionAttention =
  (type: (node: Node) => Inferred['type']): Rule =>
  (node) => {
    const [data, weights] = [shapeAt(node, 0), shapeAt(node, 1)];
    const packed = weights?.[1];
    const third = typeof packed === 'number' ? packed / 3 : undefined;
    const width = node.ints('qkv_hidden_sizes')?.[2] ?? third;
    const shape = data && filledShape(node, [data[0], data[1], width]);
    return [{ type: type(node), shape }];
  };

const multiHeadAttention: Rule = (node) => {
  const [query, value, type] = [shapeAt(node, 0), shapeAt(node, 2), typeAt(node, 0)];
  if (query === undefined || query.length !== 3) return [{ type }];
  const heads = node.int('num_heads');
  const width: Dim | undefined =
    value?.length === 3
      ? value[2]
      : value?.length === 4 && heads !== undefined && value[3] !== undefined
        ? multiplyDims(value[3], heads)
        : undefined;
  return [{ type, shape: filledShape(node, [query[0], query[1], width]) }];
};

const matMulNBits: Rule = (node) => {
  const data = shapeAt(node, 0);
  const columns = node.int('N');
  const shape: Shape | undefined = data && filledShape(node, [...data.slice(0, -1), columns]);
  return [{ type: typeAt(node, 0), shape }];
};

/** Quantized data packs 8 / bits elements along its last axis when its type is uint8. */
const gatherBlockQuantized: Rule = (node) => {
  const [data, indices, type] = [shapeAt(node, 0), shapeAt(node, 1), typeAt(node, 2)];
  if (data === undefined || indices === undefined) return [{ type }];
  const axis = normaliseAxis(node, node.int('gather_axis') ?? 0, data.length);
  const perByte = typeAt(node, 0) === 'uint8' ? 8 / (node.int('bits') ?? 4) : 1;
  const whole = data.map((dim, i) => (i === data.length - 1 ? multiplyDims(dim, perByte) : dim));
  return [{ type, shape: [...whole.slice(0, axis), ...indices, ...whole.slice(axis + 1)] }];
};

const withMask =
  (mask: (node: Node) => Inferred): Rule =>
  (node) => [{ type: typeAt(node, 0), shape: shapeAt(node, 0) }, mask(node)];

/**
 * Operators of the domain com.microsoft, as the runtime's own optimizer and quantizer write them.
 */
export const contribRules: RuleTable = {
  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  Gelu: sameAsFirst,
  BiasGelu: sameAsFirst,
  FastGelu: sameAsFirst,
  QuickGelu: sameAsFirst,
  BiasDropout: withMask((node) => ({ type: 'bool', shape: shapeAt(node, 0) })),
  BitmaskDropout: withMask((node) => ({ type: 'uint32', shape: opaqueShape(node, 1, 1) })),
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipLayerNormalization,
  EmbedLayerNormalization: embedLayerNormalization,
  Attention: packedProjectionAttention((node) => typeAt(node, 0)),
  QAttention: packedProjectionAttention((node) => typeAt(node, 3)),
  MultiHeadAttention: multiHeadAttention,
  DynamicQuantizeMatMul: matMulTo((node) => typeAt(node, 0)),
  MatMulIntegerToFloat: matMulTo((node) => typeAt(node, 2)),
  MatMulNBits: matMulNBits,
  GatherBlockQuantized: gatherBlockQuantized,
};
