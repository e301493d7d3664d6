/** Rules of [0, 1] of which each has the points of the one before, and further ones. */
export interface NestedRules {
  /** The points in the order in which they are taken: 1, 0, what the first rule needs, what the next adds, …. */
  readonly nodes: readonly number[];
  /** Each rule's weights of these points; 0 for those that it does not have. */
  readonly weights: readonly (readonly number[])[];
  /** The number of points of each rule: after so many it is complete. */
  readonly counts: readonly number[];
}

/** Fewer points may add up by chance. */
const LEAST_POINTS = 17;

/**
 * Clenshaw–Curtis rules of 17, 33, 65, … points, up to `most` ≥ 3 of them (where that is less than 17: one rule of
 * 3, 5 or 9). A rule with n points is exact for polynomials of degree n − 1, and for smooth functions about as
 * good as Gauss's (Trefethen, "Is Gauss quadrature better than Clenshaw–Curtis?", 2008); being nested, it can be
 * refined until it is good enough, and nothing is computed twice.
 */
export function nestedRules(most: number): NestedRules {
  const sizes: number[] = [];
  for (let count = 3; count <= most; count = 2 * count - 1) sizes.push(count);
  const counts = sizes.filter((count, i) => count >= LEAST_POINTS || i === sizes.length - 1);
  const finest = (counts.at(-1) ?? 3) - 1;
  const order = [finest, 0];
  for (const count of counts) {
    const stride = finest / (count - 1);
    for (let j = stride; j < finest; j += stride) if (!order.includes(j)) order.push(j);
  }
  return {
    nodes: order.map((j) => (1 - Math.cos((Math.PI * j) / finest)) / 2),
    weights: counts.map((count) => {
      const stride = finest / (count - 1);
      return order.map((j) => (j % stride === 0 ? weight(j / stride, count - 1) : 0));
    }),
    counts,
  };
}

/** The weight of point j of 0 … n, n even, for an interval of length 1. */
function weight(j: number, n: number): number {
  let sum = 1;
  for (let k = 1; k <= n / 2; k++) {
    const factor = k === n / 2 ? 1 : 2;
    sum -= (factor * Math.cos((2 * Math.PI * k * j) / n)) / (4 * k * k - 1);
  }
  return ((j === 0 || j === n ? 1 : 2) * sum) / (2 * n);
}
