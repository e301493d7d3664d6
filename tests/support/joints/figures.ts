/** Figures by their definitions, of a column of probabilities of the positive label and one of labels, 1 or 0. */
type Column = ArrayLike<number>;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const terms = (truth: Column, p: Column, term: (y: number, p: number) => number): number[] =>
  Array.from(truth, (y, i) => term(y, p[i] as number));

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Mean negative log-likelihood in nats; a positive row counts `weight` times. */
export const logLoss = (truth: Column, p: Column, weight = 1): number =>
  mean(terms(truth, p, (y, q) => -(weight * y * Math.log(q) + (1 - y) * Math.log(1 - q))));

export const brier = (truth: Column, p: Column): number =>
  mean(terms(truth, p, (y, q) => (y - q) ** 2));

export const accuracy = (truth: Column, p: Column, threshold: number): number =>
  mean(terms(truth, p, (y, q) => ((q >= threshold ? 1 : 0) === y ? 1 : 0)));

/** The mean of both labels' F1, 0 where a label neither occurs nor is answered. */
export function macroF1(truth: Column, p: Column, threshold: number): number {
  const f1 = (label: number): number => {
    const hits = terms(truth, p, (y, q) =>
      y === label && (q >= threshold ? 1 : 0) === label ? 2 : 0,
    );
    const all = terms(
      truth,
      p,
      (y, q) => Number(y === label) + Number((q >= threshold ? 1 : 0) === label),
    );
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    return sum(all) === 0 ? 0 : sum(hits) / sum(all);
  };
  return (f1(0) + f1(1)) / 2;
}

/** Expected calibration error over 15 bins of equal width. */
export function calibrationError(truth: Column, p: Column): number {
  const bins = Array.from({ length: 15 }, (): number[] => []);
  for (const [i, y] of Array.from(truth).entries()) {
    const q = p[i] as number;
    (bins[Math.max(0, Math.ceil(q * 15) - 1)] as number[]).push(y - q);
  }
  const gaps = bins.map((gap) => Math.abs(gap.reduce((sum, one) => sum + one, 0)));
  return gaps.reduce((sum, gap) => sum + gap, 0) / truth.length;
}

/** The best macro-F1 that any threshold gives. */
export function bestMacroF1(truth: Column, p: Column): number {
  const sorted = Array.from(p).sort((a, b) => a - b);
  const between = sorted.slice(1).map((value, i) => (value + (sorted[i] as number)) / 2);
  return Math.max(...between.map((threshold) => macroF1(truth, p, threshold)));
}

/**
 * The temperature of least log loss by trying many, with Platt's targets in place of 0 and 1. `answers` gives the
 * probabilities at a temperature. 1 where the labels themselves have no smaller log loss with it.
 */
export function bestTemperature(truth: Column, answers: (temperature: number) => Column): number {
  const positive = Array.from(truth).filter((y) => y === 1).length;
  const targets = Array.from(truth, (y) =>
    y === 1 ? (positive + 1) / (positive + 2) : 1 / (truth.length - positive + 2),
  );
  const tried = Array.from({ length: 601 }, (_, i) => 0.25 * 64 ** (i / 600));
  const losses = tried.map((temperature) => logLoss(targets, answers(temperature)));
  const best = tried[losses.indexOf(Math.min(...losses))] as number;
  return logLoss(truth, answers(best)) < logLoss(truth, answers(1)) ? best : 1;
}
