import { type Dim, sameDim } from '../dim.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { filledShape, type Inferred, type Rule, type RuleTable } from './rule.ts';

function body(node: Node, name: string): Graph | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'graph' ? attribute.value : undefined;
}

/** What holds of a value that is one of several: their common type, rank and dimensions. */
function either(node: Node, output: number, values: readonly (Value | undefined)[]): Inferred {
  const [first, ...others] = values;
  const type = others.every((other) => other?.type === first?.type) ? first?.type : undefined;
  const shape = first?.shape;
  if (shape === undefined || others.some((other) => other?.shape?.length !== shape.length))
    return { type };
  const dims = shape.map((dim, axis) =>
    others.every((other) => sameDim(other?.shape?.[axis] ?? -1, dim)) ? dim : undefined,
  );
  return { type, shape: filledShape(node, dims, output) };
}

/** A stacked output: the shape of one element behind the number of elements. */
const stacked = (node: Node, output: number, value: Value | undefined, count?: Dim): Inferred => ({
  type: value?.type,
  shape: value?.shape && filledShape(node, [count, ...value.shape], output),
});

const conditional: Rule = (node, inferBody) => {
  const branches = [body(node, 'then_branch'), body(node, 'else_branch')];
  for (const branch of branches) if (branch) inferBody(branch);
  return node.outputs.map((_, i) =>
    either(
      node,
      i,
      branches.map((branch) => branch?.outputs[i]),
    ),
  );
};

/** Body: (iteration, condition, carried…) → (condition, carried…, scanned…). */
const loop: Rule = (node, inferBody) => {
  const graph = body(node, 'body');
  if (graph === undefined) return [];
  const carried = node.inputs.length - 2;
  graph.inputs.forEach((input, i) => {
    input.type ??= i === 0 ? 'int64' : i === 1 ? 'bool' : node.inputs[i]?.type;
    if (i < 2) input.shape ??= [];
  });
  inferBody(graph);
  return node.outputs.map((_, i) => {
    const result = graph.outputs[i + 1];
    // The number of iterations may be less than the trip count: the condition can end the loop.
    return i < carried ? either(node, i, [result, node.inputs[i + 2]]) : stacked(node, i, result);
  });
};

/**
 * Body: (states…, one element of each scanned input…) → (states…, scanned…). Only axis 0 is looked
 * at.
 */
const scan: Rule = (node, inferBody) => {
  const graph = body(node, 'body');
  const scanned = node.int('num_scan_inputs');
  if (graph === undefined || scanned === undefined) return [];
  const states = node.inputs.length - scanned;
  const plain = ['scan_input_axes', 'scan_output_axes'].every(
    (name) => node.ints(name)?.every((axis) => axis === 0) ?? true,
  );
  graph.inputs.forEach((input, i) => {
    const outer = node.inputs[i];
    input.type ??= outer?.type;
    if (i >= states && plain) input.shape ??= outer?.shape?.slice(1);
  });
  inferBody(graph);
  const count = node.inputs.slice(states).find((input) => input?.shape !== undefined)?.shape?.[0];
  return node.outputs.map((_, i) => {
    const result = graph.outputs[i];
    if (i < states) return either(node, i, [result, node.inputs[i]]);
    return plain ? stacked(node, i, result, count) : { type: result?.type };
  });
};

export const controlFlowRules: RuleTable = { If: conditional, Loop: loop, Scan: scan };
