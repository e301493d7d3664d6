declare global {
  /** Milliseconds that a test may take; the environment sets it. */
  var testLimitMs: number;
}

/** What is waited for comes within milliseconds; a suite that fails is to tell so soon. */
const LONGEST_MS = 15_000;

/** Resolves once `holds` does; rejects after a time in which it surely should have, before the test itself is ended. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  mostMs = Math.min(0.8 * testLimitMs, LONGEST_MS),
): Promise<void> {
  const end = Date.now() + mostMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`after ${mostMs} ms it still does not hold: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
