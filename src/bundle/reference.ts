/** How the values of one feature are spread over bins. */
export interface Distribution {
  /** Ascending; bin i takes values up to and including edge i, the last bin all above. */
  readonly edges: readonly number[];
  /** The part of the values in each bin, one more than edges; they add up to 1. */
  readonly shares: readonly number[];
}

/** What texts looked like when the model was made: what drift is measured against. */
export interface Reference {
  /** Texts that it was taken from. */
  readonly texts: number;
  /** By feature: each axis's name, `text_length`, `unknown_rate`. */
  readonly features: Readonly<Record<string, Distribution>>;
}

/** What is compared with every text that is scored. */
const MOST_FEATURES = 2_000;
const MOST_EDGES = 1_000;

/** Whether a value of unknown origin is a reference. */
export function isReference(value: unknown): value is Reference {
  if (!isObject(value) || !isCount(value.texts) || !isObject(value.features)) return false;
  const features = Object.values(value.features);
  return features.length <= MOST_FEATURES && features.every(isDistribution);
}

function isDistribution(value: unknown): boolean {
  if (!isObject(value) || !isNumbers(value.edges) || !isNumbers(value.shares)) return false;
  const { edges, shares } = value;
  return (
    edges.length <= MOST_EDGES &&
    shares.length === edges.length + 1 &&
    edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? Number.NaN)) &&
    shares.every((share) => share >= 0 && share <= 1)
  );
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isFinite(one));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
