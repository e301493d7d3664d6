/** How well probabilities put positives before negatives, whatever the threshold. */
export interface RankingMetrics {
  /** Area under the ROC curve, ties counted half; null where only one class occurs. */
  readonly roc_auc: number | null;
  /** Σ (recall step × precision) over the distinct scores; null without a positive. */
  readonly average_precision: number | null;
}

export function rankingMetrics(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): RankingMetrics {
  const groups = scoreGroups(labels, probabilities);
  const positives = groups.reduce((sum, group) => sum + group.positives, 0);
  const negatives = labels.length - positives;
  let above = 0;
  let seen = 0;
  let area = 0;
  let precision = 0;
  for (const group of groups) {
    area += group.negatives * (above + group.positives / 2);
    above += group.positives;
    seen += group.positives + group.negatives;
    precision += group.positives * (above / seen);
  }
  return {
    roc_auc: positives > 0 && negatives > 0 ? area / (positives * negatives) : null,
    average_precision: positives > 0 ? precision / positives : null,
  };
}

interface ScoreGroup {
  readonly score: number;
  positives: number;
  negatives: number;
}

/** Equal scores together, the highest first. */
function scoreGroups(labels: ArrayLike<number>, probabilities: ArrayLike<number>): ScoreGroup[] {
  const order = Array.from(probabilities, (score, i) => ({ score, positive: labels[i] === 1 }));
  order.sort((a, b) => b.score - a.score);
  const groups: ScoreGroup[] = [];
  for (const { score, positive } of order) {
    let group = groups.at(-1);
    if (group?.score !== score) {
      group = { score, positives: 0, negatives: 0 };
      groups.push(group);
    }
    if (positive) group.positives++;
    else group.negatives++;
  }
  return groups;
}
