import { summary } from '../train/statistics.mjs';

/** Each sample scores about as many tokens, so that a short text's is not lost in the clock and the noise. */
const TOKENS_PER_SAMPLE = 256;

const tokensOf = (texts) => texts.reduce((sum, { length }) => sum + length, 0);

/**
 * Milliseconds of processor time a text of one form: as many groups as make a sample, from the `turn`-th on. Not of the
 * clock: the work is one thread's, and what other programs take of the processor is not its own.
 */
async function sample(run, groups, turn) {
  let texts = 0;
  let tokens = 0;
  const begun = process.cpuUsage();
  for (let i = turn; tokens < TOKENS_PER_SAMPLE; i++) {
    const group = groups[i % groups.length];
    await run(group);
    texts += group.length;
    tokens += tokensOf(group);
  }
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / texts;
}

/**
 * Every form in turn on the same groups of texts, round after round, so that a change of the machine's speed meets
 * all of them. The first round warms up. Processor milliseconds a text, by form and round.
 */
export async function takeTurns(forms, groups, rounds) {
  const times = Object.fromEntries(Object.keys(forms).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of Object.entries(forms)) {
      const ms = await sample(run, groups, Math.max(round, 0) * 7);
      if (round >= 0) times[name].push(ms);
    }
  }
  return times;
}

/** How much faster than `alone`: round by round, and by the fastest of all rounds. */
export function gains({ alone, ...others }) {
  const fastest = Math.min(...alone);
  const gain = (times) => ({
    ...summary(times.map((ms, round) => alone[round] / ms)),
    fastest: fastest / Math.min(...times),
  });
  return Object.fromEntries(Object.entries(others).map(([name, times]) => [name, gain(times)]));
}
