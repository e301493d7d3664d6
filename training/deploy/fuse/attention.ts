import type { Found, Rewrite } from '../../graph/pattern/apply.ts';
import { any, either, op, type Pattern, scalar } from '../../graph/pattern/pattern.ts';
import { changedScores } from '../../onnx/attention.ts';
import { float } from '../../onnx/attributes.ts';
import { type Shape, sameDim } from '../../onnx/dim.ts';
import type { Node, Value } from '../../onnx/graph.ts';
import { additive, int32Mask, type Padding, paddingOf, replacing } from './masking.ts';
import { withoutBiases } from './projection-bias.ts';

const permuted = (...perm: readonly number[]) => ({
  where: (node: Node) => node.ints('perm')?.join() === perm.join(),
});

/** A value, perhaps times or divided by a constant. */
const scaled = (x: Pattern, name: string): Pattern =>
  either(op('Mul', [x, scalar(`${name} *`)]), op('Div', [x, scalar(`${name} /`)]), x);

/** x [batch, rows, width] as [batch, rows, heads, size]. */
const split = (name: string): Pattern =>
  op('Reshape', [scaled(any(name), `${name} flat`)], { as: `${name} split` });

const heads = (name: string): Pattern => op('Transpose', [split(name)], permuted(0, 2, 1, 3));

/** [batch, heads, size, rows]; dynamo exports of SDPA fold batch and heads together for it. */
const keysAcross = either(
  op('Transpose', [split('key')], permuted(0, 2, 3, 1)),
  op('Transpose', [heads('key')], permuted(0, 1, 3, 2)),
  op('Reshape', [op('Transpose', [op('Reshape', [heads('key')])], permuted(0, 2, 1))], {
    where: (node) => node.outputs[0]?.shape?.length === 4,
  }),
);

const product = op('MatMul', [scaled(heads('query'), 'query'), scaled(keysAcross, 'key')], {
  as: 'scores',
});
const scores = scaled(product, 'scores');

const masked = either(
  op('Add', [op('Add', [scores, any('bias')]), any('mask')]),
  op('Add', [scores, any('mask')]),
  op('Where', [any('where masked'), scalar('filler'), scores]),
  op('Where', [any('where kept'), scores, scalar('filler')]),
  scores,
);

const overKeys = {
  where: (node: Node) => [-1, 3].includes(node.int('axis') ?? -1),
};

/** [batch, rows, heads × size]; not [batch × rows, …], which Conv1D modules ask for. */
const sideBySide = (x: Pattern): Pattern =>
  op('Reshape', [op('Transpose', [x], permuted(0, 2, 1, 3))], {
    where: (node) => node.outputs[0]?.shape?.length === 3,
  });

/** Attention of opset 23 over heads, without a cache, a causal mask, a window or other extras. */
const plainAttention = {
  as: 'attention',
  where: (node: Node) =>
    changedScores(node) === undefined &&
    node.inputs.slice(4).every((input) => input === undefined) &&
    node.outputs.slice(1).every((output) => output === undefined),
};
const projected = [heads('query'), heads('key'), heads('value')];

const scales = ['query flat', 'key flat', 'query', 'key', 'scores'];

/** softmax(Q·Kᵀ·scale + mask)·V over heads → MultiHeadAttention of the runtime. */
export const attention: readonly Rewrite[] = [
  {
    name: 'MultiHeadAttention',
    pattern: sideBySide(op('MatMul', [op('Softmax', [masked], overKeys), heads('value')])),
    replace: (found) => {
      const scale = scales.reduce(
        (all, name) => (all * found.scalar(`${name} *`, 1)) / found.scalar(`${name} /`, 1),
        1,
      );
      const shape = found.value('scores').shape;
      const masking = shape && maskingOf(found, shape);
      return masking && multiHead(found, scale, masking);
    },
  },
  ...[projected, [...projected, any('mask')]].map(
    (inputs): Rewrite => ({
      name: 'MultiHeadAttention',
      pattern: sideBySide(op('Attention', inputs, plainAttention)),
      replace: (found) => {
        const { producer } = found.value('attention');
        const [query, key] = [found.value('query split').shape, found.value('key split').shape];
        const size = query?.[3];
        if (!producer || !query || !key || typeof size !== 'number') return undefined;
        if ((producer.inputs[3] === undefined) !== (found.maybe('mask') === undefined)) return;
        const [batch = 1, rows = 1, count = 1] = query;
        const masking = maskingOf(found, [batch, count, rows, key[1] ?? 1]);
        const flat = found.scalar('query flat *', 1) * found.scalar('key flat *', 1);
        const divided = found.scalar('query flat /', 1) * found.scalar('key flat /', 1);
        const scale = (producer.float('scale') ?? 1 / Math.sqrt(size)) * (flat / divided);
        return masking && multiHead(found, scale, masking);
      },
    }),
  ),
];

interface Masking {
  readonly padding?: Padding | undefined;
  /** Added to the scores: [batch or 1, heads or 1, queries, keys]. */
  readonly bias?: Value | undefined;
}

/** What is done to the scores, as the operator takes it; undefined where it cannot. */
function maskingOf({ maybe, scalar: number }: Found, shape: Shape): Masking | undefined {
  const [whereMasked, whereKept] = [maybe('where masked'), maybe('where kept')];
  if (whereMasked || whereKept) {
    const effect = whereMasked
      ? replacing(whereMasked, 1, number('filler'))
      : whereKept && replacing(whereKept, 0, number('filler'));
    const padding = effect && paddingOf(effect, shape);
    return padding && { padding };
  }
  const masks = [maybe('mask'), maybe('bias')].filter((mask) => mask !== undefined);
  let masking: Masking = {};
  for (const mask of masks) {
    const effect =
      mask.type === 'bool' ? replacing(mask, 0, Number.NEGATIVE_INFINITY) : additive(mask);
    const padding = paddingOf(effect, shape);
    if (padding && !masking.padding) masking = { ...masking, padding };
    else if (!masking.bias && isBias(mask, shape)) masking = { ...masking, bias: mask };
    else return undefined;
  }
  return masking;
}

function isBias({ type, shape }: Value, scores: Shape): boolean {
  if (type !== 'float32' || shape?.length !== 4) return false;
  return shape.every((dim, i) => {
    const wanted = scores[i];
    return wanted !== undefined && (sameDim(dim, wanted) || (i < 2 && dim === 1));
  });
}

function multiHead(found: Found, scale: number, { padding, bias }: Masking): Value | undefined {
  const { b, value } = found;
  const projections = [value('query'), value('key'), value('value')];
  const count = value('query split').shape?.[2];
  const flat = projections.every(({ shape, type }) => shape?.length === 3 && type === 'float32');
  const alike = ['key', 'value'].every((name) => value(`${name} split`).shape?.[2] === count);
  if (!flat || !alike || typeof count !== 'number' || isValueScaled(found)) return undefined;
  const { operands, bias: projectionBias } = withoutBiases(b, projections);
  const mask = padding && int32Mask(b, padding.source);
  return b.op(
    'MultiHeadAttention',
    [...operands, projectionBias, mask, bias],
    {
      num_heads: count,
      scale: float(scale),
      mask_filter_value: padding && float(padding.filler),
    },
    { domain: 'com.microsoft' },
  );
}

/** The operator scales scores, not values. */
const isValueScaled = ({ scalar: number }: Found): boolean =>
  number('value flat *', 1) !== 1 || number('value flat /', 1) !== 1;
