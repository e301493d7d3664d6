import { constantScalar } from '../autodiff/constants.ts';
import { Random } from '../data/random.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import { scalarTensor } from '../onnx/tensor.ts';

/** A kind of place where the source model drops activations while it trains. */
interface DropoutPlace {
  readonly op: string;
  /** The path of the node. */
  readonly at: RegExp;
  /** What is dropped: the node's output, or its first input. */
  readonly drops: 'output' | 'input';
}

/** DistilBERT's places and those of the task head. */
const places: readonly DropoutPlace[] = [
  { op: 'LayerNormalization', at: /\/embeddings\/LayerNorm\//, drops: 'output' },
  { op: 'Softmax', at: /\/attention\/Softmax$/, drops: 'output' },
  { op: 'Add', at: /\/ffn\/lin2\/Add$/, drops: 'output' },
  { op: 'MatMul', at: /^\/head\/(dense|out)\/MatMul$/, drops: 'input' },
];

export interface DropoutOptions {
  readonly probability: number;
  readonly seed: number;
}

/**
 * Puts Dropout nodes in training mode at their places; each gets a `seed` attribute of its own, derived
 * from the seed and the place. Returns the paths of the nodes at which activations are dropped.
 */
export function insertDropout(graph: Graph, options: DropoutOptions): string[] {
  if (options.probability === 0) return [];
  const b = new GraphBuilder(graph, 'dropout');
  const ratio = b.scalar(options.probability, 'float32');
  const training = b.constant(scalarTensor('bool', 1), 'training');
  const dropped = (node: Node, x: Value): Value =>
    b.op(
      'Dropout',
      [x, ratio, training],
      { seed: placeSeed(options.seed, node.name) },
      { name: `${node.name}/Dropout`, outputs: [`${node.name}/Dropout_output_0`] },
    );
  return graph.topologicalOrder().flatMap((node) => {
    const place = places.find(({ op, at }) => op === node.op && at.test(node.name));
    const x = place?.drops === 'input' ? node.inputs[0] : node.outputs[0];
    if (place === undefined || x === undefined) return [];
    const readers = [...x.uses];
    const y = dropped(node, x);
    if (place.drops === 'input') node.setInput(0, y);
    else for (const { node: reader, index } of readers) reader.setInput(index, y);
    return [node.name];
  });
}

/**
 * Keeps the runtime from dropping the Dropout nodes whose mask nobody reads, those of frozen layers: onnxruntime
 * 1.30 removes them although they train, unless it cannot know `training_mode` beforehand. It is then computed,
 * always true: whether the sum of `anchor`, any float input, is not infinite. To be called when the gradients
 * are there.
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
