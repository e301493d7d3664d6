import { nonDifferentiable, operatorKey } from '../autodiff/non-differentiable.ts';
import { rules } from '../autodiff/rules/index.ts';
import { formatShape } from '../onnx/dim.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import { elementCount, isFloat } from '../onnx/tensor.ts';
import { kernelsOf, type Provider } from './kernels.ts';

/** `rule`: gradients pass; `constant`: none flows through it; `none`: it cannot be trained through. */
export type GradientKind = 'rule' | 'constant' | 'none';

export interface ValueDescription {
  readonly name: string;
  readonly type: string;
  readonly shape: string;
}

export interface OperatorDescription {
  /** With its domain, unless that is the default one. */
  readonly operator: string;
  readonly count: number;
  readonly gradient: GradientKind;
  /** Execution providers with a kernel; null where that is not known. */
  readonly kernels: Readonly<Record<Provider, boolean>> | null;
}

export interface ParameterDescription {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly elements: number;
}

export interface ModelDescription {
  readonly ir_version: number;
  readonly producer: string;
  /** Version of each operator set; '' is the default domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  readonly nodes: number;
  readonly operators: readonly OperatorDescription[];
  /** Float initializers of more than one element. */
  readonly parameters: readonly ParameterDescription[];
  readonly parameter_count: number;
}

export function inspectModel(model: Model): ModelDescription {
  const { graph } = model;
  const parameters = parametersOf(graph);
  const counts = countOperators(graph);
  return {
    ir_version: model.irVersion,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    opsets: Object.fromEntries(graph.opsets),
    inputs: graph.inputs.filter((value) => !value.initializer).map(describeValue),
    outputs: graph.outputs.map(describeValue),
    nodes: [...counts.values()].reduce((sum, count) => sum + count, 0),
    operators: [...counts]
      .map(([operator, count]) => ({
        operator,
        count,
        gradient: gradientKind(operator),
        kernels: kernelsOf(operator, graph.opset) ?? null,
      }))
      .sort((a, b) => b.count - a.count || (a.operator < b.operator ? -1 : 1)),
    parameters,
    parameter_count: parameters.reduce((sum, { elements }) => sum + elements, 0),
  };
}

export function gradientKind(operator: string): GradientKind {
  if (Object.hasOwn(rules, operator)) return 'rule';
  return nonDifferentiable.has(operator) ? 'constant' : 'none';
}

/** Nodes by operator, those of bodies (If, Loop, Scan) included. */
function countOperators(graph: Graph, counts = new Map<string, number>()): Map<string, number> {
  for (const node of graph.nodes) {
    const key = operatorKey(node);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === 'graph') countOperators(attribute.value, counts);
    }
  }
  return counts;
}

function parametersOf(graph: Graph): ParameterDescription[] {
  return graph.initializers.flatMap(({ name, initializer }): ParameterDescription[] => {
    if (!initializer || !isFloat(initializer.type)) return [];
    const elements = elementCount(initializer.dims);
    if (elements <= 1) return [];
    return [{ name, type: initializer.type, shape: initializer.dims, elements }];
  });
}

function describeValue({ name, type, shape }: Value): ValueDescription {
  return { name, type: type ?? 'unknown', shape: formatShape(shape) };
}
