import { describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../../src/text/index.ts';
import { hostileKinds, hostileText, mixedText } from '../../../support/hostile-texts.ts';
import { secondsOfWork } from '../../../support/hostile-work.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';

/** Of a megabyte, by three tokenizers one after the other. */
const MOST_SECONDS = 10;
const SEEDS = 3;

describe('a hostile text of a megabyte', () => {
  it.each(hostileKinds)(
    'costs little to clean and to tokenize: %s',
    (kind) => {
      for (let seed = 0; seed < SEEDS; seed++) {
        const text = hostileText(kind, 1e6, seed);
        const bytes = Buffer.from(text).subarray(0, 1e6).toString();
        expect(secondsOfWork(bytes)).toBeLessThan(MOST_SECONDS);
      }
    },
    120_000,
  );

  it('is refused by name where it is longer than a pattern can match', () => {
    const pre_tokenizer = { type: 'Whitespace' };
    const tokenizer = TextTokenizer.fromJson(tokenizerJson({ pre_tokenizer }));
    expect(() => tokenizer.encode('ตอนเย็น'.repeat(3e6))).toThrow(
      expect.objectContaining({
        code: 'data_invalid',
        message: expect.stringMatching(/^a text of 21000000 characters is too long/),
      }),
    );
  }, 120_000);

  it('costs little where it is of all kinds', () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      expect(secondsOfWork(mixedText(100_000, seed))).toBeLessThan(MOST_SECONDS);
    }
  }, 120_000);
});
