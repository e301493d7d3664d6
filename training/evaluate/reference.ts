import type { Distribution, Reference } from '../../src/bundle/index.ts';
import { binOf, featuresOf, type ObservedText } from '../../src/telemetry/index.ts';

const MOST_BINS = 10;

/** Fewer texts in a bin say too little: by chance alone PSI is about bins / texts. */
const TEXTS_PER_BIN = 20;

/**
 * How the features of texts are spread, for a server to measure drift against. Bins hold about as
 * many texts each; where many texts have the same value there are fewer of them.
 */
export function referenceOf(
  axes: readonly { readonly name: string }[],
  texts: readonly ObservedText[],
): Reference {
  const rows = texts.map((text) => featuresOf(axes, text));
  const bins = Math.min(MOST_BINS, Math.max(2, Math.floor(rows.length / TEXTS_PER_BIN)));
  const features = Object.keys(rows[0] ?? {}).map((name): [string, Distribution] => [
    name,
    distribution(
      rows.map((row) => row[name] ?? Number.NaN),
      bins,
    ),
  ]);
  return { texts: texts.length, features: Object.fromEntries(features) };
}

/** The distribution of values over bins between their quantiles. */
function distribution(values: readonly number[], bins: number): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const quantiles = Array.from(
    { length: bins - 1 },
    (_, i) => sorted[Math.ceil((sorted.length * (i + 1)) / bins) - 1] ?? Number.NaN,
  );
  const edges = [...new Set(quantiles)];
  const counts = Array<number>(edges.length + 1).fill(0);
  for (const value of values) {
    const bin = binOf(edges, value);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { edges, shares: counts.map((count) => count / values.length) };
}
