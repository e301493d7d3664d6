import { AppError } from './errors.ts';

/** A start has nothing to go on with: it is given this long at least. */
const LEAST_START_MS = 60_000;

/** As `timeLimit`, for a model without which nothing goes on. */
export const startLimit = (ms: number): ReturnType<typeof timeLimit> =>
  timeLimit(Math.max(ms, LEAST_START_MS));

/** The promise, or AppError `engine_failed` once so many milliseconds have passed since now. */
export function timeLimit(ms: number): <T>(promise: Promise<T>, what: string) => Promise<T> {
  const end = performance.now() + ms;
  return async (promise, what) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new AppError('engine_failed', `${what} took longer than ${ms} ms`, {
        hint: 'models.load_timeout_ms is the limit',
      });
      timer = setTimeout(() => reject(error), Math.max(end - performance.now(), 0));
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
