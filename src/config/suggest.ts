/**
 * The candidate that a misspelt key probably means; a key is also recognised by its last part. `written`
 * is how candidates are written where the mistake was made.
 */
export function suggest(
  wrong: string,
  candidates: Iterable<string>,
  written: (candidate: string) => string = (candidate) => candidate,
): string | undefined {
  if (wrong.length > LONGEST) return undefined;
  let best: string | undefined;
  let least = Math.max(2, Math.floor(wrong.length / 4)) + 1;
  for (const candidate of candidates) {
    const last = candidate.slice(candidate.lastIndexOf('.') + 1);
    const distance = Math.min(
      distanceBelow(least, wrong, written(candidate)),
      distanceBelow(least - 1, wrong, written(last)) + 1,
    );
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** No key is so long, and no slip of the pen makes one so. */
const LONGEST = 100;

/** What differs in length alone by as much is not compared. */
const distanceBelow = (limit: number, a: string, b: string): number =>
  Math.abs(a.length - b.length) < limit ? editDistance(a, b) : limit;

/** Levenshtein's distance: insertions, deletions and replacements of one character. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
