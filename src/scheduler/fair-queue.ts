import type { Ticket, WaitingText } from './ticket.ts';

/**
 * Texts that wait. Requests take turns, a text at each: one with hundreds of texts holds a request of
 * one text up by a text, not by all of them. Among requests of one text that is first come first served.
 */
export class FairQueue {
  /** What each request still has waiting; the one whose turn it is comes first. */
  readonly #turns = new Map<Ticket, Set<WaitingText>>();
  /** Texts whose engine failed; they go before everything else. */
  readonly #retries = new Set<WaitingText>();
  #depth = 0;
  #tokens = 0;

  /** Texts that wait. */
  get depth(): number {
    return this.#depth;
  }

  /** Their tokens, estimated. */
  get tokens(): number {
    return this.#tokens;
  }

  add(ticket: Ticket): void {
    this.#turns.set(ticket, new Set(ticket.texts));
    for (const text of ticket.texts) this.#count(text, 1);
  }

  /** Puts a text that was taken back, before all others. */
  addRetry(text: WaitingText): void {
    this.#retries.add(text);
    this.#count(text, 1);
  }

  /** The next text, which then waits no longer. */
  take(): WaitingText | undefined {
    const [text] = this.#retries.size > 0 ? this.#retries : this.#nextTurn();
    if (!text) return undefined;
    this.#retries.delete(text);
    this.#count(text, -1);
    return text;
  }

  /** Forgets what still waits of a request. */
  drop(ticket: Ticket): void {
    for (const text of this.#turns.get(ticket) ?? []) this.#count(text, -1);
    this.#turns.delete(ticket);
    for (const text of ticket.texts) if (this.#retries.delete(text)) this.#count(text, -1);
  }

  /** The first text of the request whose turn it is; the request then waits behind all others. */
  #nextTurn(): WaitingText[] {
    const [turn] = this.#turns;
    if (!turn) return [];
    const [ticket, texts] = turn;
    this.#turns.delete(ticket);
    const [text] = texts;
    if (!text) return [];
    texts.delete(text);
    if (texts.size > 0) this.#turns.set(ticket, texts);
    return [text];
  }

  #count(text: WaitingText, by: 1 | -1): void {
    this.#depth += by;
    this.#tokens += by * text.tokens;
  }
}
