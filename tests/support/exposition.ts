/** The samples of a Prometheus exposition by series (`name{labels}` as written). */
export function samples(exposition: string): Map<string, number> {
  const lines = exposition.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** The sum of all series of a metric whose labels contain every given text. */
export function total(exposition: string, metric: string, ...labels: readonly string[]): number {
  let sum = 0;
  for (const [series, value] of samples(exposition)) {
    const isOfMetric = series === metric || series.startsWith(`${metric}{`);
    if (isOfMetric && labels.every((label) => series.includes(label))) sum += value;
  }
  return sum;
}
