import type { GraphBuilder } from '../../onnx/builder.ts';
import { type Shape, sameDim } from '../../onnx/dim.ts';
import type { Value } from '../../onnx/graph.ts';
import { LEAST_FLOAT32 } from '../../onnx/tensor.ts';
import { maskExpression } from './padding-mask.ts';

/** Scores this low vanish in the softmax. */
const MASKED = -1e4;

/** The padding of the keys, as MultiHeadAttention takes it. */
export interface Padding {
  /** [batch, keys], positive where there is text. */
  readonly source: Value;
  /** What is added to the scores of padding. */
  readonly filler: number;
}

/** What a mask does to a score by the element of the attention mask: 0 for padding, 1 for text. */
interface Effect {
  readonly mask: Value;
  /** What is added to the score, or stands in its place, by the mask's element. */
  readonly added: (element: number) => number;
}

/** A mask that is added to the scores. */
export const additive = (mask: Value): Effect => ({ mask, added: (element) => element });

/** A mask that says where `filler` stands in place of the score (`at` 1) or the score stays (`at` 0). */
export const replacing = (mask: Value, at: 0 | 1, filler: number): Effect => ({
  mask,
  added: (element) => (Number(element !== 0) === at ? filler : 0),
});

/** The padding behind a mask of scores [batch, heads, queries, keys]; undefined where it masks anything else. */
export function paddingOf({ mask, added }: Effect, scores: Shape): Padding | undefined {
  const expression = maskExpression(mask);
  if (expression === undefined || expression.key !== 0 || expression.batch !== 3) return undefined;
  const { source, of } = expression;
  const [batch, keys] = [source.shape?.[0], source.shape?.[1]];
  const [scoreBatch, , , scoreKeys] = scores;
  if (batch === undefined || keys === undefined || !scoreBatch || !scoreKeys) return undefined;
  if (!sameDim(batch, scoreBatch) || !sameDim(keys, scoreKeys)) return undefined;
  const [padding, text] = [added(of(0)), added(of(1))];
  if (text !== 0 || !(padding <= MASKED)) return undefined;
  return { source, filler: Math.max(padding, LEAST_FLOAT32) };
}

const INT32 = 6;

/** A padding mask as int32, made once. */
export function int32Mask(b: GraphBuilder, source: Value): Value {
  for (const { node } of source.uses) {
    const [output] = node.outputs;
    if (node.op === 'Cast' && node.int('to') === INT32 && output) return output;
  }
  return b.cast(source, 'int32');
}
