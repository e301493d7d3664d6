/** Bytes, or code units, from which on something is long: what is done with it takes milliseconds. */
export const LONG = 65_536;

let last: Promise<void> = Promise.resolve();

/**
 * Resolves when the next step of something long may be taken. Steps are taken one at a time, and between two of them the
 * event loop comes round, so that a short request waits for one step of a long one and not for all of them.
 */
export function turn(): Promise<void> {
  last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
  return last;
}
