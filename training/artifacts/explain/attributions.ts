import { AppError } from '../../../src/errors.ts';
import { addGradients } from '../../autodiff/gradients.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Value } from '../../onnx/graph.ts';
import { floatTensor } from '../../onnx/tensor.ts';
import type { TokenEmbedding } from './embeddings.ts';

/** Where each token's vector x enters the network: as x, or as a part of it. */
export interface EnteredEmbedding extends TokenEmbedding {
  /** What the rest of the graph reads. */
  readonly entered: Value;
}

/**
 * Lets each token enter as α·x in place of x; tokens that are `kept` enter as they are.
 *
 * @param isKept the kept ones, of a lookup's ids; undefined: none
 */
export function scaleEmbedding(
  b: GraphBuilder,
  { ids, vectors }: TokenEmbedding,
  alpha: Value,
  isKept: Value | undefined,
): EnteredEmbedding {
  const readers = [...vectors.uses];
  const share = vectors.type === 'float16' ? b.cast(alpha, 'float16') : alpha;
  const scale = isKept ? b.unsqueeze(b.where(isKept, b.scalar(1, share), share), [-1]) : share;
  const entered = b.mul(vectors, scale);
  for (const { node, index } of readers) node.setInput(index, entered);
  return { ids, vectors, entered };
}

/**
 * For each axis and token, the gradient of the axis's logit with respect to what entered, times the token's own
 * vector x, summed over the width: [batch, axes, sequence]. One backward pass for each axis; they share the
 * forward pass.
 *
 * @param tokens a value of shape [batch, sequence]
 */
export function gradientTimesVector(
  b: GraphBuilder,
  logits: Value,
  embeddings: readonly EnteredEmbedding[],
  tokens: Value,
): Value {
  const rows = Array.from({ length: axesOf(logits) }, (_, axis) => {
    const wanted = embeddings.map(({ entered }) => entered);
    const gradients = addGradients(b.graph, new Map([[logits, oneHot(b, logits, axis)]]), wanted);
    const products = embeddings.flatMap(({ entered, vectors }) => {
      const gradient = gradients.get(entered);
      return gradient ? [tokenSums(b, b.mul(gradient, vectors), tokens)] : [];
    });
    if (products.length > 0) return b.unsqueeze(products.reduce(b.add), [1]);
    throw new AppError('model_invalid', 'the logits do not depend on the token embeddings');
  });
  return b.op('Concat', rows, { axis: 1 });
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

function axesOf(logits: Value): number {
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
