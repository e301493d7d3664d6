/** [[true negatives, false positives], [false negatives, true positives]]. */
export type Confusion = readonly [readonly [number, number], readonly [number, number]];

/** What follows from a confusion matrix; an undefined ratio is 0, as in scikit-learn. */
export interface DecisionMetrics {
  readonly accuracy: number;
  /** Mean of the recalls of the classes that occur in the labels. */
  readonly balanced_accuracy: number;
  /** Of the positive label, as recall and f1. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Mean over both classes, also where one does not occur, as macro_recall and macro_f1. */
  readonly macro_precision: number;
  readonly macro_recall: number;
  readonly macro_f1: number;
  /** Matthews' correlation coefficient. */
  readonly mcc: number;
  readonly confusion: Confusion;
}

/** Counts decisions; positive where probability ≥ threshold. */
export function confusionOf(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  threshold: number,
): Confusion {
  const counts: [[number, number], [number, number]] = [
    [0, 0],
    [0, 0],
  ];
  for (let i = 0; i < labels.length; i++) {
    const truth = labels[i] === 1 ? 1 : 0;
    const decision = (probabilities[i] ?? Number.NaN) >= threshold ? 1 : 0;
    counts[truth][decision]++;
  }
  return counts;
}

export function decisionMetrics(confusion: Confusion): DecisionMetrics {
  const [[tn, fp], [fn, tp]] = confusion;
  const positive = classScores(tp, fp, fn);
  const negative = classScores(tn, fn, fp);
  const recalls = [
    ...(tp + fn > 0 ? [positive.recall] : []),
    ...(tn + fp > 0 ? [negative.recall] : []),
  ];
  return {
    accuracy: ratio(tp + tn, tp + tn + fp + fn),
    balanced_accuracy: ratio(
      recalls.reduce((sum, recall) => sum + recall, 0),
      recalls.length,
    ),
    ...positive,
    macro_precision: (positive.precision + negative.precision) / 2,
    macro_recall: (positive.recall + negative.recall) / 2,
    macro_f1: (positive.f1 + negative.f1) / 2,
    mcc: ratio(tp * tn - fp * fn, Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
    confusion,
  };
}

/** Of one class: its hits, its false alarms and its misses. */
function classScores(hits: number, alarms: number, misses: number) {
  return {
    precision: ratio(hits, hits + alarms),
    recall: ratio(hits, hits + misses),
    f1: ratio(2 * hits, 2 * hits + alarms + misses),
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
