import type { Reference } from '../../bundle/index.ts';
import { featuresOf, type ObservedText, textFeatures } from './features.ts';
import { binOf, psi } from './psi.ts';

interface Feature {
  readonly name: string;
  readonly edges: readonly number[];
  readonly shares: readonly number[];
  /** Texts of the window in each bin. */
  readonly counts: number[];
  /** The bin of each text of the window, in a ring. */
  readonly bins: Uint16Array;
}

/** The texts that were scored last, compared with those that the model was made with. */
export class DriftWindow {
  readonly #axes: readonly { readonly name: string }[];
  readonly #capacity: number;
  readonly #features: readonly Feature[];
  #seen = 0;

  /** Watches those of the features that the reference knows. */
  constructor(reference: Reference, axes: readonly { readonly name: string }[], capacity: number) {
    this.#axes = axes;
    this.#capacity = capacity;
    this.#features = [...axes.map(({ name }) => name), ...textFeatures].flatMap((name) => {
      const known = Object.hasOwn(reference.features, name) ? reference.features[name] : undefined;
      if (!known) return [];
      const counts = known.shares.map(() => 0);
      return [{ name, ...known, counts, bins: new Uint16Array(capacity) }];
    });
  }

  /** Texts in the window. */
  get size(): number {
    return Math.min(this.#seen, this.#capacity);
  }

  observe(text: ObservedText): void {
    const values = featuresOf(this.#axes, text);
    const at = this.#seen % this.#capacity;
    for (const { name, edges, counts, bins } of this.#features) {
      if (this.#seen >= this.#capacity) add(counts, bins[at] ?? 0, -1);
      const bin = binOf(edges, values[name] ?? Number.NaN);
      bins[at] = bin;
      add(counts, bin, 1);
    }
    this.#seen += 1;
  }

  /** The population stability index of each feature; 0 where there is no text yet. */
  psi(): Record<string, number> {
    const { size } = this;
    return Object.fromEntries(
      this.#features.map(({ name, shares, counts }) => [
        name,
        size === 0
          ? 0
          : psi(
              shares,
              counts.map((count) => count / size),
            ),
      ]),
    );
  }
}

function add(counts: number[], bin: number, amount: number): void {
  counts[bin] = (counts[bin] ?? 0) + amount;
}
