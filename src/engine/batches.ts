/** Something of so many tokens. */
export interface Tokens {
  readonly length: number;
}

/**
 * What is computed together on a device that gains by it: neighbours in length, as many as the longest of them, times
 * their number, stays within `budget` padded tokens; at least one. Places in `items`, the shortest first.
 */
export function batchesOf(items: readonly Tokens[], budget: number): number[][] {
  const order = items.map((_, i) => i).sort((a, b) => lengthOf(items, a) - lengthOf(items, b));
  const batches: number[][] = [];
  for (const i of order) {
    const last = batches.at(-1);
    // The order is by length: this one is the longest.
    if (last && (last.length + 1) * lengthOf(items, i) <= budget) last.push(i);
    else batches.push([i]);
  }
  return batches;
}

const lengthOf = (items: readonly Tokens[], i: number): number => items[i]?.length ?? 0;
