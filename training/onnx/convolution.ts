import { type Dim, subtractDims } from './dim.ts';
import type { Node } from './graph.ts';

/** How a Conv walks over its spatial axes; one number for each of them. */
export interface Convolution {
  readonly group: number;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros before and after. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Along one axis: padding given, or enough for an output of ⌈length ÷ stride⌉, the odd zero on the side that is named. */
function padding(
  mode: string,
  given: readonly [number, number],
  axis: { length: Dim | undefined; reach: number; stride: number },
): readonly [number, number] | undefined {
  if (mode === 'NOTSET' || mode === '') return given;
  if (mode === 'VALID') return [0, 0];
  const { length, reach, stride } = axis;
  if (stride > 1 && typeof length !== 'number') return undefined;
  const missing =
    typeof length === 'number' && stride > 1
      ? (Math.ceil(length / stride) - 1) * stride + 1 - length
      : 0;
  const total = Math.max(0, reach + missing);
  const less = Math.floor(total / 2);
  return mode === 'SAME_LOWER' ? [total - less, less] : [less, total - less];
}

/** The geometry of a Conv; undefined where the shapes or `auto_pad` leave it to the run. */
export function convolutionOf(node: Node): Convolution | undefined {
  const [data, weight] = node.inputs.map((value) => value?.shape);
  const kernel = weight?.slice(2);
  if (data === undefined || !kernel?.every((size) => typeof size === 'number')) return undefined;
  const all = (name: string): readonly number[] => node.ints(name) ?? kernel.map(() => 1);
  const [strides, dilations] = [all('strides'), all('dilations')];
  const pads = node.ints('pads') ?? kernel.flatMap(() => [0, 0]);
  const sides = kernel.map((size, i) =>
    padding(node.string('auto_pad') ?? 'NOTSET', [pads[i] ?? 0, pads[i + kernel.length] ?? 0], {
      length: data[i + 2],
      reach: (dilations[i] ?? 1) * (size - 1),
      stride: strides[i] ?? 1,
    }),
  );
  if (!sides.every((side) => side !== undefined)) return undefined;
  return {
    group: node.int('group') ?? 1,
    strides,
    dilations,
    before: sides.map(([before]) => before),
    after: sides.map(([, after]) => after),
  };
}

/** By how much a spatial axis and its padding are longer than the reach of the kernel: (output − 1)·stride, or more. */
export function slackOf(node: Node, geometry: Convolution, axis: number): Dim | undefined {
  const length = node.inputs[0]?.shape?.[axis + 2];
  const size = node.inputs[1]?.shape?.[axis + 2];
  if (length === undefined || typeof size !== 'number') return undefined;
  const at = (list: readonly number[]): number => list[axis] ?? 0;
  const reach = at(geometry.dilations) * (size - 1) + 1;
  return subtractDims(length, reach - at(geometry.before) - at(geometry.after));
}
