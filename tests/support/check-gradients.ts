import { addGradients } from '../../training/autodiff/gradients.ts';
import { operatorKey } from '../../training/autodiff/non-differentiable.ts';
import type { Attribute } from '../../training/onnx/attributes.ts';
import { GraphBuilder } from '../../training/onnx/builder.ts';
import { type Dim, type Shape, symbolicDim } from '../../training/onnx/dim.ts';
import { Graph, type Value } from '../../training/onnx/graph.ts';
import { inferGraph } from '../../training/onnx/shapes/infer.ts';
import { elementCount, intTensor, type Tensor, tensorOf } from '../../training/onnx/tensor.ts';
import { runSession, sessionOf } from './run-graph.ts';

/** A differentiable input: its shape, and where its elements lie (default: normal around 0). */
export interface FloatInput {
  readonly shape: readonly number[];
  readonly values?: readonly number[];
  readonly between?: readonly [number, number];
}

export interface GradientCase {
  readonly inputs: readonly FloatInput[];
  /** Integer inputs (indices, …), fed as int64. */
  readonly integers?: readonly {
    readonly shape: readonly number[];
    readonly values: readonly number[];
  }[];
  readonly opset?: number;
  /** float32 for operators whose float64 kernel the runtime lacks. */
  readonly type?: 'float64' | 'float32';
  readonly build: (b: GraphBuilder, floats: Value[], integers: Value[]) => Value | readonly Value[];
}

/**
 * How much the compiler may know of the shapes: `static` everything, `symbolic` equal sizes share a symbol,
 * `anonymous` nothing (every dimension is a symbol of its own, so broadcasts are found at run time).
 */
export type ShapeKnowledge = 'static' | 'symbolic' | 'anonymous';

/** Finite-difference step and the error allowed, relative to the largest element: a factor of 1.01 fails. */
const precision = {
  float64: { step: 1e-5, tolerance: 1e-7 },
  float32: { step: 1e-2, tolerance: 2e-3 },
} as const;

/**
 * The largest error of the compiled gradients against central finite differences, per input. A `factor`
 * other than 1 spoils the gradients, to see that it is noticed.
 */
export async function gradientErrors(
  spec: GradientCase,
  knowledge: ShapeKnowledge,
  factor = 1,
): Promise<number[]> {
  const type = spec.type ?? 'float64';
  const random = generator(spec.inputs.length + elementCount(spec.inputs[0]?.shape ?? []));
  const { graph, wrt, outputs } = forwardGraph(spec, type, knowledge);
  const points = spec.inputs.map((input) => pointOf(input, random));
  const integers = Object.fromEntries(
    (spec.integers ?? []).map((t, i) => [`i${i}`, intTensor(t.shape, t.values)]),
  );
  const float = (shape: readonly number[], values: readonly number[]): Tensor =>
    tensorOf(type, shape, (type === 'float64' ? Float64Array : Float32Array).from(values));
  const feedsAt = (at: readonly (readonly number[])[]): Record<string, Tensor> => ({
    ...integers,
    ...Object.fromEntries(at.map((x, i) => [`x${i}`, float(spec.inputs[i]!.shape, x)])),
  });

  const forward = await sessionOf(graph);
  const results = await runSession(forward, feedsAt(points));
  const upstream = outputs.map((y) => results[y.name]!.values.map(() => random() * 2 - 1));
  const gradients = await compiledGradients(graph, outputs, wrt, (i) =>
    float(results[outputs[i]!.name]!.dims, upstream[i]!),
  )(feedsAt(points));

  const lossAt = async (at: readonly (readonly number[])[]): Promise<number> => {
    const ys = await runSession(forward, feedsAt(at));
    return outputs.reduce((sum, y, i) => sum + dot(ys[y.name]!.values, upstream[i]!), 0);
  };
  const { step } = precision[type];
  const errors: number[] = [];
  for (const [i, point] of points.entries()) {
    const numeric: number[] = [];
    for (let k = 0; k < point.length; k++) {
      const moved = (by: number): number[][] =>
        points.map((p, j) => p.map((v, n) => (j === i && n === k ? v + by : v)));
      numeric.push(((await lossAt(moved(step))) - (await lossAt(moved(-step)))) / (2 * step));
    }
    const gradient = gradients[i];
    if (gradient?.dims.join() !== spec.inputs[i]!.shape.join()) {
      throw new Error(
        `gradient ${i} has shape [${gradient?.dims}], its input [${spec.inputs[i]!.shape}]`,
      );
    }
    const scale = Math.max(...numeric.map(Math.abs), 1e-3);
    errors.push(
      Math.max(...numeric.map((n, k) => Math.abs(n - factor * gradient.values[k]!))) / scale,
    );
  }
  return errors;
}

/** The attributes of a case's nodes: `operator.attribute` and its value. */
export function attributesIn(spec: GradientCase): [string, Attribute][] {
  const { graph } = forwardGraph(spec, spec.type ?? 'float64', 'static');
  return [...graph.nodes].flatMap((node) =>
    [...node.attributes].map(([name, value]): [string, Attribute] => [
      `${operatorKey(node)}.${name}`,
      value,
    ]),
  );
}

/** Compiles a case's gradients and runs nothing: throws what the rule throws. */
export function differentiated(spec: GradientCase): void {
  const { graph, wrt, outputs } = forwardGraph(spec, spec.type ?? 'float64', 'static');
  const upstream = outputs.map(
    (y, i) => [y, graph.addInput(`upstream${i}`, y.type, y.shape)] as const,
  );
  addGradients(graph, new Map(upstream), wrt);
}

/**
 * The shapes of a case's outputs and the compiled gradients of its inputs, as text to compare; with an attribute left out
 * of every node that has it, if one is named. A refusal is told by its message.
 */
export async function gradientsOf(spec: GradientCase, without?: string): Promise<string> {
  const type = spec.type ?? 'float64';
  const random = generator(1);
  try {
    const { graph, wrt, outputs } = forwardGraph(spec, type, 'static');
    for (const node of graph.nodes) {
      const name = without?.split('.')[1] ?? '';
      if (`${operatorKey(node)}.${name}` === without) node.attributes.delete(name);
    }
    inferGraph(graph, { forget: true });
    const floats = type === 'float64' ? Float64Array : Float32Array;
    const feeds = Object.fromEntries([
      ...spec.inputs.map((input, i): [string, Tensor] => [
        `x${i}`,
        tensorOf(type, input.shape, floats.from(pointOf(input, random))),
      ]),
      ...(spec.integers ?? []).map((t, i): [string, Tensor] => [
        `i${i}`,
        intTensor(t.shape, t.values),
      ]),
    ]);
    const results = await runSession(await sessionOf(graph), feeds);
    const shapes = outputs.map((y) => results[y.name]!.dims);
    const upstream = generator(2);
    const gradients = await compiledGradients(graph, outputs, wrt, (i) => {
      const count = elementCount(shapes[i]!);
      return tensorOf(
        type,
        shapes[i]!,
        floats.from(Array.from({ length: count }, () => upstream() * 2 - 1)),
      );
    })(feeds);
    const shown = gradients.map((gradient) => gradient?.values.map((v) => v.toPrecision(3)));
    return JSON.stringify({ shapes, gradients: shown });
  } catch (error) {
    return String(error);
  }
}

/** The error that `gradientErrors` must stay below. */
export const toleranceOf = (spec: GradientCase): number =>
  precision[spec.type ?? 'float64'].tolerance;

function forwardGraph(
  spec: GradientCase,
  type: 'float64' | 'float32',
  knowledge: ShapeKnowledge,
): { graph: Graph; wrt: Value[]; outputs: readonly Value[] } {
  const graph = new Graph('case', { opset: spec.opset ?? 17 });
  let anonymous = 0;
  const shapeFor = (shape: readonly number[]): Shape =>
    shape.map((size): Dim => {
      if (knowledge === 'static') return size;
      return symbolicDim(knowledge === 'symbolic' && size !== 1 ? `n${size}` : `a${anonymous++}`);
    });
  const wrt = spec.inputs.map(({ shape }, i) => graph.addInput(`x${i}`, type, shapeFor(shape)));
  const integers = (spec.integers ?? []).map(({ shape }, i) =>
    graph.addInput(`i${i}`, 'int64', shapeFor(shape)),
  );
  const built = spec.build(new GraphBuilder(graph), wrt, integers);
  const outputs = 'uses' in built ? [built] : built;
  graph.outputs.push(...outputs);
  return { graph, wrt, outputs };
}

/** Adds the gradients of Σ upstream·output to the graph; returns a function that computes them. */
function compiledGradients(
  graph: Graph,
  outputs: readonly Value[],
  wrt: readonly Value[],
  upstream: (i: number) => Tensor,
) {
  const cotangents = new Map(
    outputs.map((y, i) => [y, graph.addInput(`upstream${i}`, y.type, y.shape)]),
  );
  const gradients = addGradients(graph, cotangents, wrt);
  const names = wrt.map((x) => {
    const gradient = gradients.get(x);
    if (gradient === undefined) throw new Error(`no gradient reaches ${x.name}`);
    if (!graph.outputs.includes(gradient)) graph.outputs.push(gradient);
    return gradient.name;
  });
  return async (feeds: Record<string, Tensor>) => {
    const session = await sessionOf(graph);
    const given = Object.fromEntries(outputs.map((_, i) => [`upstream${i}`, upstream(i)]));
    const results = await runSession(session, { ...feeds, ...given });
    return names.map((name) => results[name]);
  };
}

function pointOf(input: FloatInput, random: () => number): number[] {
  if (input.values) return [...input.values];
  const [low, high] = input.between ?? [-2, 2];
  return Array.from({ length: elementCount(input.shape) }, () => low + (high - low) * random());
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** mulberry32: the same numbers for the same case. */
function generator(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
