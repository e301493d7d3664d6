import type { Graph, Node } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';

/** Every node of a graph and of the bodies inside it that draws masks from a seed of its own. */
function seededNodes(graph: Graph): Node[] {
  return [...graph.nodes].flatMap((node) => [
    ...(node.op === 'Dropout' && node.int('seed') !== undefined ? [node] : []),
    ...[...node.attributes.values()].flatMap((attribute) =>
      attribute.kind === 'graph' ? seededNodes(attribute.value) : [],
    ),
  ]);
}

export const hasDropout = ({ graph }: Model): boolean => seededNodes(graph).length > 0;

/**
 * Opens a session of a training model whose masks go on as after `batches` batches. The runtime's kernel on the
 * CPU draws the n-th mask of a session from seed + n (its `RandomGenerator::NextSeed` counts up), so that a
 * session with the seeds advanced by n is one that has run n times. Other providers count in their own ways:
 * there the advanced seeds give another stream, which depends on the number alone.
 */
export async function withMasksFrom<T>(
  model: Model,
  batches: number,
  open: (model: Model) => Promise<T>,
): Promise<T> {
  const nodes = seededNodes(model.graph);
  const advance = (by: number): void => {
    for (const node of nodes) {
      node.attributes.set('seed', { kind: 'int', value: (node.int('seed') ?? 0) + by });
    }
  };
  advance(batches);
  try {
    return await open(model);
  } finally {
    advance(-batches);
  }
}
