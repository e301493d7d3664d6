/** How right the probabilities themselves are. */
export interface ProbabilityMetrics {
  /** Mean negative log-likelihood in nats; probabilities clipped to [ε, 1−ε]. */
  readonly log_loss: number;
  /** Mean squared difference of probability and label. */
  readonly brier: number;
  /** Expected calibration error: Σ over 15 bins of (count/n)·|mean label − mean probability|. */
  readonly ece: number;
}

const BINS = 15;

export function probabilityMetrics(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): ProbabilityMetrics {
  const count = Math.max(labels.length, 1);
  /** Σ (label − probability) of each bin. */
  const gaps = new Float64Array(BINS);
  let surprise = 0;
  let squares = 0;
  for (let i = 0; i < labels.length; i++) {
    const p = probabilities[i] ?? Number.NaN;
    const y = labels[i] ?? 0;
    const clipped = Math.min(Math.max(p, Number.EPSILON), 1 - Number.EPSILON);
    surprise -= y === 1 ? Math.log(clipped) : Math.log1p(-clipped);
    squares += (y - p) ** 2;
    const bin = Math.max(0, Math.ceil(BINS * p) - 1);
    gaps[bin] = (gaps[bin] ?? 0) + (y - p);
  }
  return {
    log_loss: surprise / count,
    brier: squares / count,
    ece: gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / count,
  };
}
