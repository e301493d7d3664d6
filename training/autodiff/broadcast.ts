import { AppError } from '../../src/errors.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { type Dim, sameDim, sameShape } from '../onnx/dim.ts';
import type { Value } from '../onnx/graph.ts';

/** Was an operand's dimension broadcast to the result's? 'unknown' where only the run can tell. */
function broadcastOf(result: Dim, operand: Dim): 'no' | 'yes' | 'unknown' {
  if (sameDim(result, operand)) return 'no';
  if (operand === 1) return 'yes';
  return typeof operand === 'number' ? 'no' : 'unknown';
}

/**
 * The gradient of a broadcast operand: `gradient`, which has the shape of the result, summed over the axes
 * along which the operand was repeated, in the operand's shape.
 */
export function sumToShapeOf(b: GraphBuilder, gradient: Value, operand: Value): Value {
  const { shape: from } = gradient;
  const { shape: to } = operand;
  if (from === undefined || to === undefined) {
    const which = from === undefined ? gradient : operand;
    throw new AppError('model_invalid', `the rank of ${which} is not known`, {
      hint: 'Export the graph with shape inference, so that every tensor has a rank.',
    });
  }
  if (sameShape(from, to)) return gradient;
  const leading = from.length - to.length;
  if (leading < 0) {
    throw new AppError('model_invalid', `${operand} has more axes than what is computed with it`);
  }
  const verdicts = from.map((dim, i) =>
    i < leading ? 'yes' : broadcastOf(dim, to[i - leading] ?? 1),
  );
  if (verdicts.includes('unknown')) return sumWhereShapesDiffer(b, gradient, operand, leading);
  const axes = verdicts.flatMap((verdict, i) => (verdict === 'yes' ? [i] : []));
  if (axes.length === leading) return b.reduceSum(gradient, axes, false);
  const summed = b.reduceSum(gradient, axes);
  return leading === 0 ? summed : b.reshapeLike(summed, operand);
}

/** The same with the axes found at run time: those where the operand's dimension differs from the result's. */
function sumWhereShapesDiffer(
  b: GraphBuilder,
  gradient: Value,
  operand: Value,
  leading: number,
): Value {
  const target = b.op('Shape', [operand]);
  const padded =
    leading === 0 ? target : b.op('Concat', [b.ints(Array(leading).fill(1)), target], { axis: 0 });
  const differs = b.op('Not', [b.op('Equal', [padded, b.op('Shape', [gradient])])]);
  const axes = b.reshape(b.op('NonZero', [differs]), [-1]);
  const summed = b.op('ReduceSum', [gradient, axes], { keepdims: 1, noop_with_empty_axes: 1 });
  const result = b.reshape(summed, target);
  result.shape = operand.shape;
  return result;
}
