import { constantInts } from '../../graph/facts/constants.ts';
import type { Value } from '../../onnx/graph.ts';
import type { InputGradient, Rule, RuleContext, RuleTable } from '../rule.ts';

/** The elements stay in order: dY in the input's shape. */
const sameElements: Rule = { vjp: (c) => [() => c.b.reshapeLike(c.dy, c.x())] };

function inversePermutation(c: RuleContext): readonly number[] {
  const perm = c.node.ints('perm') ?? c.shape().map((_, i, all) => all.length - 1 - i);
  const inverse = new Array<number>(perm.length);
  perm.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}

/** Sizes along an axis as a 1-D tensor. */
function sizesAlong(c: RuleContext, values: readonly Value[], axis: number): Value {
  const sizes = values.map((value) => value.shape?.[axis]);
  const known = sizes.every((size) => size !== undefined) ? c.b.dims(sizes) : undefined;
  if (known !== undefined) return known;
  const parts = values.map((value) => c.b.op('Gather', [c.b.shapeOf(value), c.b.ints([axis])]));
  return c.b.op('Concat', parts, { axis: 0 });
}

/** dY cut into pieces of the inputs' sizes. */
function concatGradients(c: RuleContext): InputGradient[] {
  const axis = c.axis(c.node.int('axis') ?? 0);
  const inputs = c.node.inputs.map((_, i) => c.x(i));
  let pieces: readonly Value[] | undefined;
  return inputs.map((_, i) => () => {
    pieces ??= c.b.node(
      'Split',
      [c.dy, sizesAlong(c, inputs, axis)],
      { axis },
      {
        outputs: inputs.map((__, k) => `${c.b.scope}/piece_${k}`),
      },
    );
    const piece = pieces[i];
    if (piece === undefined) throw c.unsupported(`it has no input ${i}`);
    return piece;
  });
}

/** The pieces' gradients put together again; zeros for a piece that the loss does not depend on. */
function splitGradient(c: RuleContext): Value {
  const axis = c.axis(c.node.int('axis') ?? 0);
  const pieces = c.node.outputs.map((piece, i) => {
    if (piece === undefined) throw c.unsupported(`its output ${i} has no name`);
    return c.dyOf(i) ?? c.b.zerosLike(piece);
  });
  return c.b.op('Concat', pieces, { axis });
}

/** Each axis of the result is [repeats, dimension]: sum over the repeats. */
function tileGradient(c: RuleContext): Value {
  const { b } = c;
  const repeats = constantInts(c.node.inputs[1]);
  const known = repeats && b.dims(c.shape().flatMap((dim, i) => [repeats[i] ?? 1, dim]));
  const pairs = (): Value =>
    b.op(
      'Concat',
      [c.x(1), b.shapeOf(c.x())].map((x) => b.unsqueeze(x, [1])),
      { axis: 1 },
    );
  const axes = c.shape().map((_, i) => 2 * i);
  return b.reduceSum(b.reshape(c.dy, known ?? b.reshape(pairs(), [-1])), axes, false);
}

/** Padding what was cut and cutting what was padded: negative pads cut. */
function padGradient(c: RuleContext): Value {
  const mode = c.node.string('mode') ?? 'constant';
  if (mode !== 'constant') throw c.unsupported(`mode "${mode}" has no rule, only "constant"`);
  const pads = constantInts(c.node.inputs[1]);
  const opposite = pads ? c.b.ints(pads.map((n) => 0 - n)) : c.b.neg(c.x(1));
  const axes = c.node.inputs[3];
  return c.b.op('Pad', axes ? [c.dy, opposite, undefined, axes] : [c.dy, opposite]);
}

/** The running sum from the other end. */
function cumSumGradient({ b, dy, node }: RuleContext): Value {
  const reverse = node.int('reverse') ? 0 : 1;
  return b.op('CumSum', [dy, node.inputs[1]], { exclusive: node.int('exclusive') ?? 0, reverse });
}

export const shapeRules: RuleTable = {
  Reshape: sameElements,
  Squeeze: sameElements,
  Unsqueeze: sameElements,
  Flatten: sameElements,
  Transpose: { vjp: (c) => [() => c.b.transpose(c.dy, inversePermutation(c))] },
  Concat: { vjp: concatGradients },
  Split: { allOutputs: true, vjp: (c) => [() => splitGradient(c)] },
  Tile: { vjp: (c) => [() => tileGradient(c)] },
  CumSum: { vjp: (c) => [() => cumSumGradient(c)] },
  Trilu: {
    vjp: ({ b, dy, node }) => [
      () => b.op('Trilu', [dy, node.inputs[1]], { upper: node.int('upper') ?? 1 }),
    ],
  },
  Pad: { vjp: (c) => [() => padGradient(c)] },
};
