import { describe, it } from '@jest/globals';

/** A key of the configuration, and how one sees that it does something. */
export interface Row {
  readonly key: string;
  /** What is seen where the key is set, as a claim. */
  readonly effect: string;
  /** Sets the key and looks, by the way that users' values go. */
  readonly see: () => Promise<void> | void;
  /** Where the whole effect needs a device that a test machine lacks: why, and what is looked at instead. */
  readonly instead?: string;
}

/** A test of every row. */
export function testRows(section: string, rows: readonly Row[]): void {
  describe(`the settings of ${section}`, () => {
    it.each(rows.map((row) => [row.key, row.effect, row] as const))(
      '%s: %s',
      (_key, _effect, row) => row.see(),
      20_000,
    );
  });
}

/** What is made when it is first asked for, and is the same afterwards. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
