import { AppError } from '../../src/errors.ts';
import { raiseOpset } from '../artifacts/opset.ts';
import { prune } from '../artifacts/prune.ts';
import { cloneModel } from '../onnx/clone.ts';
import { requireOpset } from '../onnx/codec/index.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import { inferGraph } from '../onnx/shapes/infer.ts';
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
  const signature = signatureOf(graph);
  raiseOpset(graph);
  inferGraph(graph);
  const known = new Set(problemsOf(graph));
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
  requireSound(problemsOf(graph).filter((problem) => !known.has(problem)));
  requireSame(signature, signatureOf(graph));
  return { model, passes: reports };
}

const describe = ({ name, type, shape }: Value): string =>
  `${name}: ${type} [${shape?.join(', ') ?? '?'}]`;

const signatureOf = ({ inputs, outputs }: Graph): string =>
  [...inputs, '→', ...outputs].map((v) => (typeof v === 'string' ? v : describe(v))).join('\n');

function requireSame(before: string, after: string): void {
  if (before === after) return;
  throw new AppError(
    'internal',
    `a rewrite changed the model's signature from\n${before}\nto\n${after}`,
  );
}

/** Shapes that inference cannot know were unknown before too: what counts is what is wrong since. */
function requireSound(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new AppError('internal', `a rewrite broke the graph:\n  ${problems.join('\n  ')}`);
}

/** The runtime asks for the version of every operator set that a node is of. */
function declareDomains(graph: Graph): void {
  const fused = [...graph.nodes].some(({ domain }) => domain === 'com.microsoft');
  if (fused && !graph.opsets.has('com.microsoft')) graph.opsets.set('com.microsoft', 1);
}
