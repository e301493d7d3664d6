interface Sample {
  /** Milliseconds. */
  readonly at: number;
  readonly steps: number;
  readonly tokens: number;
}

/** Steps and tokens per second over the last few seconds: steady, yet it follows a change. */
export class Rate {
  readonly #reach: number;
  #samples: Sample[] = [];
  #tokens = 0;

  /** @param reach milliseconds that are looked back */
  constructor(reach = 5000) {
    this.#reach = reach;
  }

  /** Begins to measure. */
  start(at: number): void {
    this.#samples = [{ at, steps: 0, tokens: 0 }];
  }

  /** Goes on after something else than steps: its time counts in no rate. */
  resume(at: number): void {
    const last = this.#samples.at(-1);
    if (!last) return;
    const away = at - last.at;
    this.#samples = this.#samples.map((sample) => ({ ...sample, at: sample.at + away }));
  }

  add(at: number, steps: number, tokens: number): void {
    this.#tokens += tokens;
    this.#samples.push({ at, steps, tokens: this.#tokens });
    while ((this.#samples[1]?.at ?? at) < at - this.#reach) this.#samples.shift();
  }

  perSecond(): { steps: number; tokens: number } {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at <= first.at) return { steps: 0, tokens: 0 };
    const seconds = (last.at - first.at) / 1000;
    return {
      steps: (last.steps - first.steps) / seconds,
      tokens: (last.tokens - first.tokens) / seconds,
    };
  }
}
