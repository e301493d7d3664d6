import type { Reference } from '../../bundle/index.ts';
import { DriftWindow } from './drift-window.ts';
import { type ObservedText, textFeatures } from './features.ts';

type Axes = readonly { readonly name: string }[];

/** Every feature of a model at 0. */
export function noDrift(axes: Axes): Record<string, number> {
  return Object.fromEntries(
    [...axes.map(({ name }) => name), ...textFeatures].map((one) => [one, 0]),
  );
}

/** How far the texts of one model have drifted; not at all where its bundle has no reference. */
export class ModelDrift {
  readonly #axes: Axes;
  readonly #window: DriftWindow | undefined;

  constructor(reference: Reference | undefined, axes: Axes, windowSize: number) {
    this.#axes = axes;
    this.#window = reference && new DriftWindow(reference, axes, windowSize);
  }

  /** Texts that it is computed from. */
  get size(): number {
    return this.#window?.size ?? 0;
  }

  observe(text: ObservedText): void {
    this.#window?.observe(text);
  }

  /** The population stability index of every feature. */
  psi(): Record<string, number> {
    return { ...noDrift(this.#axes), ...this.#window?.psi() };
  }
}
