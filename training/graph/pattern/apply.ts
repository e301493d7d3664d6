import { AppError } from '../../../src/errors.ts';
import { nameShown } from '../../../src/files/index.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { sameShape } from '../../onnx/dim.ts';
import type { Graph, Node, Value } from '../../onnx/graph.ts';
import { matchPattern } from './match.ts';
import type { Pattern } from './pattern.ts';

/** What a replacement is built from. */
export interface Found {
  readonly b: GraphBuilder;
  /** The value of a pattern's name. */
  readonly value: (name: string) => Value;
  /** The value of a name that only some forms of the pattern have. */
  readonly maybe: (name: string) => Value | undefined;
  /** The number of a pattern's scalar; `otherwise` where the matched form has none. */
  readonly scalar: (name: string, otherwise?: number) => number;
  /** The node that is replaced: the last one of the pattern. */
  readonly node: Node;
  readonly output: Value;
}

/** One row of a table: what is looked for, and what stands for it. */
export interface Rewrite {
  readonly name: string;
  readonly pattern: Pattern;
  /** Builds what is read instead; undefined where this match is better left alone. */
  readonly replace: (found: Found) => Value | undefined;
}

/** Applies the rows of a table wherever they match, from back to front. Returns the number of matches. */
export function applyRewrites(graph: Graph, rewrites: readonly Rewrite[], scope: string): number {
  const b = new GraphBuilder(graph, scope);
  let matches = 0;
  for (const node of graph.topologicalOrder().reverse()) {
    const output = node.outputs[0];
    const used = output && (output.uses.size > 0 || graph.outputs.includes(output));
    if (!used || !graph.nodes.has(node)) continue;
    if (rewrites.some((rewrite) => applyTo(graph, b, rewrite, output))) matches++;
  }
  return matches;
}

function applyTo(graph: Graph, b: GraphBuilder, rewrite: Rewrite, output: Value): boolean {
  const node = output.producer;
  // Behind an operator that inference knows nothing of, nobody can say what a replacement would give.
  if (output.type === undefined || output.shape === undefined) return false;
  const match = node && matchPattern(graph, rewrite.pattern, output);
  if (node === undefined || match === undefined) return false;
  const missing = (name: string) =>
    new AppError('internal', `the pattern of ${rewrite.name} has no ${nameShown(name)}`);
  const replacement = rewrite.replace({
    b,
    node,
    output,
    maybe: (name) => match.values.get(name),
    value: (name) => {
      const value = match.values.get(name);
      if (value === undefined) throw missing(name);
      return value;
    },
    scalar: (name, otherwise) => {
      const number = match.scalars.get(name) ?? otherwise;
      if (number === undefined) throw missing(name);
      return number;
    },
  });
  // Where a graph says odd things of its shapes, nobody knows that a replacement is the same.
  if (replacement === undefined || !isOfForm(replacement, output)) return false;
  replaceValue(graph, output, replacement);
  return true;
}

const isOfForm = (to: Value, { type, shape }: Value): boolean =>
  (to.type ?? type) === type && !(to.shape && shape && !sameShape(to.shape, shape));

/** Lets everything read `to` in place of `from`; a graph output keeps its name, type and shape. */
export function replaceValue(graph: Graph, from: Value, to: Value): void {
  const { name, type, shape } = from;
  to.type ??= type;
  if (!isOfForm(to, from)) {
    const forms = [from, to].map((value) => `${value.type} [${value.shape?.join(', ')}]`);
    throw new AppError('internal', `${nameShown(name)} would change from ${forms.join(' to ')}`);
  }
  to.shape ??= shape;
  const isOutput = graph.outputs.includes(from);
  graph.replaceUses(from, to);
  if (!isOutput) return;
  graph.rename(from, graph.freshName(`${name}/replaced`));
  graph.rename(to, name);
}
