import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { formatShape } from '../onnx/dim.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { ModuleBuilder } from './module-builder.ts';
import { initialWeights } from './weights.ts';

/** The head's first matrix is as wide as the hidden states, both ways. */
const MOST_WIDTH = 8192;

export interface HeadOptions {
  readonly labels: number;
  /** Decides the head's initial weights. */
  readonly seed: number;
}

/**
 * Attaches the task head to hidden states [batch, sequence, dim]: the first token's state → head.dense →
 * GELU (erf) → head.out. Returns the logits [batch, labels], named `logits`; the graph's outputs stay.
 */
export function attachHead(graph: Graph, hidden: Value, { labels, seed }: HeadOptions): Value {
  const width = hidden.shape?.[2];
  if (hidden.shape?.length !== 3 || typeof width !== 'number') {
    throw new AppError(
      'model_invalid',
      `${nameShown(hidden.name)} has shape ${formatShape(hidden.shape)}: expected [batch, sequence, width] with a fixed width`,
      { hint: 'the task head is attached to the hidden states of all tokens' },
    );
  }
  const isFloat = hidden.type === undefined || hidden.type === 'float32';
  if (!isFloat || width < 1 || width > MOST_WIDTH) {
    throw new AppError(
      'model_invalid',
      `${nameShown(hidden.name)} is ${hidden.type} ${formatShape(hidden.shape)}: expected float32 hidden states, from 1 to ${MOST_WIDTH} wide`,
    );
  }
  const m = new ModuleBuilder(graph, initialWeights(seed), 'head');
  const first = m.op('head', 'Gather', [hidden, m.b.scalar(0, 'int64')], { axis: 1 });
  const dense = m.gelu('head/activation', m.linear('head/dense', first, [width, width]));
  const logits = m.linear('head/out', dense, [width, labels]);
  const taken = graph.find('logits');
  if (taken) graph.rename(taken, graph.freshName('logits_of_source'));
  graph.rename(logits, 'logits');
  return logits;
}
