import { SPECIAL_TOKENS_PER_WINDOW } from '../../text/index.ts';

/** Of a text that was scored, what tells whether texts have changed. */
export interface ObservedText {
  /** Of each axis's first label, in the axes' order. */
  readonly probabilities: readonly number[];
  /** Ids fed to the model, special tokens included. */
  readonly tokens: number;
  readonly windows: number;
  /** Of the tokens, those that stand for what the vocabulary lacks. */
  readonly unknownTokens: number;
}

/** Features beside the axes. */
export const textFeatures = ['text_length', 'unknown_rate'] as const;

/** The value of every feature, by name. */
export function featuresOf(
  axes: readonly { readonly name: string }[],
  { probabilities, tokens, windows, unknownTokens }: ObservedText,
): Record<string, number> {
  const length = tokens - windows * SPECIAL_TOKENS_PER_WINDOW;
  return {
    ...Object.fromEntries(axes.map(({ name }, i) => [name, probabilities[i] ?? Number.NaN])),
    text_length: length,
    unknown_rate: length > 0 ? unknownTokens / length : 0,
  };
}
