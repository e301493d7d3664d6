import { constantScalar } from '../../graph/facts/constants.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Node, Value } from '../../onnx/graph.ts';
import { inferNode } from '../../onnx/shapes/infer.ts';
import { sumToShapeOf } from '../broadcast.ts';
import { type InputGradient, once, type RuleContext, type RuleTable } from '../rule.ts';
import { floatTypeOf } from './arithmetic.ts';

/** Y⊙(dY − Σ(dY⊙Y)) along the axis. */
function softmaxGradient(c: RuleContext): Value {
  const axis = c.axis(c.node.int('axis') ?? -1);
  const y = withoutNaN(c.y());
  const weighted = c.b.mul(c.dy, y);
  return c.b.sub(weighted, c.b.mul(y, c.b.reduceSum(weighted, [axis])));
}

/**
 * The probabilities with 0 in the rows that are masked as a whole, where the graph makes them so, as PyTorch's
 * attention with a boolean mask does: the softmax itself is NaN there, and so would the gradient be.
 */
function withoutNaN(y: Value): Value {
  for (const { node } of y.uses) {
    const [undefinedRows] = node.op === 'IsNaN' ? node.outputs : [];
    for (const use of undefinedRows?.uses ?? []) {
      const { op, inputs, outputs } = use.node;
      const isReplaced = op === 'Where' && use.index === 0 && inputs[2] === y;
      if (isReplaced && constantScalar(inputs[1]) === 0 && outputs[0]) return outputs[0];
    }
  }
  return y;
}

/** dY − exp(Y)·ΣdY along the axis. */
function logSoftmaxGradient(c: RuleContext): Value {
  const axis = c.axis(c.node.int('axis') ?? -1);
  return c.b.sub(c.dy, c.b.mul(c.b.op('Exp', [c.y()]), c.b.reduceSum(c.dy, [axis])));
}

/** ONNX's number of the type, the default of `stash_type`. */
const FLOAT32 = 1;

/** The reciprocal standard deviation r and the normalised input x̂ = (x − μ)·r. */
function normalised(c: RuleContext, axes: readonly number[]): { xHat: Value; r: Value } {
  const { b, node } = c;
  // The node gives both in the type that it computes them in.
  if (c.x().type === 'float32' && (node.int('stash_type') ?? FLOAT32) === FLOAT32) {
    const mean = node.graph.ensureOutput(node, 1, `${node.name}/mean`);
    const r = node.graph.ensureOutput(node, 2, `${node.name}/inv_std_dev`);
    inferNode(node);
    return { r, xHat: b.mul(b.sub(c.x(), mean), r) };
  }
  const centred = b.sub(c.x(), b.reduceMean(c.x(), axes));
  const variance = b.reduceMean(b.mul(centred, centred), axes);
  const r = b.op('Reciprocal', [b.op('Sqrt', [b.add(variance, node.float('epsilon') ?? 1e-5)])]);
  return { r, xHat: b.mul(centred, r) };
}

/**
 * g = dY·γ: dX = r(g − mean g − x̂·mean(g·x̂)); dγ = Σ dY·x̂ and dβ = Σ dY over the axes before the
 * normalised ones.
 */
function layerNormGradients(c: RuleContext): InputGradient[] {
  const { b, dy } = c;
  const first = c.axis(c.node.int('axis') ?? -1);
  const axes = c.shape().flatMap((_, i) => (i >= first ? [i] : []));
  const leading = c.shape().flatMap((_, i) => (i < first ? [i] : []));
  let parts: ReturnType<typeof normalised> | undefined;
  const statistics = (): ReturnType<typeof normalised> => {
    parts ??= normalised(c, axes);
    return parts;
  };
  const weightedXHat = once(() => b.mul(dy, statistics().xHat));
  return [
    () => {
      const { r, xHat } = statistics();
      const g = b.mul(dy, c.x(1));
      const along = b.reduceMean(b.mul(g, xHat), axes);
      const centred = b.sub(b.sub(g, b.reduceMean(g, axes)), b.mul(xHat, along));
      return b.mul(centred, r);
    },
    () => b.reshapeLike(b.reduceSum(weightedXHat(), leading, false), c.x(1)),
    () => b.reshapeLike(b.reduceSum(dy, leading, false), c.x(2)),
  ];
}

/** x̂ = x·r with r = 1/√(mean x² + ε); g = dY·γ: dX = r(g − x̂·mean(g·x̂)), dγ = Σ dY·x̂. */
function rmsNormGradients(c: RuleContext): InputGradient[] {
  const { b, dy } = c;
  const first = c.axis(c.node.int('axis') ?? -1);
  const axes = c.shape().flatMap((_, i) => (i >= first ? [i] : []));
  const r = once(() => {
    const meanSquare = b.reduceMean(b.mul(c.x(), c.x()), axes);
    const epsilon = c.node.float('epsilon') ?? 1e-5;
    return b.op('Reciprocal', [b.op('Sqrt', [b.add(meanSquare, epsilon)])]);
  });
  const xHat = once(() => b.mul(c.x(), r()));
  return [
    () => {
      const g = b.mul(dy, c.x(1));
      const along = b.reduceMean(b.mul(g, xHat()), axes);
      return b.mul(b.sub(g, b.mul(xHat(), along)), r());
    },
    () => sumToShapeOf(b, b.mul(dy, xHat()), c.x(1)),
  ];
}

/** dY·mask/(1−p) when training; a Dropout that does not train passes dY on. */
function dropoutGradient(c: RuleContext): Value {
  const { b, dy, node } = c;
  const training = node.inputs[2];
  if (training === undefined || constantScalar(training) === 0) return dy;
  if (constantScalar(training) === undefined)
    throw c.unsupported('training_mode is computed at run time');
  if (dropRatio(node) === undefined) throw c.unsupported('its ratio is computed at run time');
  return maskedLike(b, node, dy);
}

const dropRatio = (node: Node): number | undefined =>
  node.inputs[1] === undefined ? 0.5 : constantScalar(node.inputs[1]);

/** x·mask/(1−p) with the mask that a Dropout in training mode has drawn. */
export function maskedLike(b: GraphBuilder, dropout: Node, x: Value): Value {
  const mask = dropout.graph.ensureOutput(dropout, 1, `${dropout.name}/mask`);
  inferNode(dropout);
  return b.mul(b.mul(x, b.cast(mask, floatTypeOf(x))), 1 / (1 - (dropRatio(dropout) ?? 0)));
}

export const normalizationRules: RuleTable = {
  Softmax: { vjp: (c) => [() => softmaxGradient(c)] },
  LogSoftmax: { vjp: (c) => [() => logSoftmaxGradient(c)] },
  LayerNormalization: { vjp: layerNormGradients },
  RMSNormalization: { vjp: rmsNormGradients },
  Dropout: { vjp: (c) => [() => dropoutGradient(c)] },
};
