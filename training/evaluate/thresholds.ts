import { confusionOf, decisionMetrics } from './confusion.ts';

const DEFAULT_THRESHOLD = 0.5;
interface Candidate {
  readonly threshold: number;
  readonly macroF1: number;
}

/**
 * The threshold with the best macro-F1, half way between two neighbouring scores; 0.5 where the gain
 * over it is less than one standard error of a share measured on so many texts, which is at most
 * 0.5/√n: on a small split the best threshold is mostly luck.
 */
export function tuneThreshold(labels: ArrayLike<number>, probabilities: ArrayLike<number>): number {
  const candidates = candidatesOf(labels, probabilities);
  if (candidates.length === 0) return DEFAULT_THRESHOLD;
  const { macro_f1: present } = decisionMetrics(
    confusionOf(labels, probabilities, DEFAULT_THRESHOLD),
  );
  const best = candidates.reduce((a, b) => (isBetter(b, a) ? b : a));
  const standardError = 0.5 / Math.sqrt(labels.length);
  return best.macroF1 - present >= standardError ? best.threshold : DEFAULT_THRESHOLD;
}

/** Every threshold that decides differently, by falling score: one pass over the sorted scores. */
function candidatesOf(labels: ArrayLike<number>, probabilities: ArrayLike<number>): Candidate[] {
  const scored = Array.from(probabilities, (score, i) => ({ score, positive: labels[i] === 1 }));
  scored.sort((a, b) => b.score - a.score);
  let fn = scored.filter(({ positive }) => positive).length;
  let tn = scored.length - fn;
  let tp = 0;
  let fp = 0;
  const candidates: Candidate[] = [];
  for (const [i, { score, positive }] of scored.entries()) {
    if (positive) [tp, fn] = [tp + 1, fn - 1];
    else [fp, tn] = [fp + 1, tn - 1];
    const next = scored[i + 1]?.score;
    if (next === undefined || next === score) continue;
    const { macro_f1: macroF1 } = decisionMetrics([
      [tn, fp],
      [fn, tp],
    ]);
    candidates.push({ threshold: (score + next) / 2, macroF1 });
  }
  return candidates;
}

/** Among equals the one nearer to 0.5. */
function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.macroF1 !== b.macroF1) return a.macroF1 > b.macroF1;
  return Math.abs(a.threshold - DEFAULT_THRESHOLD) < Math.abs(b.threshold - DEFAULT_THRESHOLD);
}
