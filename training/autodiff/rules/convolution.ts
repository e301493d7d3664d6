import { type Convolution, convolutionOf, slackOf } from '../../onnx/convolution.ts';
import type { Value } from '../../onnx/graph.ts';
import type { InputGradient, RuleContext, RuleTable } from '../rule.ts';

/** [N, C, …] as [C, N, …]. */
const exchanged = (c: RuleContext, x: Value): Value => c.b.transpose(x, [1, 0, ...spatialAxes(c)]);

const spatialAxes = (c: RuleContext): number[] =>
  c.shape().flatMap((_, axis) => (axis < 2 ? [] : [axis]));

/** dX: the transposed convolution of dY with the same weights, over what no window reached as well. */
function dataGradient(c: RuleContext, geometry: Convolution): Value {
  const { group, strides, dilations, before, after } = geometry;
  const left = strides.map((stride, axis) => {
    if (stride === 1) return 0;
    const slack = slackOf(c.node, geometry, axis);
    if (typeof slack !== 'number')
      throw c.unsupported('it has strides over an axis whose length is not known');
    return slack % stride;
  });
  return c.b.op('ConvTranspose', [c.dy, c.x(1)], {
    group,
    strides: [...strides],
    dilations: [...dilations],
    pads: [...before, ...after],
    output_padding: left,
  });
}

/**
 * dW: X convolved with dY, texts and channels in each other's place, steps and dilations too. Groups stay groups: X goes
 * from [N, C, …] to [C/g, g·N, …]. Where steps leave a rest, more than the kernel comes out, at the end.
 */
function weightGradient(c: RuleContext, geometry: Convolution): Value {
  const { b } = c;
  const { group, strides, dilations, before, after } = geometry;
  const product = b.op('Conv', [grouped(c, group), exchanged(c, c.dy)], {
    group,
    strides: [...dilations],
    dilations: [...strides],
    pads: [...before, ...after],
  });
  const all = exchanged(c, product);
  const sizes = c.shape(1).slice(2).map(Number);
  const axes = spatialAxes(c);
  const gradient = strides.every((stride) => stride === 1)
    ? all
    : b.op('Slice', [all, b.ints(axes.map(() => 0)), b.ints(sizes), b.ints(axes)]);
  // Inference knows the kernel's size by that of the text alone, which is a symbol.
  gradient.shape = c.shape(1);
  return gradient;
}

function grouped(c: RuleContext, group: number): Value {
  if (group === 1) return exchanged(c, c.x());
  const { b } = c;
  const channels = c.shape(1)[1];
  if (typeof channels !== 'number') throw c.unsupported('its channels are not known');
  const apart = b.transpose(b.reshape(c.x(), [0, group, channels, -1]), [2, 1, 0, 3]);
  const lengths = b.op('Slice', [b.shapeOf(c.x()), b.ints([2]), b.ints([2 ** 31 - 1])]);
  return b.reshape(apart, b.op('Concat', [b.ints([channels, -1]), lengths], { axis: 0 }));
}

function convolutionGradients(c: RuleContext): InputGradient[] {
  const geometry = convolutionOf(c.node);
  if (geometry === undefined)
    throw c.unsupported('the size of its kernel or its padding is not known');
  return [
    () => dataGradient(c, geometry),
    () => weightGradient(c, geometry),
    () => c.b.reduceSum(c.dy, [0, ...spatialAxes(c)], false),
  ];
}

export const convolutionRules: RuleTable = {
  Conv: { vjp: convolutionGradients },
};
