import { GraphBuilder } from '../onnx/builder.ts';
import { Graph, type Value } from '../onnx/graph.ts';
import { type Model, newModel } from '../onnx/model.ts';

export interface OptimizedParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly decay: boolean;
}

export interface AdamWOptions {
  readonly weightDecay: number;
  /** Gradients are scaled so that their global norm is at most this; null: never. */
  readonly maxGradNorm: number | null;
}

/** PyTorch's defaults. */
export const adamWDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Added to the norm before dividing, as PyTorch's clip_grad_norm_ does. */
const CLIP_EPSILON = 1e-6;

/**
 * One step of AdamW (Loshchilov & Hutter 2019, as PyTorch has it) on all parameters, after clipping by the
 * global norm: `learning_rate` (float32 scalar), `step` (int64 scalar, from 1), and for each parameter P:
 * P, P.grad, P.exp_avg, P.exp_avg_sq → P.out, P.exp_avg.out, P.exp_avg_sq.out, and `grad_norm`.
 *
 * Rearranged so that whatever parameters share is a scalar, and few passes over them are left:
 * m/c₁ / (√(v/c₂) + ε) = m·(√c₂/c₁) / (√v + ε·√c₂), where cᵢ = 1 − βᵢᵗ.
 */
export function adamWModel(
  parameters: readonly OptimizedParameter[],
  options: AdamWOptions,
): Model {
  const graph = new Graph('optimizer', { opset: 17 });
  const b = new GraphBuilder(graph);
  const learningRate = graph.addInput('learning_rate', 'float32', []);
  const step = graph.addInput('step', 'int64', []);
  const states = parameters.map(({ name, shape }): State => {
    const input = (suffix: string): Value => graph.addInput(name + suffix, 'float32', shape);
    return { p: input(''), g: input('.grad'), m: input('.exp_avg'), v: input('.exp_avg_sq') };
  });
  b.scope = 'clip';
  const norm = globalNorm(
    b,
    states.map(({ g }) => g),
  );
  const clip = options.maxGradNorm === null ? undefined : clipFactor(b, norm, options.maxGradNorm);
  b.scope = 'rates';
  const rates = ratesOf(b, learningRate, step, clip, options.weightDecay);
  for (const [i, state] of states.entries()) {
    const { name, decay } = parameters[i] ?? { name: '', decay: false };
    b.scope = name;
    update(b, state, rates, decay && options.weightDecay > 0).forEach((value, k) => {
      graph.rename(value, `${name}${['', '.exp_avg', '.exp_avg_sq'][k]}.out`);
      graph.outputs.push(value);
    });
  }
  graph.rename(norm, 'grad_norm');
  graph.outputs.push(norm);
  return newModel(graph);
}

interface State {
  readonly p: Value;
  readonly g: Value;
  readonly m: Value;
  readonly v: Value;
}

/** Scalars of one update. */
interface Rates {
  /** Factors of the gradient: clip · (1−β₁) and clip · √(1−β₂). */
  readonly toMean: Value;
  readonly toRoot: Value;
  /** learning rate · √c₂/c₁ */
  readonly step: Value;
  /** ε · √c₂ */
  readonly epsilon: Value;
  /** 1 − learning rate · decay */
  readonly keep: Value;
}

function ratesOf(
  b: GraphBuilder,
  learningRate: Value,
  step: Value,
  clip: Value | undefined,
  weightDecay: number,
): Rates {
  const t = b.cast(step, 'float32');
  const root = b.op('Sqrt', [biasCorrection(b, t, adamWDefaults.beta2)]);
  const clipped = (factor: number): Value =>
    clip ? b.mul(clip, factor) : b.scalar(factor, 'float32');
  return {
    toMean: clipped(1 - adamWDefaults.beta1),
    toRoot: clipped(Math.sqrt(1 - adamWDefaults.beta2)),
    step: b.mul(learningRate, b.div(root, biasCorrection(b, t, adamWDefaults.beta1))),
    epsilon: b.mul(root, adamWDefaults.epsilon),
    keep: b.sub(1, b.mul(learningRate, weightDecay)),
  };
}

/** m ← β₁m + (1−β₁)g; v ← β₂v + (√(1−β₂)·g)²; p ← p·keep − step·m / (√v + ε): [p, m, v]. */
function update(b: GraphBuilder, { p, g, m, v }: State, rates: Rates, decay: boolean): Value[] {
  const mean = b.add(b.mul(m, adamWDefaults.beta1), b.mul(g, rates.toMean));
  const root = b.mul(g, rates.toRoot);
  const square = b.add(b.mul(v, adamWDefaults.beta2), b.mul(root, root));
  const change = b.div(b.mul(mean, rates.step), b.add(b.op('Sqrt', [square]), rates.epsilon));
  return [b.sub(decay ? b.mul(p, rates.keep) : p, change), mean, square];
}

/**
 * 1 − βᵗ = tanh(−u/2)·(1 + e^u) with u = t·ln β. The plain form would lose 1e-5 of it in float32 at t = 1,
 * where β₂ᵗ is nearly 1.
 */
function biasCorrection(b: GraphBuilder, t: Value, beta: number): Value {
  const tanh = b.op('Tanh', [b.mul(t, -Math.log(beta) / 2)]);
  return b.mul(tanh, b.add(b.op('Exp', [b.mul(t, Math.log(beta))]), 1));
}

/**
 * √Σ‖g‖² over all gradients. Rows are summed before their sums: one long chain of additions of millions of
 * squares would lose digits in float32.
 */
function globalNorm(b: GraphBuilder, gradients: readonly Value[]): Value {
  const rows = gradients.map((g) => {
    const rank = g.shape?.length ?? 0;
    if (rank === 0) return b.reshape(b.mul(g, g), [1]);
    const axes = rank === 1 ? [0] : Array.from({ length: rank - 1 }, (_, i) => i + 1);
    return b.op('ReduceSumSquare', [g], { axes, keepdims: rank === 1 ? 1 : 0 });
  });
  return b.op('Sqrt', [b.reduceSum(b.op('Concat', rows, { axis: 0 }), [0], false)]);
}

/** The factor min(1, max / (norm + 1e-6)) of the gradients; 1 without a maximum. */
export const clipping = (norm: number, maximum: number | null): number =>
  maximum === null ? 1 : Math.min(1, maximum / (norm + CLIP_EPSILON));

/** The same in the graph. */
function clipFactor(b: GraphBuilder, norm: Value, maximum: number): Value {
  const ratio = b.div(b.scalar(maximum, 'float32'), b.add(norm, CLIP_EPSILON));
  return b.op('Min', [ratio, b.scalar(1, 'float32')]);
}
