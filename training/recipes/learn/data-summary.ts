import type { CorpusReport } from '../../data/index.ts';

/** What became of the data, for the terminal: rows, what was left out, splits and class balance. */
export function dataSummary(report: CorpusReport): string {
  const { rows, kept, dropped, splits, masked_type_names: masked } = report;
  const left = [
    [dropped.too_short, 'too short'],
    [dropped.duplicates, 'duplicates'],
    [dropped.conflicting, 'with conflicting labels'],
  ] as const;
  const why = left.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const balance = Object.entries(splits.train.labels).map(([, counts]) =>
    Object.entries(counts)
      .map(([label, count]) => `${label} ${Math.round((100 * count) / splits.train.rows)} %`)
      .join(' · '),
  );
  return [
    `data       ${report.source}: ${kept} of ${rows} rows${why.length > 0 ? `, left out: ${why.join(', ')}` : ''}`,
    ...(masked > 0 ? [`           ${masked} type names masked: naming a type gives it away`] : []),
    `splits     train ${splits.train.rows}, validation ${splits.validation.rows}, test ${splits.test.rows}`,
    `balance    ${balance.join(', ')}`,
  ].join('\n');
}
