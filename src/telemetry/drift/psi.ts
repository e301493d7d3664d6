/** What an empty bin counts as, so that the logarithm stays finite. */
const EMPTY_BIN = 0.0001;

/** The bin of a value: bin i takes values up to and including edge i, the last one all above. */
export function binOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > (edges[middle] ?? Number.POSITIVE_INFINITY)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The population stability index, Σ (actual − expected) · ln(actual / expected) over bins.
 * From 0.1 on a shift is moderate, from 0.25 on it is major.
 */
export function psi(expected: readonly number[], actual: readonly number[]): number {
  return expected.reduce((sum, share, bin) => {
    const before = Math.max(share, EMPTY_BIN);
    const now = Math.max(actual[bin] ?? 0, EMPTY_BIN);
    return sum + (now - before) * Math.log(now / before);
  }, 0);
}
