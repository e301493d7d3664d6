import { erfGelu } from '../graph/pattern/gelu.ts';
import { matchPattern } from '../graph/pattern/match.ts';
import { sameShape } from '../onnx/dim.ts';
import type { Node, Value } from '../onnx/graph.ts';

/** x·Φ(x) written out as ½x(1 + erf(x/√2)). */
export interface WrittenGelu {
  readonly x: Value;
  /** The values between x and the product; nothing else reads them. */
  readonly inner: readonly Value[];
}

/**
 * The GELU that a product of the graph completes. Differentiated as a whole it needs x alone to be kept, and the
 * runtime can compute it in one pass.
 */
export function writtenGelu(node: Node): WrittenGelu | undefined {
  const [output] = node.outputs;
  const match = node.op === 'Mul' && output && matchPattern(node.graph, erfGelu, output);
  const x = match ? match.values.get('x') : undefined;
  if (!match || !x?.shape || !output?.shape || !sameShape(x.shape, output.shape)) return undefined;
  const inner = [...match.nodes].flatMap(({ outputs: [value] }) =>
    value && value !== output ? [value] : [],
  );
  return { x, inner };
}
