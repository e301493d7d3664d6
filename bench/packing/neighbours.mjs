import { groupsOf } from './groups.mjs';

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** The largest and the mean |a − b| over the logits of all texts, and over their probabilities. */
async function differences(run, alone, texts, size) {
  let logit = 0;
  const dp = [];
  for (const [g, group] of groupsOf(texts, size).entries()) {
    for (const [i, logits] of (await run(group)).entries()) {
      const reference = alone[g * size + i];
      const each = logits.map((x, axis) => Math.abs(x - reference[axis]));
      logit = Math.max(logit, ...each);
      dp.push(Math.max(...logits.map((x, a) => Math.abs(sigmoid(x) - sigmoid(reference[a])))));
    }
  }
  return {
    logit,
    max: Math.max(...dp),
    mean: dp.reduce((sum, x) => sum + x, 0) / dp.length,
    /** The share of texts beyond what an int8 server may answer differently. */
    beyond: dp.filter((x) => x > CONTRACT).length / dp.length,
  };
}

/** The same text gives the same answer whatever else is in flight: to this in int8. */
export const CONTRACT = 0.005;
/** … and in fp32. */
const EXACT = 1e-5;

/**
 * What neighbours change, by form and number of texts in a row. In fp32 (`exact`) against the deployed graph's answer
 * to each text alone: throws where a logit differs by more than EXACT. In int8 against the same graph's answer to it
 * alone.
 */
export async function independence({ alone, ...forms }, texts, sizes, { exact }) {
  const rows = [];
  for (const [form, run] of Object.entries(forms)) {
    const reference = exact ? await alone(texts) : await oneByOne(run, texts);
    for (const size of sizes) {
      const found = await differences(run, reference, texts, size);
      rows.push({ form, size, ...found });
      if (exact && !(found.logit <= EXACT)) {
        throw new Error(`${form}, ${size} texts: a logit differs by ${found.logit} from alone`);
      }
    }
  }
  return rows;
}

async function oneByOne(run, texts) {
  const all = [];
  for (const text of texts) all.push(...(await run([text])));
  return all;
}
