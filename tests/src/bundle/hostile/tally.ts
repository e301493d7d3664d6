import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  changeBundle,
  type Outcome,
  outcomeOfBundle,
  outcomeOfTokenizer,
} from './hostile-bundles.ts';

/** How often each outcome came. An Error names the seed that came to none. */
async function tally(
  seeds: Iterable<number>,
  outcomeOf: (seed: number) => Promise<Outcome>,
): Promise<Partial<Record<Outcome, number>>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const seed of seeds) {
    const outcome = await outcomeOf(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed} came to no outcome: ${cause}`, { cause });
    });
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

export function* seedsFrom(first: number, count: number): Generator<number> {
  for (let seed = first; seed < first + count; seed++) yield seed;
}

/** Of bundles that were changed, made of an intact one beside them. */
export const tallyBundles = (intact: string, folder: string, seeds: Iterable<number>) =>
  tally(seeds, async (seed) => {
    const dir = join(folder, String(seed));
    try {
      changeBundle(intact, dir, seed);
      return await outcomeOfBundle(dir);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

/** Of tokenizers that were changed; every seed changes one of the intact ones. */
export const tallyTokenizers = (
  intact: readonly string[],
  folder: string,
  seeds: Iterable<number>,
) =>
  tally(seeds, (seed) =>
    outcomeOfTokenizer(intact[seed % intact.length] ?? '{}', join(folder, 'tokenizer.json'), seed),
  );
