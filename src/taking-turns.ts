/** A task that runs one at a time: who asks while it runs shares the run that comes after it. */
export function takingTurns<T>(task: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= running.then(() => {
      next = undefined;
      const run = task();
      running = run.catch(() => {});
      return run;
    });
    return next;
  };
}
