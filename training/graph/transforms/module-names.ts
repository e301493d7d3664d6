import type { Graph, Node, Use, Value } from '../../onnx/graph.ts';
import { elementCount, type Tensor } from '../../onnx/tensor.ts';

/** Names that exporters make up: `onnx::MatMul_295`, `val_50`, `/layer.0/Add_output_0`, `1183`. */
const madeUp = /^(onnx::|val_\d|\/|\d+$)|_output_\d+$/;

export const isMadeUp = (name: string): boolean => madeUp.test(name);

/** Which parameter of a module an operator reads at an input. What a product's first operand is, nobody knows. */
function parameterKind({ node, index }: Use, value: Value): 'weight' | 'bias' | undefined {
  if (node.op === 'MatMul' || node.op === 'Gemm') {
    return index === 1 ? 'weight' : index === 2 ? 'bias' : undefined;
  }
  return node.op === 'Add' && value.shape?.length === 1 ? 'bias' : undefined;
}

/**
 * Gives parameters the names of their modules in the source model, where the graph still tells them.
 * Returns, for each value that was renamed or split off, the initializer that it came from.
 */
export function recoverModuleNames(graph: Graph): Map<Value, string> {
  const origins = new Map<Value, string>();
  for (const node of graph.topologicalOrder()) {
    if (node.op === 'Identity') resolveIdentity(graph, node, origins);
  }
  const modules = modulePaths(graph);
  for (const value of graph.initializers) {
    // A single number is a constant of the module's formula.
    const isConstant = elementCount(value.initializer?.dims ?? []) === 1;
    const name = isMadeUp(value.name) && !isConstant ? moduleName(modules, value) : undefined;
    if (name === undefined) continue;
    const taken = graph.find(name);
    if (taken === undefined) {
      if (!origins.has(value)) origins.set(value, value.name);
      graph.rename(value, name);
    } else if (
      taken.initializer &&
      value.initializer &&
      equal(taken.initializer, value.initializer)
    ) {
      // One module that runs several times: the dynamo exporter folds a copy of its weight for each run.
      graph.replaceUses(value, taken);
      graph.removeValue(value);
    }
  }
  return origins;
}

/**
 * The legacy exporter merges initializers that merely hold equal values: an Identity's output with a
 * module's name was a parameter of its own. With a name made up, the weight is really shared.
 */
function resolveIdentity(graph: Graph, node: Node, origins: Map<Value, string>): void {
  const [source] = node.inputs;
  const [output] = node.outputs;
  if (source?.initializer === undefined || output === undefined) return;
  if (graph.outputs.includes(output)) return;
  if (isMadeUp(output.name)) {
    graph.replaceUses(output, source);
    graph.removeNode(node);
    return;
  }
  const { name } = output;
  const own = graph.addInitializer(graph.freshName(`${name}_split`), source.initializer);
  origins.set(own, origins.get(source) ?? source.name);
  graph.replaceUses(output, own);
  graph.removeNode(node);
  graph.rename(own, name);
}

function moduleName(modules: ReadonlySet<string>, value: Value): string | undefined {
  for (const use of value.uses) {
    const kind = parameterKind(use, value);
    const path = kind && (dynamoScope(use.node) ?? legacyPath(modules, use.node));
    if (kind && path) return `${path}.${kind}`;
  }
  return undefined;
}

/** The legacy exporter names nodes by module: `/distilbert/transformer/layer.0/ffn/lin1/MatMul`. */
function pathOf(node: Node): string | undefined {
  const segments = node.name.split('/');
  return segments.length < 3 || segments[0] !== '' ? undefined : segments.slice(1, -1).join('.');
}

/** The modules that nodes or parameters are named after. */
function modulePaths(graph: Graph): Set<string> {
  const ofNodes = [...graph.nodes].flatMap((node) => pathOf(node) ?? []);
  return new Set([
    ...ofNodes,
    ...graph.initializers.map(({ name }) => `parameters of ${name.replace(/\.\w+$/, '')}`),
  ]);
}

/**
 * Of a module that runs more than once, `dense_1` is the second run of `dense`; unless it is a module itself, which has
 * parameters of its own, or there is no `dense` (a gated feed-forward of `wi_0` and `wi_1`).
 */
function legacyPath(modules: ReadonlySet<string>, node: Node): string | undefined {
  const path = pathOf(node);
  const first = path?.replace(/_\d+$/, '');
  if (path === undefined || first === undefined) return undefined;
  return modules.has(`parameters of ${path}`) || !modules.has(first) ? path : first;
}

/** The dynamo exporter's metadata: a list such as `['', 'distilbert', …, 'distilbert.….q_lin', 'linear']`. */
function dynamoScope(node: Node): string | undefined {
  const scopes = node.metadata.get('pkg.torch.onnx.name_scopes');
  const names = scopes?.match(/'[^']*'/g)?.map((name) => name.slice(1, -1));
  return names?.at(-2) || undefined;
}

const equal = (a: Tensor, b: Tensor): boolean =>
  a.type === b.type && a.dims.join() === b.dims.join() && Buffer.compare(a.bytes, b.bytes) === 0;
