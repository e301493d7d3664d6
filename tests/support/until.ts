/** Resolves once `holds` does; rejects after a time in which it surely should have. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  mostMs = 25_000,
): Promise<void> {
  const end = Date.now() + mostMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`after ${mostMs} ms it still does not hold: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
