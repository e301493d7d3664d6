import { HeldBytes } from './held-bytes.ts';
import { LineCounter, NEWLINE, RETURN } from './line-counter.ts';
import type { RecordBytes } from './utf8.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const SPACE = new Set([0x20, 0x09, NEWLINE, RETURN]);
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** A stretch between two commas of a JSON array. */
export interface JsonValue extends RecordBytes {
  /** The array ends behind it. */
  readonly isLast: boolean;
}

/**
 * Cuts the values of one JSON array out of bytes, in constant memory; whether they are JSON is not looked at.
 * White space before a value is left out.
 */
export class JsonArraySplitter {
  readonly #counter = new LineCounter();
  readonly #held: HeldBytes;
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #line = 0;
  /** Behind the array: where something else follows, from 1. */
  #afterwards: number | undefined;

  constructor(maxBytes: number) {
    this.#held = new HeldBytes(maxBytes);
  }

  get isClosed(): boolean {
    return this.#depth === -1;
  }

  get lineAfterwards(): number | undefined {
    return this.#afterwards;
  }

  /** The values that end in a piece. */
  *push(piece: Buffer): Generator<JsonValue> {
    let from = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i] as number;
      if (byte === NEWLINE || byte === RETURN) this.#counter.end(byte);
      else this.#counter.content();
      if (this.isClosed) {
        if (!SPACE.has(byte)) this.#afterwards ??= this.#counter.line;
      } else if (this.#depth === 0 || (this.#line === 0 && SPACE.has(byte))) {
        // The bracket of the array itself, or what stands before a value.
        this.#step(byte);
        from = i + 1;
      } else {
        if (this.#line === 0) this.#line = this.#counter.line;
        this.#step(byte);
        const isLast = this.isClosed;
        if (isLast || (byte === COMMA && this.#depth === 1 && !this.#inString)) {
          this.#held.add(piece.subarray(from, i));
          yield { line: this.#line, bytes: this.#held.take(), isLast };
          this.#line = 0;
          from = i + 1;
        }
      }
    }
    if (!this.isClosed) this.#held.add(piece.subarray(from));
  }

  #step(byte: number): void {
    if (this.#inString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#inString = false;
    } else if (byte === QUOTE) this.#inString = true;
    else if (OPENING.has(byte)) this.#depth++;
    else if (CLOSING.has(byte)) this.#depth = this.#depth === 1 ? -1 : this.#depth - 1;
  }
}
