import { AppError } from '../errors.ts';
import type { TokenizedWord } from '../text/index.ts';
import type { ExplainSession } from './explain-session.ts';
import type { ExplainedWord, Explanation } from './score.ts';

/**
 * Explains a text window by window. Words get the sum of their pieces, wherever a window's border lies; the
 * windows count equally, as they do in the prediction: everything is a mean over them. Words beyond the last
 * window are left out.
 *
 * @param words of the whole text; their ids in order are the windows' ids without the special tokens
 * @param until milliseconds of `Date.now()` after which no further window is begun
 * @param progress called before each window
 */
export async function explain(
  session: ExplainSession,
  words: readonly TokenizedWord[],
  windows: readonly (readonly number[])[],
  { until, progress }: { readonly until: number; readonly progress: () => void },
): Promise<Explanation> {
  const sums: { logits: number[]; baseline: number[]; special: number[]; tokens: number[][] } = {
    logits: [],
    baseline: [],
    special: [],
    tokens: [],
  };
  for (const window of windows) {
    progress();
    if (Date.now() > until) {
      throw new AppError('deadline_exceeded', 'nobody waits for the explanation any more');
    }
    const explained = await session.run(window);
    const axes = explained.logits.map((_, axis) => axis);
    addTo(sums.logits, explained.logits);
    addTo(sums.baseline, explained.baselineLogits ?? []);
    window.forEach((_, token) => {
      const values = axes.map((axis) => explained.attribution(axis, token));
      // [CLS] begins a window, [SEP] ends it.
      if (token === 0 || token === window.length - 1) addTo(sums.special, values);
      else sums.tokens.push(values);
    });
  }
  const mean = (values: readonly number[]) => values.map((value) => value / windows.length);
  return {
    method: session.method,
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
