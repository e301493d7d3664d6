import type { GraphBuilder } from '../../onnx/builder.ts';
import { type Dim, multiplyDims, subtractDims } from '../../onnx/dim.ts';
import type { Value } from '../../onnx/graph.ts';
import { type Window, windowOf } from '../../onnx/shapes/convolution.ts';
import type { InputGradient, RuleContext, RuleTable } from '../rule.ts';
import { scatterByNumber } from './indexing.ts';
import { divideByCount } from './reduction.ts';

type KnownWindow = Window & { readonly pads: readonly number[] };

function knownWindow(c: RuleContext, kernel: readonly Dim[] | undefined): KnownWindow {
  if (!kernel?.every((size) => typeof size === 'number'))
    throw c.unsupported('the size of its kernel is not known');
  const { pads, ...window } = windowOf(c.node, kernel, c.shape().slice(2));
  if (pads === undefined) throw c.unsupported('its auto_pad needs lengths that are not known');
  return { ...window, pads };
}

/**
 * Y = X ∗ W + B: dX is the transposed convolution of dY, dW the convolution of X with dY, in which batch and channels
 * change places and strides and dilations too, and dB the sum of dY over all but the channels.
 */
function convGradients(c: RuleContext): InputGradient[] {
  const { b, dy, node } = c;
  const group = node.int('group') ?? 1;
  const window = knownWindow(c, node.ints('kernel_shape') ?? c.shape(1).slice(2));
  const { strides, dilations } = window;
  const axes = c.shape().flatMap((_, i) => (i === 1 ? [] : [i]));
  return [
    () => {
      const attributes = { strides, dilations, group, kernel_shape: window.kernel };
      return cutToInput(c, b.op('ConvTranspose', [dy, c.x(1)], attributes), window);
    },
    () => kernelGradient(c, window, group),
    () => b.reduceSum(dy, axes, false),
  ];
}

/** A transposed convolution without pads, cut at both ends to the input; zeros where the last stride reached no further. */
function cutToInput(c: RuleContext, whole: Value, { pads }: KnownWindow): Value {
  const { b } = c;
  const spatial = c.shape().slice(2);
  const sizes = whole.shape?.slice(2) ?? [];
  const before = pads.slice(0, spatial.length).map((pad) => 0 - pad);
  const after = spatial.map((size, i) =>
    subtractDims(subtractDims(size, sizes[i] ?? 0), before[i] ?? 0),
  );
  if ([...before, ...after].every((amount) => amount === 0)) return whole;
  const amounts = b.dims([0, 0, ...before, 0, 0, ...after]) ?? measured(c, whole, before);
  return inShapeOf(b.op('Pad', [whole, amounts, b.scalar(0, whole)]), c.x());
}

/** The same amounts where the sizes are found at run time. */
function measured(c: RuleContext, whole: Value, before: readonly number[]): Value {
  const { b } = c;
  const begin = b.ints([0, 0, ...before]);
  const missing = b.sub(b.op('Shape', [c.x()]), b.op('Shape', [whole]));
  const spatial = b.ints([0, 0, ...before.map(() => 1)]);
  const end = b.mul(b.sub(missing, begin), spatial);
  return b.op('Concat', [begin, end], { axis: 0 });
}

function inShapeOf(value: Value, like: Value): Value {
  value.shape = like.shape;
  return value;
}

/** For a grouped one: X as [channels of a group, groups · batch, …], dY as [channels, batch, …]. */
function kernelGradient(c: RuleContext, window: KnownWindow, group: number): Value {
  const { b, dy } = c;
  const weight = c.x(1);
  const rest = window.kernel.map((_, i) => i + 2);
  const attributes = { strides: window.dilations, dilations: window.strides, group };
  const turned = group === 1 ? b.transpose(c.x(), [1, 0, ...rest]) : grouped(c, group);
  const errors = b.transpose(dy, [1, 0, ...rest]);
  const found = b.op('Conv', [turned, errors], { ...attributes, pads: window.pads });
  // Where a stride leaves the end of X unread, there are more places than the kernel has.
  const ends = b.ints(window.kernel);
  const zeros = b.ints(rest.map(() => 0));
  const cut = b.op('Slice', [found, zeros, ends, b.ints(rest)]);
  return inShapeOf(b.transpose(cut, [1, 0, ...rest]), weight);
}

/** [batch, groups · channels, …] → [channels, groups · batch, …]. */
function grouped(c: RuleContext, group: number): Value {
  const { b } = c;
  const [batch, channels, ...spatial] = c.shape();
  const each = typeof channels === 'number' ? channels / group : c.shape(1)[1];
  const whole = typeof each === 'number' ? each : undefined;
  if (whole === undefined) throw c.unsupported('the number of its channels is not known');
  const axes = spatial.map((_, i) => i + 3);
  const split = b.reshape(c.x(), splitShape(b, c.x(), [0, group, whole]));
  const turned = b.transpose(split, [2, 1, 0, ...axes]);
  const rows =
    batch === undefined ? undefined : b.dims([whole, multiplyDims(batch, group), ...spatial]);
  if (rows) return b.reshape(turned, rows);
  return b.reshape(turned, splitShape(b, c.x(), [whole, -1]));
}

/** A Reshape target: these dimensions, then the spatial ones of x. */
function splitShape(b: GraphBuilder, x: Value, leading: readonly number[]): Value {
  const spatial = b.op('Slice', [b.op('Shape', [x]), b.ints([2]), b.ints([2 ** 31 - 1])]);
  return b.op('Concat', [b.ints(leading), spatial], { axis: 0 });
}

/** Each element of dY spread over its window: a transposed convolution with ones, channel by channel. */
function averagePoolGradient(c: RuleContext): Value {
  const { b, node } = c;
  const kernel = node.ints('kernel_shape');
  if (node.int('ceil_mode')) throw c.unsupported('ceil_mode has no rule');
  const window = knownWindow(c, kernel);
  const padded = window.pads.some((pad) => pad !== 0);
  if (padded && !node.int('count_include_pad'))
    throw c.unsupported('pads that do not count have no rule');
  const channels = c.shape()[1];
  if (typeof channels !== 'number') throw c.unsupported('the number of its channels is not known');
  const count = window.kernel.reduce((product, size) => product * size, 1);
  const { strides, dilations } = window;
  const ones = b.expandLike(
    b.scalar(1 / count, c.dy),
    b.constant(zerosOf([channels, 1, ...window.kernel])),
  );
  const attributes = { strides, dilations, group: channels, kernel_shape: window.kernel };
  return cutToInput(c, b.op('ConvTranspose', [c.dy, ones], attributes), window);
}

const zerosOf = (dims: readonly number[]) =>
  ({
    type: 'bool',
    dims,
    bytes: new Uint8Array(dims.reduce((product, dim) => product * dim, 1)),
  }) as const;

/** To the element that each maximum came from: the runtime gives its number in the whole tensor. */
function maxPoolGradient(c: RuleContext): Value {
  const { node } = c;
  if (node.int('storage_order')) throw c.unsupported('storage_order=1 has no rule');
  const numbers = node.graph.ensureOutput(node, 1, `${node.name}/indices`);
  numbers.type = 'int64';
  numbers.shape = c.y().shape;
  return scatterByNumber(c, numbers, { reduction: 'add' });
}

/** A mean over all but batch and channels. */
function globalAverageGradient(c: RuleContext): Value {
  const spatial = c.shape().flatMap((_, axis) => (axis < 2 ? [] : [axis]));
  return c.b.expandLike(divideByCount(c, c.dy, spatial), c.x());
}

export const convolutionRules: RuleTable = {
  Conv: { vjp: convGradients },
  AveragePool: { vjp: (c) => [() => averagePoolGradient(c)] },
  MaxPool: { vjp: (c) => [() => maxPoolGradient(c)] },
  GlobalAveragePool: { vjp: (c) => [() => globalAverageGradient(c)] },
};
