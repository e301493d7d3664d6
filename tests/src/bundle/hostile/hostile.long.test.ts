import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { writeTinyBundle } from '../../../support/tiny-bundle.ts';
import { tokenizersOfEveryKind } from '../../../support/tokenizer-fixtures.ts';
import { seedsFrom, tallyBundles, tallyTokenizers } from './tally.ts';

const folder = temporaryFolder();
const MANY = 10_000;
const LONG_MS = 3_600_000;

describe('ten thousand hostile bundles', () => {
  it(
    'answer, or are refused by one error each',
    async () => {
      const intact = join(folder.path, 'intact');
      await writeTinyBundle(intact);
      const counts = await tallyBundles(intact, folder.path, seedsFrom(1_000, MANY));
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(MANY);
    },
    LONG_MS,
  );

  it(
    'have tokenizers that give ids, or are refused so',
    async () => {
      const counts = await tallyTokenizers(
        tokenizersOfEveryKind(),
        folder.path,
        seedsFrom(1_000, MANY),
      );
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(MANY);
    },
    LONG_MS,
  );
});
