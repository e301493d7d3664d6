declare global {
  /** Milliseconds that a test may take; the environment sets it. */
  var testLimitMs: number;
}

/** Resolves once `holds` does; rejects after a time in which it surely should have, before the test itself is ended. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  mostMs = 0.8 * testLimitMs,
): Promise<void> {
  const end = Date.now() + mostMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`after ${mostMs} ms it still does not hold: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
