import { recoverModuleNames } from '../../graph/transforms/module-names.ts';
import { declareDomains } from '../../graph/transforms/opset.ts';
import { prune } from '../../graph/transforms/prune.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { cloneModel } from '../../onnx/clone.ts';
import { requireOpset } from '../../onnx/codec/index.ts';
import type { Model } from '../../onnx/model.ts';
import { inferGraph } from '../../onnx/shapes/infer.ts';
import { nothingToRound, refuseQuantized } from './already-quantized.ts';
import { halfModel } from './half-model.ts';
import { layerOf, type QuantizedLayer, type QuantizedModel } from './layer.ts';
import { lookUp, type RoundingScheme, replacements, store } from './nodes.ts';
import { type RoundedWeight, RoundedWeights } from './rounded-weights.ts';

/** The ways to make a model smaller. */
export const schemes = ['int8', 'weight8', 'weight4', 'fp16'] as const;
export type Scheme = (typeof schemes)[number];

export interface QuantizeOptions {
  /** Left out: int8. */
  readonly scheme?: Scheme;
  /** Whether a layer stays as it is, by its name. */
  readonly keep?: (layer: string) => boolean;
  /**
   * Whether a product is computed in fp32 with weights that the file holds in 8 bits: for layers whose
   * activations suffer. The runtime makes them fp32 once, when it loads the file. In fp16 they stay as they are.
   */
  readonly storeOnly?: (layer: string) => boolean;
}

/**
 * A copy of a model with rounded weights. Of MatMul and Gemm, by the scheme: `int8`, symmetric, a scale for each column,
 * and the activations rounded to uint8 at run time, in standard operators and the form that the runtime fuses;
 * `weight8` and `weight4`, a scale for each block of a column (the runtime's own MatMulNBits). Of embeddings int8,
 * a scale for each row. Or, `fp16`, as halfModel says. Inputs, outputs and everything else stay. AppError `model_invalid` where the
 * model is quantized already, has nothing to round, or an opset out of range.
 */
export function quantizeModel(source: Model, options: QuantizeOptions = {}): QuantizedModel {
  const { scheme = 'int8', keep, storeOnly } = options;
  if (scheme !== 'fp16') return rounded(source, scheme, options);
  return halfModel(source, (name) => Boolean(keep?.(name) || storeOnly?.(name)));
}

function rounded(source: Model, scheme: RoundingScheme, options: QuantizeOptions): QuantizedModel {
  requireOpset(source);
  refuseQuantized(source.graph);
  const model = cloneModel(source);
  const { graph } = model;
  inferGraph(graph);
  recoverModuleNames(graph);
  const b = new GraphBuilder(graph, 'int8');
  const weights = new RoundedWeights(graph);
  const multiply = replacements[scheme](b, weights);
  const layers: QuantizedLayer[] = [];
  const kept: string[] = [];
  for (const node of graph.topologicalOrder()) {
    const layer = layerOf(node);
    if (layer === undefined) continue;
    const { name, product } = layer;
    const inFloats = options.keep?.(name) || (product && options.storeOnly?.(name));
    if (inFloats) kept.push(name);
    if (options.keep?.(name)) continue;
    const weight = !product
      ? lookUp(b, node, name, weights)
      : inFloats
        ? store(b, node, product, weights, name)
        : multiply(node, product, name);
    layers.push({ name, op: node.op, ...facts(weight) });
  }
  if (layers.length + kept.length === 0) throw nothingToRound(graph);
  prune(graph);
  declareDomains(graph);
  return { model, layers, kept };
}

const facts = ({ rows, columns, error }: RoundedWeight) => ({ rows, columns, error });
