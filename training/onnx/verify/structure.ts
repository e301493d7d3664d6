import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import { byteSize } from '../data-type.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { elementCount } from '../tensor.ts';
import type { VerifyRule } from './rule.ts';

/** Whether something gives the value its elements: a node of its graph, the caller, or the file. */
const hasSource = (graph: Graph, value: Value): boolean => {
  const owner = ownerOf(graph, value);
  if (owner === undefined) return false;
  if (value.producer !== undefined) {
    return owner.nodes.has(value.producer) && value.producer.outputs.includes(value);
  }
  return value.initializer !== undefined || owner.isInput(value);
};

/** The graph, this one or an outer one, that has the value under its name. */
function ownerOf(graph: Graph, value: Value): Graph | undefined {
  for (let at: Graph | undefined = graph; at !== undefined; at = at.outer) {
    if (at.values.get(value.name) === value) return at;
  }
  return undefined;
}

const inputsOf = (node: Node) =>
  node.inputs.flatMap((value, index) => (value === undefined ? [] : [{ value, index }]));

function checkSources(graph: Graph): string[] {
  return [...graph.nodes].flatMap((node) =>
    inputsOf(node)
      .filter(({ value }) => !hasSource(graph, value))
      .map(({ value }) => `${node} reads ${nameShown(value.name)}, which nothing produces`),
  );
}

function checkNames(graph: Graph): string[] {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  const define = (value: Value, place: string) => {
    const before = seen.get(value.name);
    if (before !== undefined)
      problems.push(`${nameShown(value.name)} is defined twice: by ${before} and by ${place}`);
    else if (graph.outer?.find(value.name))
      problems.push(`${nameShown(value.name)}, defined by ${place}, hides an outer value`);
    else if (graph.values.get(value.name) !== value)
      problems.push(`${nameShown(value.name)}, defined by ${place}, is not known by its name`);
    seen.set(value.name, place);
  };
  for (const input of graph.inputs) define(input, 'the graph inputs');
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output) define(output, node.toString());
  }
  return problems;
}

function checkProducers(graph: Graph): string[] {
  return [...graph.nodes].flatMap((node) =>
    node.outputs
      .filter((output) => output !== undefined && output.producer !== node)
      .map(
        (output) =>
          `${node} makes ${nameShown(output?.name ?? '')}, which does not name it as its producer`,
      ),
  );
}

function checkCycles(graph: Graph): string[] {
  try {
    graph.topologicalOrder();
    return [];
  } catch (error) {
    if (error instanceof AppError) return [error.message];
    throw error;
  }
}

function checkUses(graph: Graph): string[] {
  const missing = [...graph.nodes].flatMap((node) =>
    inputsOf(node)
      .filter(({ index }) => !node.isUse(index))
      .map(
        ({ value, index }) =>
          `input ${index} of ${node} is missing among the uses of ${nameShown(value.name)}`,
      ),
  );
  const stale = [...graph.values.values()].flatMap((value) =>
    [...value.uses]
      .filter(({ node, index }) => node.inputs[index] !== value || !node.graph.nodes.has(node))
      .map(
        ({ node, index }) =>
          `${nameShown(value.name)} claims to be input ${index} of ${node}, which it is not`,
      ),
  );
  return [...missing, ...stale];
}

function checkOutputs(graph: Graph): string[] {
  if (graph.outputs.length === 0) return [`graph ${nameShown(graph.name)} has no outputs`];
  return graph.outputs
    .filter((output) => !hasSource(graph, output))
    .map((output) => `graph output ${nameShown(output.name)} is produced by nothing`);
}

function checkInitializers(graph: Graph): string[] {
  return graph.initializers.flatMap(({ name, initializer }) => {
    if (initializer === undefined) return [];
    const { type, dims, bytes, strings } = initializer;
    const count = elementCount(dims);
    const [found, expected] =
      type === 'string' ? [strings?.length ?? 0, count] : [bytes.length, byteSize(type, count)];
    if (found === expected) return [];
    return [
      `initializer ${nameShown(name)}, ${type} [${dims.join(', ')}], has ${found} bytes instead of ${expected}`,
    ];
  });
}

export const structureRules: readonly VerifyRule[] = [
  { name: 'every value read has a source', check: checkSources },
  { name: 'names are unique', check: checkNames },
  { name: 'values know their producers', check: checkProducers },
  { name: 'there is no cycle', check: checkCycles },
  { name: 'use lists are right', check: checkUses },
  { name: 'graph outputs exist', check: checkOutputs },
  { name: 'initializers have the bytes of their shape', check: checkInitializers },
];
