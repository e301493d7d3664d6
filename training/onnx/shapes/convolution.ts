import { addDims, type Dim, divideDims, multiplyDims, subtractDims } from '../dim.ts';
import type { Node } from '../graph.ts';
import { filledShape, type Rule, type RuleTable, shapeAt, typeAt } from './rule.ts';

/** How a window moves along the spatial axes: one number an axis, `pads` of the beginnings first. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Undefined where `auto_pad` makes them depend on a length that is not known. */
  readonly pads: readonly number[] | undefined;
}

/** The window of a Conv or a pool whose kernel is `kernel` long, over an input of `spatial` sizes. */
export function windowOf(node: Node, kernel: readonly number[], spatial: readonly Dim[]): Window {
  const ones = kernel.map(() => 1);
  const strides = node.ints('strides') ?? ones;
  const dilations = node.ints('dilations') ?? ones;
  const given = node.ints('pads') ?? kernel.flatMap(() => [0, 0]);
  const mode = node.string('auto_pad') ?? 'NOTSET';
  const pads = mode.startsWith('SAME')
    ? samePads(mode === 'SAME_UPPER', { kernel, strides, dilations }, spatial)
    : mode === 'VALID'
      ? kernel.flatMap(() => [0, 0])
      : given;
  return { kernel, strides, dilations, pads };
}

/** As many zeros as give ⌈size / stride⌉ results; of an odd number the last is at the end (UPPER) or at the beginning. */
function samePads(
  atEnd: boolean,
  { kernel, strides, dilations }: Omit<Window, 'pads'>,
  spatial: readonly Dim[],
): number[] | undefined {
  const totals = kernel.map((k, i) => {
    const [stride, size] = [strides[i] ?? 1, spatial[i]];
    const reach = (k - 1) * (dilations[i] ?? 1) + 1;
    if (stride === 1) return reach - 1;
    if (typeof size !== 'number') return undefined;
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
  });
  if (!totals.every((total) => total !== undefined)) return undefined;
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total, i) => total - (small[i] ?? 0));
  return atEnd ? [...small, ...large] : [...large, ...small];
}

/** ⌊(size + pads − reach) / stride⌋ + 1 along spatial axis i. */
function slidSize(size: Dim, i: number, window: Window): Dim | undefined {
  const { kernel, strides, dilations, pads } = window;
  if (pads === undefined) return undefined;
  const reach = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
  const extra = (pads[i] ?? 0) + (pads[i + kernel.length] ?? 0) - reach;
  const stride = strides[i] ?? 1;
  const span = addDims(size, extra);
  const steps = typeof span === 'number' ? Math.floor(span / stride) : divideDims(span, stride);
  return steps === undefined ? undefined : addDims(steps, 1);
}

const numbersOf = (dims: readonly Dim[] | undefined): readonly number[] | undefined =>
  dims?.every((dim) => typeof dim === 'number') ? dims : undefined;

const conv: Rule = (node) => {
  const [data, weight, type] = [shapeAt(node, 0), shapeAt(node, 1), typeAt(node, 0)];
  if (!data) return [{ type }];
  const spatial = data.slice(2);
  const kernel = node.ints('kernel_shape') ?? numbersOf(weight?.slice(2));
  const window = kernel && windowOf(node, kernel, spatial);
  const sizes = spatial.map((size, i) => window && slidSize(size, i, window));
  return [{ type, shape: filledShape(node, [data[0], weight?.[0], ...sizes]) }];
};

/** (size − 1)·stride + reach − pads + output_padding, unless `output_shape` says it. */
const convTranspose: Rule = (node) => {
  const [data, weight, type] = [shapeAt(node, 0), shapeAt(node, 1), typeAt(node, 0)];
  if (!data) return [{ type }];
  const spatial = data.slice(2);
  const kernel = node.ints('kernel_shape') ?? numbersOf(weight?.slice(2));
  const isPlain = (node.string('auto_pad') ?? 'NOTSET') === 'NOTSET';
  const window = kernel && isPlain ? windowOf(node, kernel, spatial) : undefined;
  const added = node.ints('output_padding') ?? [];
  const sizes = spatial.map((size, i) => {
    const given = node.ints('output_shape')?.[i];
    if (given !== undefined || !window?.pads) return given;
    const { strides, dilations, pads } = window;
    const reach = ((window.kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    const padding = (pads[i] ?? 0) + (pads[i + spatial.length] ?? 0);
    const span = multiplyDims(subtractDims(size, 1), strides[i] ?? 1);
    return addDims(span, reach - padding + (added[i] ?? 0));
  });
  const channels = weight?.[1] && multiplyDims(weight[1], node.int('group') ?? 1);
  return [{ type, shape: filledShape(node, [data[0], channels, ...sizes]) }];
};

const pool: Rule = (node) => {
  const [data, type] = [shapeAt(node, 0), typeAt(node, 0)];
  if (!data) return [{ type }];
  const spatial = data.slice(2);
  const kernel = node.ints('kernel_shape');
  const window = kernel && !node.int('ceil_mode') ? windowOf(node, kernel, spatial) : undefined;
  const sizes = spatial.map((size, i) => window && slidSize(size, i, window));
  const shape = (output: number) => filledShape(node, [data[0], data[1], ...sizes], output);
  return [
    { type, shape: shape(0) },
    { type: 'int64', shape: shape(1) },
  ];
};

const globalPool: Rule = (node) => [
  { type: typeAt(node, 0), shape: shapeAt(node, 0)?.map((dim, i) => (i < 2 ? dim : 1)) },
];

export const convolutionShapes: RuleTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  AveragePool: pool,
  MaxPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
};
