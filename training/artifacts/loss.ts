import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { formatShape } from '../onnx/dim.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { floatTensor } from '../onnx/tensor.ts';

/**
 * Adds the input `labels` [batch, N] and the multi-label binary cross-entropy with logits, the mean over
 * all elements of (1−y)·softplus(x) + p·y·softplus(−x). With p = 1 this is softplus(x) − x·y, and in general
 * (1−y)·x + (1+(p−1)y)·softplus(−x), but no large terms cancel: it keeps its precision where the loss is
 * small. Right for soft labels too.
 *
 * @param posWeight p, one for each label
 * @returns the scalar `loss` and the input `labels`
 */
export function addLoss(
  graph: Graph,
  logits: Value,
  posWeight?: readonly number[],
): { labels: Value; loss: Value } {
  const width = logits.shape?.[1];
  if (logits.shape?.length !== 2 || logits.type !== 'float32') {
    throw new AppError(
      'model_invalid',
      `${nameShown(logits.name)} is ${logits.type} ${formatShape(logits.shape)}: expected float32 [batch, labels]`,
    );
  }
  if (posWeight) requireWeights(posWeight, width);
  for (const name of ['labels', 'loss']) {
    const taken = graph.find(name);
    if (taken) graph.rename(taken, graph.freshName(`${name}_of_source`));
  }
  const labels = graph.addInput('labels', 'float32', logits.shape);
  const b = new GraphBuilder(graph, 'loss');
  const negative = b.mul(b.sub(1, labels), b.op('Softplus', [logits]));
  const missed = b.mul(labels, b.op('Softplus', [b.neg(logits)]));
  const weights =
    posWeight && b.constant(floatTensor([posWeight.length], Float32Array.from(posWeight)));
  const positive = weights ? b.mul(missed, weights) : missed;
  const loss = b.reduceMean(b.add(negative, positive), [0, 1], false);
  graph.rename(loss, 'loss');
  return { labels, loss };
}

function requireWeights(weights: readonly number[], width: unknown): void {
  if (typeof width === 'number' && weights.length !== width) {
    throw new AppError(
      'config_invalid',
      `pos_weight has ${weights.length} numbers: expected ${width}, one for each label`,
    );
  }
  const wrong = weights.find((weight) => !(weight > 0 && Number.isFinite(weight)));
  if (wrong !== undefined) {
    throw new AppError('config_invalid', `pos_weight holds ${wrong}: expected positive numbers`);
  }
}
