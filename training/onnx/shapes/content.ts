import { type Dim, divideDims, type Shape, sameDim, subtractDims, UNBOUNDED } from '../dim.ts';
import type { Value } from '../graph.ts';
import { type DataType, elementCount, numbersOf, type Tensor } from '../tensor.ts';

/**
 * Elements of a small integer (or bool) tensor of rank 0 or 1; undefined where one is not known.
 */
export type Content = readonly (Dim | undefined)[];

export const maximumLength = 64;

const holdsContent = (type: DataType | undefined): boolean =>
  type === 'int64' || type === 'int32' || type === 'bool';

/** The elements of a constant, where it is a small integer tensor. */
export function tensorContent(tensor: Tensor): Content | undefined {
  if (!holdsContent(tensor.type) || tensor.dims.length > 1) return undefined;
  return elementCount(tensor.dims) <= maximumLength ? numbersOf(tensor) : undefined;
}

/**
 * What is known of a value's elements; as many unknown ones as it has where only its length is
 * known.
 */
export function contentOf(value: Value): Content | undefined {
  if (value.initializer !== undefined) return tensorContent(value.initializer);
  if (value.content !== undefined) return value.content;
  const length = holdsContent(value.type) ? contentLength(value.shape) : undefined;
  return length === undefined ? undefined : Array.from({ length }, () => undefined);
}

/** Number of elements of a shape that content is kept for. */
export function contentLength(shape: Shape | undefined): number | undefined {
  if (shape === undefined || shape.length > 1) return undefined;
  const length = shape[0] ?? 1;
  return typeof length === 'number' && length <= maximumLength ? length : undefined;
}

/**
 * Least value of a dimension: symbols of the graph's inputs stand for 1 or more, symbols of unknown
 * dimensions for 0 or more. Undefined where there is no bound.
 */
function leastValue(dim: Dim): number | undefined {
  if (typeof dim === 'number') return dim;
  let least = 0;
  for (const { coefficient, symbols } of dim.terms) {
    if (symbols.length > 0 && coefficient < 0) return undefined;
    if (symbols.some((symbol) => symbol.startsWith(UNBOUNDED))) return undefined;
    if (symbols.some((symbol) => symbol.startsWith('?'))) continue;
    least += coefficient;
  }
  return least;
}

/** Whether a ≥ b for every value of the symbols. */
export const isAtLeast = (a: Dim, b: Dim): boolean =>
  (leastValue(subtractDims(a, b)) ?? Number.NEGATIVE_INFINITY) >= 0;

const less = (a: Dim, b: Dim): Dim | undefined => {
  if (isAtLeast(a, b)) return 0;
  return isAtLeast(subtractDims(b, 1), a) ? 1 : undefined;
};

const negated = (answer: Dim | undefined): Dim | undefined =>
  answer === undefined ? undefined : answer === 0 ? 1 : 0;

/** Comparisons of elements: 1, 0, or undefined where it depends on the symbols. */
export const comparisons = {
  Less: less,
  Greater: (a: Dim, b: Dim): Dim | undefined => less(b, a),
  LessOrEqual: (a: Dim, b: Dim): Dim | undefined => negated(less(b, a)),
  GreaterOrEqual: (a: Dim, b: Dim): Dim | undefined => negated(less(a, b)),
  Equal: (a: Dim, b: Dim): Dim | undefined => {
    if (sameDim(a, b)) return 1;
    return less(a, b) === 1 || less(b, a) === 1 ? 0 : undefined;
  },
} as const;

/** Integer division as ONNX does it: toward zero. */
export function divideElements(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === 'number' && typeof b === 'number')
    return b === 0 ? undefined : Math.trunc(a / b);
  return b === 0 ? undefined : divideDims(a, b);
}

/** Applies an operation element by element, with broadcasting of single elements. */
export function mapContents(
  contents: readonly (Content | undefined)[],
  operation: (...elements: Dim[]) => Dim | undefined,
): Content | undefined {
  // Sums of so many numbers are no shapes; and a node may lack an operand.
  if (contents.length > maximumLength || contents.length < operation.length) return undefined;
  if (!contents.every((content) => content !== undefined)) return undefined;
  const length = contents.some((c) => c.length === 0)
    ? 0
    : Math.max(...contents.map((c) => c.length));
  return Array.from({ length }, (_, i) => {
    const elements = contents.map((content) => content[content.length === 1 ? 0 : i]);
    return elements.every((element) => element !== undefined) ? operation(...elements) : undefined;
  });
}

/** Content worth keeping: it is short, and at least one element is known, or there are none. */
export function worthKeeping(content: Content | undefined): Content | undefined {
  if (content === undefined || content.length > maximumLength) return undefined;
  const integers = content.map((dim) =>
    typeof dim === 'number' && !Number.isInteger(dim) ? undefined : dim,
  );
  return integers.length === 0 || integers.some((dim) => dim !== undefined) ? integers : undefined;
}
