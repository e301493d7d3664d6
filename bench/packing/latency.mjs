import { generator } from '../serve/texts.mjs';
import { summary } from '../train/statistics.mjs';

const LOADS = [0.1, 0.5, 0.8, 0.95];
const TEXTS = 120;

/**
 * What a caller waits at one engine, in ms from a text's arrival to its answer: runs are real and take the
 * processor time that they took; arrivals (Poisson, seeded) and waiting are counted on a clock of their own. Whoever waits when the
 * engine is free is taken together, `most` texts at a time. Both ways get the same arrivals, in turns; `alone` texts
 * per second make the load.
 */
export async function latencies(ways, texts, { perText, rounds }) {
  const rows = [];
  for (const load of LOADS) {
    const waits = Object.fromEntries(Object.keys(ways).map((name) => [name, { p50: [], p99: [] }]));
    for (let round = 0; round < rounds; round++) {
      const arrivals = arrivalsOf(perText / load, round + 1);
      for (const [name, { run, most }] of Object.entries(ways)) {
        const all = await served(run, most, arrivals, rotated(texts, round * TEXTS));
        waits[name].p50.push(all[Math.floor(all.length / 2)]);
        waits[name].p99.push(all.at(-2));
      }
    }
    for (const [name, { p50, p99 }] of Object.entries(waits)) {
      rows.push({ load, name, p50: summary(p50), p99: summary(p99) });
    }
  }
  return rows;
}

const rotated = (list, by) => [...list.slice(by % list.length), ...list.slice(0, by % list.length)];

function arrivalsOf(mean, seed) {
  const random = generator(seed);
  let at = 0;
  return Array.from({ length: TEXTS }, () => {
    at -= Math.log(1 - random()) * mean;
    return at;
  });
}

async function served(run, most, arrivals, texts) {
  const waits = [];
  let clock = 0;
  for (let next = 0; next < arrivals.length; ) {
    clock = Math.max(clock, arrivals[next]);
    let end = next + 1;
    while (end < arrivals.length && end - next < most && arrivals[end] <= clock) end++;
    const group = Array.from({ length: end - next }, (_, i) => texts[(next + i) % texts.length]);
    const begun = process.cpuUsage();
    await run(group);
    const { user, system } = process.cpuUsage(begun);
    clock += (user + system) / 1000;
    for (; next < end; next++) waits.push(clock - arrivals[next]);
  }
  return waits.sort((a, b) => a - b);
}
