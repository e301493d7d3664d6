import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../../src/text/index.ts';
import { hostileKinds, hostileText } from '../../../support/hostile-texts.ts';
import { secondsOfWork } from '../../../support/hostile-work.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';

/** Ten times what it takes; what takes the square of the length takes longer for so long a text. */
const MOST_SECONDS = 1;

describe('a hostile text', () => {
  it.each(hostileKinds)('costs little to clean and to tokenize: %s', (kind) => {
    expect(secondsOfWork(hostileText(kind, 40_000, 1))).toBeLessThan(MOST_SECONDS);
  });

  it('has thirty marks in a row at most where it is normalised, and all of them elsewhere', () => {
    const tokenizer = (normalizer: object | null) =>
      TextTokenizer.fromJson(tokenizerJson({ normalizer }));
    const text = `a${'\u0301'.repeat(29)}\u0316\u0323\u{1d165}b${'\u0316'.repeat(31)}`;
    const [kept] = tokenizer({ type: 'NFD' }).words(text);
    expect(kept).toBe(`a\u0316${'\u0301'.repeat(29)}b${'\u0316'.repeat(30)}`);
    expect(tokenizer(null).words(text)).toEqual([text]);
  });
});
