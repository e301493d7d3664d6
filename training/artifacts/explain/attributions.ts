import { AppError } from '../../../src/errors.ts';
import { addGradients } from '../../autodiff/gradients.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/graph.ts';
import { floatTensor } from '../../onnx/tensor.ts';
import type { TokenEmbedding } from './embeddings.ts';

/** A token's vector x, and what enters the network in its place. */
export interface EnteredEmbedding extends TokenEmbedding {
  /** What the rest of the graph reads. */
  readonly entered: Value;
  /** What enters moves along this, from the baseline to x: x − baseline; 0 for tokens that stay. */
  readonly path: Value;
}

/** Points on the way from the baseline's vectors to the tokens' own. */
export interface PathPoint {
  /** From 0, the baseline, to 1. */
  readonly alpha: Value;
  /** The token whose vector is the baseline's; undefined: vectors of zero. */
  readonly baseline: number | undefined;
  /** Which of a lookup's ids enter as they are; undefined: none. */
  readonly isKept: (ids: Value) => Value | undefined;
}

/** Lets each token enter as x − (1 − α)·(x − baseline) in place of x. */
export function enterAt(
  b: GraphBuilder,
  embedding: TokenEmbedding,
  { alpha, baseline, isKept }: PathPoint,
): EnteredEmbedding {
  const { table, ids, vectors } = embedding;
  const readers = [...vectors.uses];
  const start = baseline === undefined ? undefined : b.op('Gather', [table, b.ints([baseline])]);
  const way = start ? b.sub(vectors, start) : vectors;
  const kept = isKept(ids);
  const path = kept ? b.where(b.unsqueeze(kept, [-1]), b.scalar(0, way), way) : way;
  const left = b.sub(b.scalar(1, alpha), alpha);
  const rest = vectors.type === 'float16' ? b.cast(left, 'float16') : left;
  const entered = b.sub(vectors, b.mul(path, rest));
  for (const { node, index } of readers) node.setInput(index, entered);
  return { ...embedding, entered, path };
}

export interface Products {
  /** Gradient × the token's vector. */
  readonly vectors: Value;
  /** Gradient × the way from the baseline to it. */
  readonly paths: Value;
}

/**
 * For each axis and token, the gradient of the axis's logit with respect to what entered, times a vector, summed
 * over the width: [batch, axes, sequence]. One backward pass for each axis; they share the forward pass.
 *
 * @param tokens a value of shape [batch, sequence]
 */
export function gradientProducts(
  b: GraphBuilder,
  logits: Value,
  embeddings: readonly EnteredEmbedding[],
  tokens: Value,
): Products {
  const rows = Array.from({ length: axesOf(logits) }, (_, axis) => {
    const wanted = embeddings.map(({ entered }) => entered);
    const gradients = addGradients(b.graph, new Map([[logits, oneHot(b, logits, axis)]]), wanted);
    const times = (factor: 'vectors' | 'path') =>
      embeddings.flatMap((embedding) => {
        const gradient = gradients.get(embedding.entered);
        return gradient ? [tokenSums(b, b.mul(gradient, embedding[factor]), tokens)] : [];
      });
    return { vectors: total(b, times('vectors')), paths: total(b, times('path')) };
  });
  const joined = (kind: keyof Products) =>
    b.op(
      'Concat',
      rows.map((row) => row[kind]),
      { axis: 1 },
    );
  return { vectors: joined('vectors'), paths: joined('paths') };
}

/** The sum over all lookups, with an axis for the axes. */
function total(b: GraphBuilder, parts: readonly Value[]): Value {
  if (parts.length > 0) return b.unsqueeze(parts.reduce(b.add), [1]);
  throw new AppError('model_invalid', 'the logits do not depend on the token embeddings');
}

/** 1 for one axis's logit, 0 for the others: [batch, axes]. */
function oneHot(b: GraphBuilder, logits: Value, axis: number): Value {
  const count = axesOf(logits);
  const row = new Float32Array(count);
  row[axis] = 1;
  return b.expandLike(b.constant(floatTensor([1, count], row), `axis_${axis}`), logits);
}

function tokenSums(b: GraphBuilder, products: Value, tokens: Value): Value {
  const sums = b.reduceSum(b.cast(products, 'float32'), [-1], false);
  return b.reshapeLike(sums, tokens);
}

/** The number of axes of logits [batch, axes]. AppError `model_invalid` where it is not known. */
export function axesOf(logits: Value): number {
  const [, count] = logits.shape ?? [];
  if (logits.type === 'float32' && logits.shape?.length === 2 && typeof count === 'number') {
    return count;
  }
  throw new AppError(
    'model_invalid',
    'the logits of the graph are not float32 [batch, axes] with a known number of axes',
    { hint: 'export the model with fixed labels' },
  );
}
