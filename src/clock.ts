/** Takes back what was to happen. */
export type Cancel = () => void;

/** The passing of time, of which a test has one of its own. */
export interface Clock {
  /** Milliseconds; it never goes back. */
  now(): number;
  /** Does something once, after so many milliseconds; with `keepsAlive` the process waits for it. */
  after(ms: number, what: () => void, options?: { readonly keepsAlive: boolean }): Cancel;
  /** Does something again and again; that keeps no process alive. */
  every(ms: number, what: () => void): Cancel;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, what, { keepsAlive } = { keepsAlive: false }) => {
    const timer = setTimeout(what, ms);
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  every: (ms, what) => {
    const timer = setInterval(what, ms).unref();
    return () => clearInterval(timer);
  },
};
