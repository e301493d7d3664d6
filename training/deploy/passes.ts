import { applyRewrites, type Rewrite } from '../graph/pattern/apply.ts';
import { selectRowsEarly } from '../graph/transforms/select-row.ts';
import { shapesFromInputs } from '../graph/transforms/shapes-from-inputs.ts';
import { tidy } from '../graph/transforms/tidy.ts';
import type { Graph } from '../onnx/graph.ts';
import { inferGraph } from '../onnx/shapes/infer.ts';
import { attention } from './fuse/attention.ts';
import { biasGelu, gelu } from './fuse/gelu.ts';
import { layerNormalization } from './fuse/layer-normalization.ts';
import { packProjections } from './fuse/packed-projections.ts';
import { skipLayerNormalization } from './fuse/skip-layer-normalization.ts';

interface Pass {
  readonly name: string;
  readonly does: string;
  /** Changes the graph; returns the number of places. */
  readonly run: (graph: Graph) => number;
}

const rewriting =
  (rewrites: readonly Rewrite[], scope: string) =>
  (graph: Graph): number => {
    const matches = applyRewrites(graph, rewrites, scope);
    if (matches > 0) inferGraph(graph);
    return matches;
  };

/** Every pass, in the order in which they run. */
export const passes = [
  {
    name: 'tidy',
    does: 'take out Identity, Dropout and Cast that do nothing; constants become initializers',
    run: (graph) => tidy(graph) + shapesFromInputs(graph),
  },
  {
    name: 'layer-norm',
    does: 'recover LayerNormalization',
    run: rewriting(layerNormalization, 'norm'),
  },
  {
    name: 'select-row',
    does: 'compute the last layer for the row that the head reads ([CLS])',
    run: selectRowsEarly,
  },
  {
    name: 'attention',
    does: 'attention over heads in one node, with the padding mask of the keys',
    run: rewriting(attention, 'attention'),
  },
  {
    name: 'pack-qkv',
    does: 'products of one value with several matrices as one product',
    run: packProjections,
  },
  {
    name: 'gelu',
    does: 'recover GELU, erf and tanh',
    run: rewriting(gelu, 'gelu'),
  },
  {
    name: 'bias-gelu',
    does: 'GELU with the bias before it',
    run: rewriting(biasGelu, 'gelu'),
  },
  {
    name: 'skip-layer-norm',
    does: 'LayerNormalization with the sum and the bias before it',
    run: rewriting(skipLayerNormalization, 'norm'),
  },
] as const satisfies readonly Pass[];

export type PassName = (typeof passes)[number]['name'];

/**
 * What is worth its while, as measured in docs/inference.md: in operators of the default domain alone, and with the
 * runtime's own ones. Whatever is in neither costs more than it gains, or the runtime does it itself at load.
 */
export const passSets = {
  standard: ['tidy', 'layer-norm', 'select-row'],
  fused: ['tidy', 'layer-norm', 'select-row', 'attention'],
} as const satisfies Record<string, readonly PassName[]>;
