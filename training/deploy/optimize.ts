import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import { declareDomains, raiseOpset } from '../graph/transforms/opset.ts';
import { prune } from '../graph/transforms/prune.ts';
import { cloneModel } from '../onnx/clone.ts';
import { requireOpset } from '../onnx/codec/index.ts';
import { type Dim, formatShape, type Shape, sameDim } from '../onnx/dim.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import { inferGraph } from '../onnx/shapes/infer.ts';
import type { DataType } from '../onnx/tensor.ts';
import { problemsOf } from '../onnx/verify.ts';
import { type PassName, passes, passSets } from './passes.ts';
import { requireOptimizable } from './refuse.ts';

export { type PassName, passes, passSets } from './passes.ts';

export interface OptimizeOptions {
  /**
   * Left out: `passSets.standard`. They run in the order of the table, whatever is given; `tidy` always does, as no
   * pattern mentions what it takes out.
   */
  readonly passes?: readonly PassName[];
}

export interface PassReport {
  readonly name: PassName;
  /** Places that the pass has changed. */
  readonly matches: number;
  readonly nodesBefore: number;
  readonly nodesAfter: number;
}

export interface OptimizedModel {
  readonly model: Model;
  readonly passes: readonly PassReport[];
}

/**
 * A copy of a forward graph that computes the same with less work; names, types and shapes of inputs and outputs
 * stay. Operators that no pass knows stay as they are. AppError `model_invalid` where the operator set is too old or
 * too new, or the graph is already fused or quantized.
 */
export function optimizeForInference(given: Model, options: OptimizeOptions = {}): OptimizedModel {
  requireOpset(given);
  requireOptimizable(given.graph);
  const model = cloneModel(given);
  const { graph } = model;
  raiseOpset(graph);
  inferGraph(graph);
  // What the graph computes, which may be more exact than what the file says of it.
  const signature = signatureOf(graph);
  const known = new Set(problemsOf(graph).map(withoutShapes));
  const names: readonly PassName[] = options.passes ?? passSets.standard;
  const wanted = passes.filter(({ name }) => name === 'tidy' || names.includes(name));
  const reports = wanted.map(({ name, run }): PassReport => {
    const nodesBefore = graph.nodes.size;
    const matches = run(graph);
    prune(graph);
    return { name, matches, nodesBefore, nodesAfter: graph.nodes.size };
  });
  declareDomains(graph);
  model.irVersion = Math.max(model.irVersion, 8);
  inferGraph(graph);
  requireSound(problemsOf(graph).filter((problem) => !known.has(withoutShapes(problem))));
  requireSame(graph, signature, signatureOf(graph));
  return { model, passes: reports };
}

interface Port {
  readonly name: string;
  readonly type: DataType | undefined;
  readonly shape: Shape | undefined;
}

const signatureOf = ({ inputs, outputs }: Graph): readonly Port[] =>
  [...inputs, ...outputs].map(({ name, type, shape }) => ({ name, type, shape }));

/**
 * What was not known before may be known now; what was known has to be the same. A symbol that no input has says nothing:
 * exporters make up such names for dimensions that they do not know.
 */
function requireSame({ inputs }: Graph, before: readonly Port[], after: readonly Port[]): void {
  const symbols = new Set(inputs.flatMap(({ shape = [] }) => shape.flatMap(symbolsOf)));
  const says = (dim: Dim): boolean => symbolsOf(dim).every((symbol) => symbols.has(symbol));
  const sameForm = (a: Shape, b: Shape): boolean =>
    a.length === b.length && a.every((dim, i) => !says(dim) || sameDim(dim, b[i] ?? -1));
  const same = (a: Port, b: Port | undefined): boolean =>
    a.name === b?.name &&
    (a.type === undefined || a.type === b.type) &&
    (a.shape === undefined || (b.shape !== undefined && sameForm(a.shape, b.shape)));
  if (before.length === after.length && before.every((port, i) => same(port, after[i]))) return;
  const [from, to] = [before, after].map((ports) => ports.map(describe).join(', '));
  throw new AppError('internal', `a rewrite changed the model's signature from ${from} to ${to}`);
}

const symbolsOf = (dim: Dim): string[] =>
  typeof dim === 'number' ? [] : dim.terms.flatMap(({ symbols }) => [...symbols]);

const describe = ({ name, type, shape }: Port): string =>
  `${nameShown(name)}: ${type ?? '?'} ${formatShape(shape)}`;

/** What was wrong before may be wrong of a smaller tensor afterwards. */
const withoutShapes = (problem: string): string => problem.replace(/\[[^\]]*\]/g, '');

const MOST_LISTED = 10;

/** Shapes that inference cannot know were unknown before too: what counts is what is wrong since. */
function requireSound(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const listed = problems.slice(0, MOST_LISTED).join('\n  ');
  throw new AppError('internal', `a rewrite broke the graph:\n  ${listed}`);
}
