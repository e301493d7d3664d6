import { AppError } from '../../src/errors.ts';
import { nameShown } from '../../src/files/index.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import type { Value } from '../onnx/graph.ts';
import { addNextLossScale } from '../optim/index.ts';

type Values = ReadonlyMap<string, Value>;

/**
 * What an update gives where the norm of the gradients is finite, which neither infinity nor NaN is: `name.out` for
 * each name of the state. Else the state as it was, but for the loss scale.
 *
 * @param state by name, `loss_scale`, `good_steps` and `step` included
 * @param updated the optimizer's outputs
 */
export function unlessOverflow(b: GraphBuilder, state: Values, updated: Values): Values {
  const norm = required(updated, 'grad_norm');
  const fits = b.op('Less', [norm, b.scalar(Number.POSITIVE_INFINITY, norm)]);
  const kept = new Map(updated);
  for (const [name, before] of state) {
    const after = updated.get(`${name}.out`);
    if (after) kept.set(`${name}.out`, b.where(fits, after, before));
  }
  const next = addNextLossScale(
    b,
    {
      loss_scale: required(state, 'loss_scale'),
      good_steps: required(state, 'good_steps'),
      step: required(state, 'step'),
    },
    fits,
  );
  for (const [name, value] of Object.entries(next)) kept.set(`${name}.out`, value);
  return kept;
}

function required(values: Values, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new AppError('internal', `the loop has no ${nameShown(name)}`);
  return value;
}
