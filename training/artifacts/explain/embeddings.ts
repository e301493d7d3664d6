import { AppError } from '../../../src/errors.ts';
import { passes } from '../../graph/facts/passing.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { isFloat } from '../../onnx/tensor.ts';

/** A place where token ids become vectors. */
export interface TokenEmbedding {
  /** The vectors of all words [words, width]. */
  readonly table: Value;
  /** The ids, in whatever shape the lookup reads them. */
  readonly ids: Value;
  /** The ids' shape, and the width. */
  readonly vectors: Value;
}

/** Operators after which the ids are still one for each token: position ids are made by others. */
const carriesIds = passes('type', 'form');

/**
 * Where a graph looks its tokens up, whatever the names: each Gather of rows of a float matrix by `input_ids`
 * themselves. Positions and segments are other lookups. AppError `model_invalid` where there is none.
 */
export function tokenEmbeddings(graph: Graph): TokenEmbedding[] {
  const input = graph.inputs.find(({ name }) => name === 'input_ids');
  const ids = new Set(input && [input]);
  const found: TokenEmbedding[] = [];
  for (const node of graph.topologicalOrder()) {
    const [first, second] = node.inputs;
    const [output] = node.outputs;
    if (node.domain !== '' || output === undefined) continue;
    if (first && ids.has(first) && carriesIds(node)) ids.add(output);
    if (first && second && ids.has(second) && isLookup(node)) {
      found.push({ table: first, ids: second, vectors: output });
    }
  }
  if (found.length > 0) return found;
  throw new AppError(
    'model_invalid',
    `the graph has no token embedding: no Gather reads rows of a float matrix by ${input ? 'input_ids' : 'an input "input_ids", which is missing'}`,
    { hint: 'explanations need a graph that starts from token ids' },
  );
}

function isLookup(node: Node): boolean {
  const [table] = node.inputs;
  const axis = node.int('axis') ?? 0;
  return node.op === 'Gather' && axis === 0 && table?.shape?.length === 2 && isFloat(table.type);
}
