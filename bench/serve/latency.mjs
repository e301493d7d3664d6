import { summary } from '../train/statistics.mjs';
import { arrivals, percentile } from './load.mjs';
import { endless } from './texts.mjs';

/** Shares of the throughput at saturation. */
const loads = [0.5, 0.8, 1.2];

/** What a text waits for at loads below and above what the server can do, for each kind of texts. Milliseconds. */
export async function latencyTable(server, rates, texts, { seconds, note }) {
  const rows = [];
  for (const [kind, table] of Object.entries(rates)) {
    const full = summary(table.ours).median;
    const nextText = endless(texts[kind]);
    for (const load of loads) {
      const { latencies, refused } = await arrivals(server, nextText, {
        seconds,
        rate: load * full,
      });
      const [p50, p99] = [0.5, 0.99].map((share) => percentile(latencies, share));
      rows.push({ kind, load, texts: latencies.length, refused, p50, p99 });
      note(`${kind} at ${load * 100} %: ${latencies.length} texts, p50 ${p50?.toFixed(0)} ms`);
    }
  }
  return rows;
}
