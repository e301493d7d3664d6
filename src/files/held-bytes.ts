/** The bytes of one record while it comes in pieces; beyond `maxBytes` they are counted and no longer kept. */
export class HeldBytes {
  length = 0;
  #parts: Buffer[] = [];
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(part: Buffer): void {
    this.length += part.length;
    if (this.length > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  /** All of them, and nothing is held any more; undefined where they were too many. */
  take(): Buffer | undefined {
    const whole = this.length > this.#maxBytes ? undefined : this.#joined();
    this.length = 0;
    this.#parts = [];
    return whole;
  }

  #joined(): Buffer {
    const [only] = this.#parts;
    return this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
  }
}
