/** `2`, `v1.10`, `20261124`, `1.0.0-rc.1`; what follows `+` does not count. */
const numbered = /^v?(?<core>\d+(?:\.\d+)*)(?:-(?<before>[^+]+))?(?:\+.*)?$/;

/**
 * Orders versions, the highest last: numbers by their value (`9` < `10`, `1.9` < `1.10`, missing parts are
 * 0), a pre-release before its release (`1.0-rc.1` < `1.0`), and names that are no numbers (hashes) before
 * all that are. What is left equal is ordered by its characters.
 * Source of the order: https://semver.org/#spec-item-11, for any count of numbers.
 */
export function compareVersions(a: string, b: string): number {
  const [first, second] = [a, b].map((version) => numbered.exec(version)?.groups);
  if (!first || !second) return (first ? 1 : 0) - (second ? 1 : 0) || byCharacters(a, b);
  return (
    byParts(first.core ?? '', second.core ?? '', '0') ||
    byPreRelease(first.before, second.before) ||
    byCharacters(a, b)
  );
}

/** A release comes after everything that came before it. */
function byPreRelease(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined)
    return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0);
  return byParts(a, b, '');
}

/** Part by part; `missing` stands for parts that only the other one has. */
function byParts(a: string, b: string, missing: string): number {
  const [first, second] = [a.split('.'), b.split('.')];
  for (let i = 0; i < Math.max(first.length, second.length); i += 1) {
    const order = byPart(first[i] ?? missing, second[i] ?? missing);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers by their value, of any length, and before words; no part at all before both. */
function byPart(a: string, b: string): number {
  const [first, second] = [a, b].map((part) => (/^\d+$/.test(part) ? BigInt(part) : undefined));
  if (first !== undefined && second !== undefined)
    return first < second ? -1 : Number(first > second);
  if (a === '' || b === '') return byCharacters(a, b);
  return Number(first === undefined) - Number(second === undefined) || byCharacters(a, b);
}

function byCharacters(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
