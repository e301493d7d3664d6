import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { TextTokenizer } from '../../../../src/text/index.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { writeTinyBundle } from '../../../support/tiny-bundle.ts';
import { tokenizersOfEveryKind } from '../../../support/tokenizer-fixtures.ts';
import { tokenizerJson } from '../../../support/tokenizer-json.ts';
import { outcomeOfBundle } from './hostile-bundles.ts';
import { seedsFrom, tallyBundles, tallyTokenizers } from './tally.ts';

const folder = temporaryFolder();
const intact = join(folder.path, 'intact');
beforeAll(() => writeTinyBundle(intact));

// The long test has ten thousand of each.
describe('a bundle that somebody hostile wrote', () => {
  it('answers with probabilities, or is refused by one error that has one line', async () => {
    expect(await outcomeOfBundle(intact)).toBe('answers');
    const counts = await tallyBundles(intact, folder.path, seedsFrom(1, 80));
    // Not everything is refused, and not for one reason.
    expect(counts).toMatchObject({
      answers: expect.any(Number),
      bundle_invalid: expect.any(Number),
      data_invalid: expect.any(Number),
    });
  });

  it('has a tokenizer that gives ids, or is refused so', async () => {
    const counts = await tallyTokenizers(tokenizersOfEveryKind(), folder.path, seedsFrom(1, 400));
    expect(counts).toMatchObject({ answers: expect.any(Number), data_invalid: expect.any(Number) });
  });

  // An engine that goes back and forth would be at these for longer than there has been time.
  it.each(['(a+)+$', '(a|aa)+$', '(?=(a+)+b)a', '(?:.+)+x', '(a|a)*?b', 'a{1,300}$'])(
    'keeps nobody waiting with the pattern %s',
    (Regex) => {
      const split = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
      const text = `${'a'.repeat(20_000)}!`;
      const tokenizer = TextTokenizer.fromJson(tokenizerJson({ pre_tokenizer: split }));
      expect(tokenizer.words(text)).toEqual([text]);
      const replace = { type: 'Replace', pattern: { Regex }, content: '' };
      const replacing = TextTokenizer.fromJson(tokenizerJson({ normalizer: replace }));
      expect(replacing.words(text)).toEqual([text]);
    },
  );
});
