export const NEWLINE = 0x0a;
export const RETURN = 0x0d;

/** Counts lines whose ends are `\n`, `\r\n`, `\r` or `\r\r\n`, in one file too: returns before a newline belong to it. */
export class LineCounter {
  #ended = 0;
  /** Not yet told to be ends of their own or the beginning of one. */
  #returns = 0;

  /** The line, from 1, of what comes next. */
  get line(): number {
    return this.#ended + this.#returns + 1;
  }

  /** Every byte that ends a line. */
  end(byte: number): void {
    if (byte === RETURN) this.#returns++;
    else {
      this.#ended++;
      this.#returns = 0;
    }
  }

  /** Any other byte came. */
  content(): void {
    this.#ended += this.#returns;
    this.#returns = 0;
  }
}

/** The bytes of a piece that end lines, by position and in order. */
export function* lineEnds(piece: Buffer): Generator<number> {
  let newline = piece.indexOf(NEWLINE);
  let back = piece.indexOf(RETURN);
  while (newline >= 0 || back >= 0) {
    if (back < 0 || (newline >= 0 && newline < back)) {
      yield newline;
      newline = piece.indexOf(NEWLINE, newline + 1);
    } else {
      yield back;
      back = piece.indexOf(RETURN, back + 1);
    }
  }
}
