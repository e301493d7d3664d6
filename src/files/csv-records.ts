import { HeldBytes } from './held-bytes.ts';
import { LineCounter, NEWLINE, RETURN } from './line-counter.ts';
import type { RecordBytes } from './utf8.ts';

/** What is wrong with a record's quotes, and in which cell, from 1. */
export interface QuoteFault {
  readonly kind: 'inside' | 'after';
  readonly cell: number;
}

export interface CsvRecord extends RecordBytes {
  readonly lastLine: number;
  readonly cellCount: number;
  /** First byte and the byte behind the last of every cell, one pair after the other; quotes included; of MOST_CELLS at most. */
  readonly bounds: readonly number[];
  readonly fault: QuoteFault | undefined;
}

/** Where further cells of a record are is not kept. */
export const MOST_CELLS = 1_000_000;

const QUOTE = 0x22;

/** Where the splitter is: before a cell, in one without quotes, between quotes, behind a quote that may close them. */
const BEGIN = 0;
const PLAIN = 1;
const QUOTED = 2;
const CLOSED = 3;

/**
 * Finds the records of RFC 4180 in bytes, in constant memory. Every line end outside of quotes ends one; the
 * lines that hold nothing are no records. A quote opens a cell only at its beginning: anywhere else it is a fault
 * of its record, which ends with its line all the same.
 *
 * It is our own because the records' limits, lines and faults have to be exact, also after a fault: csv-parse
 * ends at the first one and counts some line ends twice. It is also several times as fast.
 */
export class CsvSplitter {
  readonly #delimiter: number;
  readonly #maxBytes: number;
  readonly #held: HeldBytes;
  readonly #counter = new LineCounter();
  #state = BEGIN;
  #cellCount = 0;
  #bounds: number[] = [];
  #cellBegin = 0;
  #fault: QuoteFault | undefined;
  /** Of the record and of the quote that was opened last. */
  #line = 0;
  #quoteLine = 0;

  constructor(delimiter: string, maxBytes: number) {
    this.#delimiter = delimiter.charCodeAt(0);
    this.#maxBytes = maxBytes;
    this.#held = new HeldBytes(maxBytes);
  }

  /** The line of a quote that is open. */
  get openQuote(): number | undefined {
    return this.#state === QUOTED ? this.#quoteLine : undefined;
  }

  /** The records that end in a piece. */
  *push(piece: Buffer): Generator<CsvRecord> {
    let from = 0;
    for (let i = 0; i < piece.length; i++) {
      if (this.#state === QUOTED) i = this.#inQuotes(piece, i);
      else if (this.#state === PLAIN) i = this.#inPlain(piece, i);
      const byte = piece[i];
      if (byte === undefined) break;
      if (byte !== NEWLINE && byte !== RETURN) {
        this.#counter.content();
        this.#step(byte, this.#held.length + i - from);
        continue;
      }
      if (this.#line > 0) {
        this.#held.add(piece.subarray(from, i));
        yield this.#take();
      }
      this.#counter.end(byte);
      from = i + 1;
    }
    this.#held.add(piece.subarray(from));
  }

  /** Where the quote is that may close the cell: line ends before it belong to the cell. */
  #inQuotes(piece: Buffer, from: number): number {
    let i = from;
    let isBehindEnd = true;
    for (let byte = piece[i]; byte !== undefined && byte !== QUOTE; byte = piece[++i]) {
      if (byte === NEWLINE || byte === RETURN) {
        this.#counter.end(byte);
        isBehindEnd = true;
      } else if (isBehindEnd) {
        this.#counter.content();
        isBehindEnd = false;
      }
    }
    return i;
  }

  /** Where the next byte is that may mean something in a cell without quotes. */
  #inPlain(piece: Buffer, from: number): number {
    const delimiter = this.#delimiter;
    let i = from;
    for (let byte = piece[i]; byte !== undefined; byte = piece[++i]) {
      if (byte === delimiter || byte === NEWLINE || byte === RETURN || byte === QUOTE) break;
    }
    return i;
  }

  /** The record that no line end follows. */
  *end(): Generator<CsvRecord> {
    if (this.#line > 0) yield this.#take();
  }

  /** @param at of the byte in its record */
  #step(byte: number, at: number): void {
    if (this.#line === 0) this.#line = this.#counter.line;
    if (this.#state === QUOTED) {
      if (byte === QUOTE) this.#state = CLOSED;
    } else if (byte === this.#delimiter) {
      this.#endCell(at);
      this.#cellBegin = at + 1;
      this.#state = BEGIN;
    } else if (byte === QUOTE && this.#state !== PLAIN) {
      // The first one of a cell, or the second one of two that stand for one.
      this.#state = QUOTED;
      if (at === this.#cellBegin) this.#quoteLine = this.#counter.line;
    } else {
      if (this.#state === CLOSED) this.#note('after');
      else if (byte === QUOTE) this.#note('inside');
      this.#state = PLAIN;
    }
  }

  #endCell(end: number): void {
    this.#cellCount++;
    // Nothing is read of a record that is too long, or has too many cells.
    if (end <= this.#maxBytes && this.#cellCount <= MOST_CELLS)
      this.#bounds.push(this.#cellBegin, end);
  }

  #note(kind: QuoteFault['kind']): void {
    this.#fault ??= { kind, cell: this.#cellCount + 1 };
  }

  #take(): CsvRecord {
    this.#endCell(this.#held.length);
    const record = {
      line: this.#line,
      lastLine: this.#counter.line,
      cellCount: this.#cellCount,
      bounds: this.#bounds,
      fault: this.#fault,
      bytes: this.#held.take(),
    };
    this.#cellCount = 0;
    this.#bounds = [];
    this.#cellBegin = 0;
    this.#fault = undefined;
    this.#line = 0;
    this.#state = BEGIN;
    return record;
  }
}

/** The text of a cell of a record, by its position. */
export function cellText({ bounds }: CsvRecord, bytes: Buffer, at: number): string {
  const begin = bounds[2 * at] ?? 0;
  const end = bounds[2 * at + 1] ?? begin;
  if (begin === end || bytes[begin] !== QUOTE) return bytes.toString('utf8', begin, end);
  const inside = bytes.toString('utf8', begin + 1, end - 1);
  return inside.includes('"') ? inside.replaceAll('""', '"') : inside;
}
