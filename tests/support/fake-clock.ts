import type { Clock } from '../../src/clock.ts';

interface Appointment {
  at: number;
  readonly every: number | undefined;
  readonly what: () => void;
}

/** A clock that a test turns. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #appointments = new Set<Appointment>();

  now(): number {
    return this.#now;
  }

  after(ms: number, what: () => void): () => void {
    return this.#add({ at: this.#now + ms, every: undefined, what });
  }

  every(ms: number, what: () => void): () => void {
    return this.#add({ at: this.#now + ms, every: ms, what });
  }

  /** What is still to happen. */
  get appointments(): number {
    return this.#appointments.size;
  }

  /** Lets time pass; what falls into it happens in its order, and `settle` may follow each. */
  async pass(ms: number, settle: () => Promise<void> = async () => {}): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      if (next.every === undefined) this.#appointments.delete(next);
      else next.at += next.every;
      next.what();
      await settle();
    }
    this.#now = end;
  }

  #add(appointment: Appointment): () => void {
    this.#appointments.add(appointment);
    return () => this.#appointments.delete(appointment);
  }

  /** The earliest until a time; of those at one time, the one that was made first. */
  #next(end: number): Appointment | undefined {
    return [...this.#appointments]
      .filter(({ at }) => at <= end)
      .reduce<Appointment | undefined>(
        (first, one) => (first && first.at <= one.at ? first : one),
        undefined,
      );
  }
}
