import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { textSchema } from '../../../../src/http/schemas/text.ts';
import { cleanText, isTooShort } from '../../../../src/text/index.ts';

/** Texts about as long as the minimum, of what cleaning looks at. */
const pieces = fc.constantFrom(
  ...[
    'a',
    'B',
    '7',
    '.',
    '-',
    ' ',
    '  ',
    '\n',
    '|',
    '|||',
    '😀',
    'é',
    '\u0000',
    '\u0085',
    '\u200b',
  ],
  ...['\ud800', '\ufeff', "b'", 'INFP', 'https://a.b', '![x](y)', '_', '/'],
);
const texts = fc.oneof(
  fc.array(pieces, { maxLength: 16 }).map((all) => all.join('')),
  fc.string(),
);

const tasks = (['mbti', 'none'] as const).flatMap((cleaning) =>
  [1, 4, 10].map((minimum) => [cleaning, minimum] as const),
);

describe.each(tasks)(
  'the pattern of a text, cleaned as %s, of at least %i',
  (cleaning, minimum) => {
    const pattern = new RegExp(String(textSchema(cleaning, minimum).pattern), 'u');

    it('refuses no text of which enough is left', () => {
      fc.assert(
        fc.property(texts, (text) => {
          if (!isTooShort(cleanText(text, cleaning), minimum))
            expect([text, pattern.test(text)]).toEqual([text, true]);
        }),
        { numRuns: 2000 },
      );
    });

    it('refuses every text of plain words of which too little is left', () => {
      const plain = fc.array(fc.constantFrom('a', 'b', '!', ' ', '\n\t'), { maxLength: 20 });
      fc.assert(
        fc.property(plain, (all) => {
          const text = all.join('');
          expect(pattern.test(text)).toBe(!isTooShort(cleanText(text, cleaning), minimum));
        }),
        { numRuns: 1000 },
      );
    });
  },
);
