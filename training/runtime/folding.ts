import type { InferenceSession } from './onnxruntime.ts';

/**
 * The most bytes of a constant that the runtime computes when it loads a graph, and keeps: far more than a
 * transposed weight or a mask, and less than a few lines of a file can mean (a concatenation of itself, thirty times).
 */
const MOST_FOLDED = 2 ** 28;

/** For the `extra` of a session's options. */
export const foldingLimit = {
  optimization: { constant_folding_max_output_size_in_bytes: String(MOST_FOLDED) },
} as const;

/** The options of a session that only runs. */
export const settingsOfSession = (threads: number): InferenceSession.SessionOptions => ({
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  extra: foldingLimit,
});
