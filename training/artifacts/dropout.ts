import { constantScalar } from '../graph/facts/constants.ts';
import { dropoutPlaces } from '../graph/facts/dropout-places.ts';
import { expandAttention } from '../graph/transforms/attention-nodes.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { scalarTensor } from '../onnx/tensor.ts';
import { Random } from '../random.ts';

export interface DropoutOptions {
  readonly probability: number;
  readonly seed: number;
}

/**
 * Puts Dropout nodes in training mode at the places of `dropoutPlaces`; each gets a `seed`
 * attribute of its own, derived from the seed and the place. Returns the names of the places.
 */
export function insertDropout(graph: Graph, options: DropoutOptions): string[] {
  if (options.probability === 0) return [];
  expandAttention(graph);
  const b = new GraphBuilder(graph, 'dropout');
  const ratio = b.scalar(options.probability, 'float32');
  const training = b.constant(scalarTensor('bool', 1), 'training');
  return dropoutPlaces(graph).map(({ name, value, readers }) => {
    const dropped = b.op(
      'Dropout',
      [value, ratio, training],
      { seed: placeSeed(options.seed, name) },
      { name: `${name}/Dropout`, outputs: [`${name}/Dropout_output_0`] },
    );
    for (const { node, index } of readers) node.setInput(index, dropped);
    return name;
  });
}

/**
 * Keeps the runtime from dropping the Dropout nodes whose mask nobody reads, those of frozen
 * layers: onnxruntime 1.30 removes them although they train, unless it cannot know `training_mode`
 * beforehand. It is then computed, always true: whether the sum of `anchor`, any float input, is
 * not infinite. To be called when the gradients are there.
 */
export function keepDropout(graph: Graph, anchor: Value): void {
  const b = new GraphBuilder(graph, 'dropout');
  const unread = [...graph.nodes].filter(
    ({ op, outputs }) => op === 'Dropout' && (outputs[1]?.uses.size ?? 0) === 0,
  );
  if (unread.length === 0) return;
  const axes = (anchor.shape ?? []).map((_, i) => i);
  const sum = b.reduceSum(anchor, axes, false);
  const always = b.op('Not', [b.op('Equal', [sum, b.scalar(Number.POSITIVE_INFINITY, sum)])]);
  for (const node of unread) {
    if (constantScalar(node.inputs[2]) === 1) node.setInput(2, always);
  }
}

const placeSeed = (seed: number, place: string): number =>
  new Random(seed, 'dropout', place).int(2 ** 31);
