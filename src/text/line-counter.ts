/** On which line a CSV record begins: the parser tells where it ends, and counts a CRLF inside a field twice. */
export class LineCounter {
  #countedTwice = 0;

  /** @param lines that the parser has read when it gives the record */
  begin(lines: number, record: readonly string[]): number {
    let inside = 0;
    for (const cell of record) {
      inside += cell.match(/\r\n|\r|\n/g)?.length ?? 0;
      this.#countedTwice += cell.match(/\r\n/g)?.length ?? 0;
    }
    return lines - this.#countedTwice - inside;
  }
}
