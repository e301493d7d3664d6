import { AppError } from '../../src/errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import { isFloat } from '../onnx/tensor.ts';
import { sumToShapeOf } from './broadcast.ts';
import { writtenGelu } from './gelu-pattern.ts';
import { differentiableInputs, operatorKey } from './non-differentiable.ts';
import { type Rule, RuleContext } from './rule.ts';
import { rules } from './rules/index.ts';
import { erfGeluGradient } from './rules/unary.ts';

/**
 * Reverse-mode differentiation, graph to graph: adds to `graph` the nodes that compute vector-Jacobian
 * products.
 *
 * @param cotangents for some values of the graph, the gradient of the loss with respect to them, of the
 *   same shape and type (for the loss itself: the scalar 1)
 * @param wrt the values whose gradients are wanted: inputs, initializers or intermediate values
 * @returns the gradient of each wrt value that the cotangents depend on, in that value's shape and type
 * @throws AppError operator_unsupported where a gradient must pass an operator that has no rule
 */
export function addGradients(
  graph: Graph,
  cotangents: ReadonlyMap<Value, Value>,
  wrt: readonly Value[],
): Map<Value, Value> {
  const order = graph.topologicalOrder();
  const active = activeValues(order, wrt);
  requireRules(order, active, cotangents);
  const b = new GraphBuilder(graph);
  const contributions = new Map<Value, Value[]>();
  for (const [value, cotangent] of cotangents) contributions.set(value, [cotangent]);
  const named = new Set([...cotangents.keys(), ...wrt]);
  for (const node of order.reverse()) {
    const upstream = node.outputs.map((y) => y && active.has(y) && total(b, contributions, y));
    if (!upstream.some((dy) => dy)) continue;
    b.scope = `gradient/${node.name}`;
    const dys = upstream.map((dy) => dy || undefined);
    const gradients = geluGradient(b, node, dys[0], named) ?? inputGradients(node, b, dys, active);
    for (const [input, gradient] of gradients) {
      const before = contributions.get(input);
      if (before) before.push(gradient);
      else contributions.set(input, [gradient]);
    }
  }
  b.scope = 'gradient';
  const found = new Map<Value, Value>();
  for (const value of wrt) {
    const gradient = total(b, contributions, value);
    if (gradient !== undefined) found.set(value, gradient);
  }
  return found;
}

/** The float values through which the loss can depend on the wrt values. */
function activeValues(order: readonly Node[], wrt: readonly Value[]): Set<Value> {
  const active = new Set(wrt);
  for (const node of order) {
    if (!differentiableInputs(node).some(([, input]) => active.has(input))) continue;
    for (const output of node.outputs) {
      if (output && (output.type === undefined || isFloat(output.type))) active.add(output);
    }
  }
  return active;
}

/**
 * Every operator between a wrt value and the loss has a rule. Checked first: of an operator that is not known,
 * shapes are not known either, and the rules after it would fail for those.
 */
function requireRules(
  order: readonly Node[],
  active: ReadonlySet<Value>,
  cotangents: ReadonlyMap<Value, Value>,
): void {
  const wanted = new Set(cotangents.keys());
  const missing: Node[] = [];
  for (const node of order.toReversed()) {
    if (!node.outputs.some((output) => output && active.has(output) && wanted.has(output)))
      continue;
    for (const [, input] of differentiableInputs(node)) wanted.add(input);
    if (!Object.hasOwn(rules, operatorKey(node))) missing.push(node);
  }
  const [first] = missing.reverse();
  if (first) throw withoutRule(first);
}

/** The sum of a value's gradient contributions so far, left as the only one. */
function total(
  b: GraphBuilder,
  contributions: Map<Value, Value[]>,
  value: Value,
): Value | undefined {
  const parts = contributions.get(value);
  if (parts === undefined) return undefined;
  const sum = parts.reduce(b.add);
  contributions.set(value, [sum]);
  return sum;
}

/** A GELU written out is differentiated as a whole, unless one of its inner values is `named`. */
function geluGradient(
  b: GraphBuilder,
  node: Node,
  dy: Value | undefined,
  named: ReadonlySet<Value>,
): [Value, Value][] | undefined {
  const gelu = dy && writtenGelu(node);
  if (!gelu || gelu.inner.some((value) => named.has(value))) return undefined;
  return [[gelu.x, erfGeluGradient(b, gelu.x, dy)]];
}

/** Applies a node's rule: pairs of an active input and its gradient. */
function inputGradients(
  node: Node,
  b: GraphBuilder,
  upstream: readonly (Value | undefined)[],
  active: ReadonlySet<Value>,
): [Value, Value][] {
  const context = new RuleContext(node, b, upstream);
  const rule = ruleOf(node, upstream);
  const makers = rule.vjp(context);
  return differentiableInputs(node).flatMap(([i, input]): [Value, Value][] => {
    if (!active.has(input)) return [];
    const make = makers[i];
    if (make === undefined) {
      throw context.unsupported(
        `no gradient is defined for its input ${i}, ${input}, which depends on a trained value`,
      );
    }
    return [[input, rule.broadcasts ? sumToShapeOf(b, make(), input) : make()]];
  });
}

function ruleOf(node: Node, upstream: readonly (Value | undefined)[]): Rule {
  const key = operatorKey(node);
  const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
  if (rule === undefined) throw withoutRule(node);
  const other = upstream.findIndex((dy, i) => i > 0 && dy !== undefined);
  if (other > 0 && !rule.allOutputs) {
    throw new AppError(
      'operator_unsupported',
      `${node} cannot be differentiated: the loss depends on its output ${other}, and only output 0 has a gradient rule`,
    );
  }
  return rule;
}

/** Inputs that a message names. */
const MOST_NAMED = 8;

function withoutRule(node: Node): AppError {
  const read = node.inputs.slice(0, MOST_NAMED).map((input) => input?.toString() ?? '""');
  const at = [...read, ...(node.inputs.length > MOST_NAMED ? ['…'] : [])].join(', ');
  return new AppError(
    'operator_unsupported',
    `${node.operator} has no gradient rule: ${node}, which reads ${at}, lies between a trained value and the loss`,
    {
      hint: 'Freeze the parameters before it, or export the model without this operator. `mbti-model inspect` lists what is supported.',
    },
  );
}
