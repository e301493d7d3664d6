import { expect, it } from '@jest/globals';

/** A limit as it is set for a test, and whether so much is within it. */
export interface Limit {
  readonly limit: number;
  readonly allows: (amount: number) => boolean | Promise<boolean>;
}

/** By name. */
export type Limits = Readonly<Record<string, Limit>>;

/** One test for each limit. */
export function tryLimits(table: Limits): void {
  it.each(Object.entries(table))(
    '%s: one less and as many are allowed, one more is not',
    async (_name, { limit, allows }) => {
      const found: [number, boolean][] = [];
      for (const amount of [limit - 1, limit, limit + 1]) {
        found.push([amount, await allows(amount)]);
      }
      expect(found).toEqual([
        [limit - 1, true],
        [limit, true],
        [limit + 1, false],
      ]);
    },
  );
}
