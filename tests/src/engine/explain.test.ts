import { describe, expect, it } from '@jest/globals';
import { explainWindow, explanationOf } from '../../../src/engine/explain.ts';
import type { ExplainSession } from '../../../src/engine/explain-session.ts';
import type { TokenizedWord } from '../../../src/text/index.ts';

/** Two axes: token id × 1 and × 10. */
function session(baseline = true) {
  const fake: Pick<ExplainSession, 'method' | 'run'> = {
    method: 'integrated_gradients',
    run: async (ids) => ({
      logits: [ids.length, 1],
      baselineLogits: baseline ? [1, 2] : undefined,
      attribution: (axis, token) => ids[token]! * 10 ** axis,
    }),
  };
  return fake as ExplainSession;
}

const word = (text: string, ids: readonly number[]) => ({
  text,
  start: 0,
  end: text.length,
  pieces: ids.map(String),
  ids,
});

/** All windows one after the other. */
async function explain(
  session: ExplainSession,
  words: readonly TokenizedWord[],
  windows: readonly (readonly number[])[],
) {
  const explained = await Promise.all(windows.map((window) => explainWindow(session, window)));
  return explanationOf(session.method, words, explained);
}

describe('explaining a text', () => {
  it('sums a word’s pieces and reports the special tokens apart', async () => {
    const words = [word('ab', [3, 4]), word('c', [5])];
    const result = await explain(session(), words, [[100, 3, 4, 5, 200]]);
    expect(result).toEqual({
      method: 'integrated_gradients',
      logits: [5, 1],
      baselineLogits: [1, 2],
      specialTokens: [300, 3000],
      words: [
        { text: 'ab', start: 0, end: 2, pieces: ['3', '4'], attributions: [7, 70] },
        { text: 'c', start: 0, end: 1, pieces: ['5'], attributions: [5, 50] },
      ],
    });
  });

  it('takes the mean over windows, also of a word on their border', async () => {
    const words = [word('ab', [3, 4])];
    const windows = [
      [100, 3, 200],
      [100, 4, 200],
    ];
    const result = await explain(session(), words, windows);
    expect(result.words[0]?.attributions).toEqual([3.5, 35]);
    expect(result.specialTokens).toEqual([300, 3000]);
    expect([result.logits, result.baselineLogits]).toEqual([
      [3, 1],
      [1, 2],
    ]);
  });

  it('leaves out words that are in no window', async () => {
    const words = [word('a', [3]), word('b', [4])];
    const result = await explain(session(), words, [[100, 3, 200]]);
    expect(result.words.map(({ text }) => text)).toEqual(['a']);
  });

  it('has no baseline where the method has none', async () => {
    const fake = session(false);
    const result = await explain(fake, [word('a', [3])], [[100, 3, 200]]);
    expect(Object.keys(result)).not.toContain('baselineLogits');
  });
});
