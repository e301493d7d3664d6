import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { constantScalar } from '../facts/constants.ts';
import type { OpPattern, Pattern } from './pattern.ts';

/** What a pattern's names stand for, and the nodes that it covers. */
export interface Match {
  readonly values: ReadonlyMap<string, Value>;
  readonly scalars: ReadonlyMap<string, number>;
  readonly nodes: ReadonlySet<Node>;
  /** The nodes whose outputs others may read as well. */
  readonly shared: ReadonlySet<Node>;
}

const nothing: Match = {
  values: new Map(),
  scalars: new Map(),
  nodes: new Set(),
  shared: new Set(),
};

/** Constants are written with few digits by some exporters: √2 as 1.4142135. */
const SAME = 1e-5;

const commutative = new Set(['Add', 'Mul']);

/** The first way in which a value fits a pattern and can be replaced: nothing else reads the nodes inside. */
export function matchPattern(graph: Graph, pattern: Pattern, value: Value): Match | undefined {
  for (const match of ways(pattern, value, nothing)) {
    if (isClosed(graph, match, value)) return match;
  }
  return undefined;
}

/** Whether all that the match covers, but its last node, is read inside of it alone. */
function isClosed(graph: Graph, { nodes, shared }: Match, root: Value): boolean {
  return [...nodes].every(
    (node) =>
      shared.has(node) ||
      node.outputs.every(
        (output) =>
          output === undefined ||
          output === root ||
          (!graph.outputs.includes(output) && areUsesIn(nodes, output)),
      ),
  );
}

/** Not of a copy: a value may have very many uses, and the first that lies outside is enough. */
function areUsesIn(nodes: ReadonlySet<Node>, { uses }: Value): boolean {
  for (const { node } of uses) if (!nodes.has(node)) return false;
  return true;
}

function* ways(pattern: Pattern, value: Value | undefined, match: Match): Generator<Match> {
  if (value === undefined) return;
  switch (pattern.kind) {
    case 'any':
      if (pattern.holds?.(value) !== false) yield* bound(pattern.name, value, match);
      return;
    case 'scalar': {
      const number = constantScalar(value);
      if (number === undefined) return;
      const { equals, name } = pattern;
      if (equals !== undefined && Math.abs(number - equals) > SAME * Math.abs(equals)) return;
      yield name === undefined
        ? match
        : { ...match, scalars: new Map(match.scalars).set(name, number) };
      return;
    }
    case 'either':
      for (const option of pattern.options) yield* ways(option, value, match);
      return;
    case 'op':
      yield* waysOfNode(pattern, value, match);
  }
}

function* bound(name: string, value: Value, match: Match): Generator<Match> {
  const before = match.values.get(name);
  if (before === undefined) yield { ...match, values: new Map(match.values).set(name, value) };
  else if (before === value) yield match;
}

function* waysOfNode(pattern: OpPattern, value: Value, match: Match): Generator<Match> {
  const node = value.producer;
  if (node?.op !== pattern.op || node.domain !== (pattern.domain ?? '')) return;
  if (node.outputs[0] !== value || node.inputs.length < pattern.inputs.length) return;
  if (pattern.where?.(node) === false) return;
  const covered: Match = {
    ...match,
    nodes: new Set(match.nodes).add(node),
    shared: pattern.shared ? new Set(match.shared).add(node) : match.shared,
  };
  const [first, second, ...more] = pattern.inputs;
  const orders = [pattern.inputs];
  if (commutative.has(pattern.op) && first && second) orders.push([second, first, ...more]);
  for (const inputs of orders) {
    for (const found of waysOfInputs(inputs, 0, node, covered)) {
      if (pattern.as === undefined) yield found;
      else yield* bound(pattern.as, value, found);
    }
  }
}

function* waysOfInputs(
  patterns: readonly Pattern[],
  at: number,
  node: Node,
  match: Match,
): Generator<Match> {
  const [pattern, ...rest] = patterns;
  if (pattern === undefined) {
    yield match;
    return;
  }
  for (const found of ways(pattern, node.inputs[at], match)) {
    yield* waysOfInputs(rest, at + 1, node, found);
  }
}
