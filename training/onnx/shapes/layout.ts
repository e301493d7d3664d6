import { type Dim, divideDims, multiplyDims, productOf, type Shape, sumDims } from '../dim.ts';
import type { Node } from '../graph.ts';
import { broadcastDim } from './broadcast.ts';
import { type Content, contentLength, maximumLength } from './content.ts';
import {
  attributeOrInput,
  contentAt,
  filledShape,
  type Inferred,
  invalid,
  normaliseAxis,
  numbersAt,
  opaqueShape,
  type Rule,
  type RuleTable,
  requireRank,
  shapeAt,
  typeAt,
} from './rule.ts';

/** The shape where only the length of the input that computes it is known. */
function shapeOfRank(node: Node, input: number): Shape | undefined {
  const rank = shapeAt(node, input)?.[0];
  return typeof rank === 'number' ? opaqueShape(node, 0, rank) : undefined;
}

/** Elements of a tensor of rank 0 or 1 that only changes its shape. */
const unchangedContent = (node: Node, shape: Shape | undefined): Content | undefined =>
  contentLength(shape) === undefined ? undefined : contentAt(node, 0);

/** Reshape's dimensions; undefined for those that the target leaves open. */
function reshaped(node: Node, data: Shape | undefined, target: Content): (Dim | undefined)[] {
  const allowZero = node.int('allowzero') === 1;
  const dims = target.map((dim, axis) => {
    if (dim === -1) return undefined;
    return dim === 0 && !allowZero ? data?.[axis] : dim;
  });
  const open = dims.flatMap((dim, axis) => (dim === undefined ? [axis] : []));
  const [axis, ...more] = open;
  if (data === undefined || more.length > 0) return dims;
  const total = productOf(data);
  const rest = productOf(dims.filter((dim) => dim !== undefined));
  const bothNumbers = typeof total === 'number' && typeof rest === 'number';
  if (axis === undefined) {
    if (bothNumbers && total !== rest) throw countsDiffer(node, data, target);
    return dims;
  }
  const quotient = rest === 0 ? undefined : divideDims(total, rest);
  if (quotient === undefined && bothNumbers && rest !== 0) throw countsDiffer(node, data, target);
  dims[axis] = quotient;
  return dims;
}

const countsDiffer = (node: Node, data: Shape, target: Content) =>
  invalid(node, `a tensor of shape [${data.join(', ')}] cannot become [${target.join(', ')}]`);

const reshape: Rule = (node) => {
  const target = contentAt(node, 1);
  const shape = target
    ? filledShape(node, reshaped(node, shapeAt(node, 0), target))
    : shapeOfRank(node, 1);
  return [{ type: typeAt(node, 0), shape, content: unchangedContent(node, shape) }];
};

const flatten: Rule = (node) => {
  const data = shapeAt(node, 0);
  if (data === undefined) return [{ type: typeAt(node, 0), shape: opaqueShape(node, 0, 2) }];
  const at = node.int('axis') ?? 1;
  const axis = at < 0 ? at + data.length : at;
  const shape = [productOf(data.slice(0, axis)), productOf(data.slice(axis))];
  return [{ type: typeAt(node, 0), shape }];
};

const transpose: Rule = (node) => {
  const data = shapeAt(node, 0);
  const perm = node.ints('perm') ?? data?.map((_, i) => data.length - 1 - i);
  if (data && perm && [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
    throw invalid(node, `perm [${perm}] is no permutation of the axes`);
  }
  if (data && perm && perm.length !== data.length) {
    throw invalid(node, `perm [${perm}] does not fit a tensor of rank ${data.length}`);
  }
  const shape =
    perm && (data ? perm.map((axis) => data[axis] ?? 1) : opaqueShape(node, 0, perm.length));
  return [{ type: typeAt(node, 0), shape }];
};

const squeeze: Rule = (node) => {
  const shape = squeezed(node);
  return [{ type: typeAt(node, 0), shape, content: unchangedContent(node, shape) }];
};

function squeezed(node: Node): Shape | undefined {
  const data = shapeAt(node, 0);
  const axes = attributeOrInput(node, 'axes', 1);
  if (data === undefined || axes === undefined) return undefined;
  if (axes === 'absent') {
    // A symbol may stand for 1, and then its axis goes too.
    return data.every((dim) => typeof dim === 'number')
      ? data.filter((dim) => dim !== 1)
      : undefined;
  }
  const gone = axes.map((axis) => normaliseAxis(node, axis, data.length));
  const wrong = gone.find((axis) => typeof data[axis] === 'number' && data[axis] !== 1);
  if (wrong !== undefined) throw invalid(node, `axis ${wrong} is ${data[wrong]} long, not 1`);
  return data.filter((_, axis) => !gone.includes(axis));
}

const unsqueeze: Rule = (node) => {
  const data = shapeAt(node, 0);
  const axes = attributeOrInput(node, 'axes', 1);
  if (data === undefined || axes === undefined || axes === 'absent')
    return [{ type: typeAt(node, 0) }];
  const rank = data.length + axes.length;
  requireRank(node, rank);
  const added = axes.map((axis) => normaliseAxis(node, axis, rank));
  const rest = [...data];
  const shape = Array.from({ length: rank }, (_, i) =>
    added.includes(i) ? 1 : (rest.shift() ?? 1),
  );
  return [{ type: typeAt(node, 0), shape, content: unchangedContent(node, shape) }];
};

const expand: Rule = (node) => {
  const data = shapeAt(node, 0);
  const target = contentAt(node, 1);
  if (data === undefined) return [{ type: typeAt(node, 0) }];
  if (target === undefined) {
    const length = shapeAt(node, 1)?.[0];
    const known = typeof length === 'number' ? Math.max(length, data.length) : undefined;
    return [
      {
        type: typeAt(node, 0),
        shape: known === undefined ? undefined : opaqueShape(node, 0, known),
      },
    ];
  }
  const rank = Math.max(data.length, target.length);
  const dims = Array.from({ length: rank }, (_, axis) => {
    const from = axis - rank + data.length < 0 ? 1 : data[axis - rank + data.length];
    const to = axis - rank + target.length < 0 ? 1 : target[axis - rank + target.length];
    if (from === undefined || to === undefined)
      return typeof from === 'number' && from > 1 ? from : undefined;
    const dim = broadcastDim(from, to);
    if (dim === 'never')
      throw invalid(
        node,
        `a tensor of shape [${data.join(', ')}] does not expand to [${target.join(', ')}]`,
      );
    return dim;
  });
  const shape = filledShape(node, dims);
  const [element] = contentAt(node, 0)?.length === 1 ? (contentAt(node, 0) ?? []) : [];
  const length = contentLength(shape);
  const content = length === undefined ? undefined : Array.from({ length }, () => element);
  return [{ type: typeAt(node, 0), shape, content }];
};

const tile: Rule = (node) => {
  const data = shapeAt(node, 0);
  const repeats = contentAt(node, 1);
  if (data === undefined) return [{ type: typeAt(node, 0) }];
  const dims = data.map((dim, axis) => {
    const repeat = repeats?.[axis];
    return repeat === undefined ? undefined : multiplyDims(dim, repeat);
  });
  return [{ type: typeAt(node, 0), shape: filledShape(node, dims) }];
};

const concat: Rule = (node) => {
  const shapes = node.inputs.map((_, i) => shapeAt(node, i));
  const rank = shapes.find((shape) => shape !== undefined)?.length;
  const type = typeAt(node, 0);
  if (rank === undefined) return [{ type }];
  const other = shapes.find((shape) => shape !== undefined && shape.length !== rank);
  if (other) throw invalid(node, `its inputs have ${rank} and ${other.length} axes`);
  const axis = normaliseAxis(node, node.int('axis') ?? 0, rank);
  const dims = Array.from({ length: rank }, (_, i) => {
    const known = shapes.map((shape) => shape?.[i]);
    return i === axis ? sumOf(known) : agreed(node, i, known);
  });
  const content = rank === 1 ? joined(node) : undefined;
  return [{ type, shape: filledShape(node, dims), content }];
};

/** The parts' elements one behind the other; undefined where they are too many to be a shape. */
function joined(node: Node): Content | undefined {
  const all: Content[number][] = [];
  for (let i = 0; i < node.inputs.length; i++) {
    const part = contentAt(node, i);
    if (part === undefined || all.length + part.length > maximumLength) return undefined;
    all.push(...part);
  }
  return all;
}

export const sumOf = (dims: readonly (Dim | undefined)[]): Dim | undefined =>
  dims.every((dim) => dim !== undefined) ? sumDims(dims) : undefined;

/** The dimension that all parts have in common: a number if one of them knows it. */
function agreed(node: Node, axis: number, dims: readonly (Dim | undefined)[]): Dim | undefined {
  const known = dims.filter((dim) => dim !== undefined);
  const numbers = known.filter((dim) => typeof dim === 'number');
  if (numbers.some((number) => number !== numbers[0])) {
    throw invalid(node, `its inputs are ${numbers.join(' and ')} long on axis ${axis}`);
  }
  return numbers[0] ?? known.find((dim) => !String(dim).startsWith('?')) ?? known[0];
}

const split: Rule = (node) => {
  const data = shapeAt(node, 0);
  const type = typeAt(node, 0);
  if (data === undefined) return node.outputs.map(() => ({ type }));
  const axis = normaliseAxis(node, node.int('axis') ?? 0, data.length);
  const sizes = splitSizes(node, data[axis] ?? 1);
  const content = data.length === 1 ? contentAt(node, 0) : undefined;
  let start = 0;
  return node.outputs.map((_, i): Inferred => {
    const size = sizes[i];
    const shape = filledShape(
      node,
      data.map((dim, at) => (at === axis ? size : dim)),
      i,
    );
    const from = start;
    start += typeof size === 'number' ? size : Number.NaN;
    return { type, shape, content: Number.isNaN(start) ? undefined : content?.slice(from, start) };
  });
};

/** Sizes of the pieces: given, or equal ones, the last smaller where they do not fit. */
function splitSizes(node: Node, dim: Dim): readonly (Dim | undefined)[] {
  const given = node.ints('split') ?? contentAt(node, 1);
  const count = node.outputs.length;
  if (given !== undefined) {
    const sum = sumOf(given);
    if (typeof sum === 'number' && typeof dim === 'number' && sum !== dim) {
      throw invalid(
        node,
        `pieces of [${given.join(', ')}] do not make up the axis, which is ${dim} long`,
      );
    }
    return given;
  }
  if (node.inputs[1] !== undefined) return [];
  if (typeof dim !== 'number') {
    const equal = divideDims(dim, count);
    return Array.from({ length: count }, () => equal);
  }
  const size = Math.ceil(dim / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, dim - i * size)));
}

const pad: Rule = (node) => {
  const data = shapeAt(node, 0);
  const type = typeAt(node, 0);
  if (data === undefined) return [{ type }];
  const pads = node.ints('pads') ?? contentAt(node, 1);
  const axes = node.inputs[3] === undefined ? data.map((_, i) => i) : numbersAt(node, 3);
  if (pads === undefined || axes === undefined)
    return [{ type, shape: opaqueShape(node, 0, data.length) }];
  const dims: (Dim | undefined)[] = [...data];
  axes.forEach((at, i) => {
    const axis = normaliseAxis(node, at, data.length);
    dims[axis] = sumOf([data[axis], pads[i], pads[i + axes.length]]);
  });
  return [{ type, shape: filledShape(node, dims) }];
};

export const layoutRules: RuleTable = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Tile: tile,
  Concat: concat,
  Split: split,
  Pad: pad,
};
