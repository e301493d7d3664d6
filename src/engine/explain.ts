import type { TokenizedWord } from '../text/index.ts';
import type { ExplainSession } from './explain-session.ts';
import type { ExplainedWindow, ExplainedWord, ExplainMethod, Explanation } from './score.ts';

/** Explains one window of a text. */
export async function explainWindow(
  session: ExplainSession,
  window: readonly number[],
): Promise<ExplainedWindow> {
  const explained = await session.run(window);
  const axes = explained.logits.map((_, axis) => axis);
  return {
    logits: explained.logits,
    baselineLogits: explained.baselineLogits ?? [],
    tokens: window.map((_, token) => axes.map((axis) => explained.attribution(axis, token))),
  };
}

/**
 * What its windows say of a text. Words get the sum of their pieces, wherever a window's border lies; the
 * windows count equally, as they do in the prediction: everything is a mean over them. Words beyond the last
 * window are left out.
 *
 * @param words their ids in order are the windows' ids without the special tokens; more may follow
 */
export function explanationOf(
  method: ExplainMethod,
  words: readonly TokenizedWord[],
  windows: readonly ExplainedWindow[],
): Explanation {
  const sums: { logits: number[]; baseline: number[]; special: number[]; tokens: number[][] } = {
    logits: [],
    baseline: [],
    special: [],
    tokens: [],
  };
  for (const { logits, baselineLogits, tokens } of windows) {
    addTo(sums.logits, logits);
    addTo(sums.baseline, baselineLogits);
    for (const [token, values] of tokens.entries()) {
      // [CLS] begins a window, [SEP] ends it.
      if (token === 0 || token === tokens.length - 1) addTo(sums.special, values);
      else sums.tokens.push([...values]);
    }
  }
  const mean = (values: readonly number[]) => values.map((value) => value / windows.length);
  return {
    method,
    logits: mean(sums.logits),
    ...(sums.baseline.length > 0 ? { baselineLogits: mean(sums.baseline) } : {}),
    specialTokens: mean(sums.special),
    words: wordsOf(words, sums.tokens.map(mean)),
  };
}

/** The words of which a token was scored, with the sums of their tokens' attributions. */
function wordsOf(
  words: readonly TokenizedWord[],
  tokens: readonly (readonly number[])[],
): ExplainedWord[] {
  let begin = 0;
  return words.flatMap(({ ids, ...word }) => {
    const own = tokens.slice(begin, begin + ids.length);
    begin += ids.length;
    const attributions: number[] = [];
    for (const values of own) addTo(attributions, values);
    return own.length > 0 ? [{ ...word, attributions }] : [];
  });
}

function addTo(sums: number[], values: readonly number[]): void {
  values.forEach((value, i) => {
    sums[i] = (sums[i] ?? 0) + value;
  });
}
