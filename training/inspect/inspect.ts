import { AppError } from '../../src/errors.ts';
import { nonDifferentiable, operatorKey } from '../autodiff/non-differentiable.ts';
import { rules } from '../autodiff/rules/index.ts';
import { cloneModel } from '../onnx/clone.ts';
import type { Graph, Node, Value } from '../onnx/graph.ts';
import type { Model } from '../onnx/model.ts';
import { inferGraph } from '../onnx/shapes/infer.ts';
import { elementCount, isFloat } from '../onnx/tensor.ts';
import { type KernelAnswer, type Provider, providers } from './kernels.ts';
import { kernelsOfNode } from './placement.ts';

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
  /**
   * Execution providers with a kernel for all its nodes on their element types; null where that is not known.
   * What computes shapes counts as one: it runs on the CPU everywhere.
   */
  readonly kernels: KernelAnswer | null;
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
  const found = nodesByOperator(typed(model));
  return {
    ir_version: model.irVersion,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    opsets: Object.fromEntries(graph.opsets),
    inputs: graph.inputs.filter((value) => !value.initializer).map(describeValue),
    outputs: graph.outputs.map(describeValue),
    nodes: [...found.values()].reduce((sum, nodes) => sum + nodes.length, 0),
    operators: [...found]
      .map(([operator, nodes]) => ({
        operator,
        count: nodes.length,
        gradient: gradientKind(operator),
        kernels: kernelsOfAll(nodes),
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

/** The graph with the types that inference finds; as it is, where the model is too odd for inference. */
function typed(model: Model): Graph {
  const { graph } = cloneModel(model);
  try {
    inferGraph(graph);
    return graph;
  } catch (error) {
    if (error instanceof AppError) return model.graph;
    throw error;
  }
}

/** Nodes by operator, those of bodies (If, Loop, Scan) included. */
function nodesByOperator(graph: Graph, found = new Map<string, Node[]>()): Map<string, Node[]> {
  for (const node of graph.nodes) {
    const key = operatorKey(node);
    const known = found.get(key);
    if (known) known.push(node);
    else found.set(key, [node]);
    for (const attribute of node.attributes.values()) {
      if (attribute.kind === 'graph') nodesByOperator(attribute.value, found);
    }
  }
  return found;
}

function kernelsOfAll(nodes: readonly Node[]): KernelAnswer | null {
  const answers = nodes.map(kernelsOfNode);
  if (answers.includes(undefined)) return null;
  const has = (provider: Provider) => answers.every((answer) => answer?.[provider]);
  const [cpu, cuda, webgpu] = providers;
  return { cpu: has(cpu), cuda: has(cuda), webgpu: has(webgpu) };
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
  return { name, type: type ?? 'unknown', shape: `[${shape?.map(String).join(', ') ?? '?'}]` };
}
