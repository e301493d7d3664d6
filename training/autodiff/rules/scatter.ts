import type { Value } from '../../onnx/graph.ts';
import type { InputGradient, RuleContext, RuleTable } from '../rule.ts';

/**
 * Data with updates written, or added, at the places that the indices name: what was written over has no gradient.
 * `zero` writes zeros there, `read` gathers from there.
 */
function writtenGradients(
  c: RuleContext,
  zero: (dy: Value) => Value,
  read: (dy: Value) => Value,
): InputGradient[] {
  const reduction = c.node.string('reduction') ?? 'none';
  if (reduction !== 'none' && reduction !== 'add')
    throw c.unsupported(`reduction "${reduction}" has no rule`);
  const data = (): Value => (reduction === 'add' ? c.dy : zero(c.dy));
  return [data, () => c.dy, () => read(c.dy)];
}

const withoutIndices = ([data, , updates]: readonly InputGradient[]) => [data, undefined, updates];

function scatterElementsGradients(c: RuleContext): (InputGradient | undefined)[] {
  const axis = c.node.int('axis') ?? 0;
  return withoutIndices(
    writtenGradients(
      c,
      (dy) => c.b.op('ScatterElements', [dy, c.x(1), c.b.zerosLike(c.x(2))], { axis }),
      (dy) => c.b.op('GatherElements', [dy, c.x(1)], { axis }),
    ),
  );
}

function scatterNDGradients(c: RuleContext): (InputGradient | undefined)[] {
  return withoutIndices(
    writtenGradients(
      c,
      (dy) => c.b.op('ScatterND', [dy, c.x(1), c.b.zerosLike(c.x(2))]),
      (dy) => c.b.op('GatherND', [dy, c.x(1)]),
    ),
  );
}

/**
 * Blocks of dY added to the blocks of a zero tensor that index tuples name. Tuples are made numbers, as
 * ScatterElements takes them: the runtime's ScatterND(add) on the CPU loses updates where a place repeats.
 */
function gatherNDGradient(c: RuleContext): Value {
  const { b } = c;
  const batch = c.node.int('batch_dims') ?? 0;
  const depth = c.shape(1).at(-1);
  if (typeof depth !== 'number') throw c.unsupported('the length of its index tuples is not known');
  const end = batch + depth;
  const shape = b.shapeOf(c.x());
  const dims = (from: number, to: number): Value =>
    b.op('Slice', [shape, b.ints([from]), b.ints([to])]);
  const count = (from: number, to: number): Value =>
    from === to ? b.ints([1]) : b.op('ReduceProd', [dims(from, to)], { keepdims: 1 });
  const sizes = dims(batch, end);
  const strides = Array.from({ length: depth }, (_, i) => count(batch + i + 1, end));
  const indices = b.cast(c.x(1), 'int64');
  const isNegative = b.op('Less', [indices, b.scalar(0, 'int64')]);
  const wrapped = b.where(isNegative, b.add(indices, sizes), indices);
  const places = b.mul(wrapped, depth === 1 ? b.ints([1]) : b.op('Concat', strides, { axis: 0 }));
  const within = b.reduceSum(places, [-1], false);
  const width = count(end, c.rank());
  const rows = b.reshape(b.zerosLike(c.x()), b.op('Concat', [b.ints([-1]), width], { axis: 0 }));
  const errors = b.reshape(c.dy, b.op('Concat', [b.ints([-1]), width], { axis: 0 }));
  const numbers = b.reshape(batch === 0 ? within : inBatch(c, within, batch, count), [-1, 1]);
  const attributes = { axis: 0, reduction: 'add' };
  const index = b.op('Expand', [numbers, b.op('Shape', [errors])]);
  return b.reshapeLike(b.op('ScatterElements', [rows, index, errors], attributes), c.x());
}

/** Numbers within a batch element plus those of the elements before it. */
function inBatch(
  c: RuleContext,
  within: Value,
  batch: number,
  count: (from: number, to: number) => Value,
): Value {
  const { b } = c;
  const depth = Number(c.shape(1).at(-1));
  const elements = b.squeeze(count(0, batch), [0]);
  const starts = b.mul(
    b.op('Range', [b.scalar(0, 'int64'), elements, b.scalar(1, 'int64')]),
    count(batch, batch + depth),
  );
  return b.add(
    b.reshape(within, b.op('Concat', [count(0, batch), b.ints([-1])], { axis: 0 })),
    b.unsqueeze(starts, [1]),
  );
}

export const scatterRules: RuleTable = {
  GatherND: { vjp: (c) => [() => gatherNDGradient(c)] },
  ScatterElements: { vjp: scatterElementsGradients },
  ScatterND: { vjp: scatterNDGradients },
};
