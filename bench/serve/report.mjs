import { spread, summary } from '../train/statistics.mjs';
import { lengths } from './texts.mjs';

/** Every ratio by its key: which texts, ours over whom, and the least that is wanted. */
const ratios = {
  serve_over_raw: ['long', 'raw', 0.95],
  serve_over_transformersjs: ['long', 'transformersjs', 2.2],
  serve_over_transformersjs_int8: ['long', 'transformersjs_int8', 1.7],
  serve_over_fastapi: ['long', 'fastapi', 4.5],
  serve_over_before: ['long', 'before', undefined],
  short_over_raw: ['short', 'raw', 0.95],
  short_over_before: ['short', 'before', undefined],
  short_over_transformersjs: ['short', 'transformersjs', undefined],
  short_over_transformersjs_int8: ['short', 'transformersjs_int8', 1.8],
  short_over_fastapi: ['short', 'fastapi', 26],
};
const MOST_LAG_MS = 20;
const MOST_READY_MS = 2000;

/** Round by round, both having met the same machine; undefined where the peer is not there. */
function ratioOf({ rates }, [kind, other]) {
  const { ours, [other]: theirs } = rates[kind];
  return theirs && summary(ours.map((rate, round) => rate / theirs[round]));
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  console.log(`\n${[head, head.map(() => '---'), ...rows].map(line).join('\n')}`);
}

export function printReport(measured) {
  const { servers, rates, lags, latency, memory, readyMs, machine } = measured;
  console.log(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.workers} engines, ` +
      `load of others before ${machine.load_before}: median (minimum – maximum)`,
  );
  const kinds = Object.entries(lengths);
  table(
    ['', ...kinds.map(([, [least, most]]) => `${least}–${most} words, texts/s`), 'memory, MiB'],
    Object.entries(servers).map(([key, { name }]) => [
      name,
      ...kinds.map(([kind]) => spread(summary(rates[kind][key]), 2)),
      memory[key]?.toFixed(0) ?? 'no ps',
    ]),
  );
  const rows = Object.entries(ratios).map(([key, row]) => {
    const ratio = ratioOf(measured, row);
    return [key, ratio ? spread(ratio, 2) : 'no peer', row[2] ? `≥ ${row[2]}` : ''];
  });
  table(
    ['what', 'figure', 'goal'],
    [
      ...rows,
      ['event_loop_p99_ms', spread(summary(lags), 1), `≤ ${MOST_LAG_MS}`],
      ['ready_ms', spread(summary(readyMs), 0), `≤ ${MOST_READY_MS}`],
    ],
  );
  table(
    ['texts', 'load', 'answered', 'refused', 'p50, ms', 'p99, ms'],
    latency.map(({ kind, load, texts, refused, p50, p99 }) => [
      kind,
      `${(load * 100).toFixed(0)} %`,
      texts,
      refused,
      ...[p50, p99].map((ms) => ms?.toFixed(0) ?? '–'),
    ]),
  );
}

/** One object: the keys of the goals by their medians, then all spreads as [minimum, median, maximum]. */
export function resultOf(measured) {
  const { rates, lags, latency, memory, readyMs, machine } = measured;
  const round = (value) => (value === undefined ? null : Number(value.toPrecision(4)));
  const three = (all) => all && [all.min, all.median, all.max].map(round);
  const summaries = {
    ...Object.fromEntries(
      Object.entries(ratios).map(([key, row]) => [key, ratioOf(measured, row)]),
    ),
    event_loop_p99_ms: summary(lags),
    ready_ms: summary(readyMs),
  };
  const each = (object, of) =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key, of(value)]));
  return {
    ...each(summaries, (all) => round(all?.median)),
    spreads: each(summaries, (all) => three(all) ?? null),
    texts_per_second: each(rates, (table) => each(table, (all) => three(summary(all)))),
    latency: latency.map((row) => ({ ...row, p50: round(row.p50), p99: round(row.p99) })),
    memory_mib: each(memory, round),
    machine,
  };
}
