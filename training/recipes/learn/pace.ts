import type { Batch } from '../../data/index.ts';

/** A text forwards alone costs about this part of one that is trained: two more passes lead back through the graph. */
const FORWARD = 1 / 3;

/** How long the steps and validations of a training take. */
export class Pace {
  readonly #now: () => number;
  #trained = { texts: 0, milliseconds: 0 };
  #run = 0;
  #validation: number | undefined;

  /** @param now milliseconds; for tests */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Measures a run of some steps. */
  async steps(batches: readonly Pick<Batch, 'size'>[], work: () => Promise<void>): Promise<void> {
    const from = this.#now();
    await work();
    this.#run = this.#now() - from;
    this.#trained.milliseconds += this.#run;
    for (const { size } of batches) this.#trained.texts += size;
  }

  /** Measures a validation. */
  async validation<T>(work: () => Promise<T>): Promise<T> {
    const from = this.#now();
    const result = await work();
    this.#validation = this.#now() - from;
    return result;
  }

  /** Milliseconds of one more run of steps and a validation on so many texts; 0 as long as nothing was measured. */
  untilValidated(texts: number): number {
    return this.#run + this.forward(texts);
  }

  /** Milliseconds that so many texts take forwards, where a validation has as many `of`; 0 where that is not known. */
  forward(texts: number, of = texts): number {
    if (this.#validation !== undefined) return (this.#validation * texts) / Math.max(of, 1);
    const each = this.#trained.milliseconds / Math.max(this.#trained.texts, 1);
    return each * FORWARD * texts;
  }
}
