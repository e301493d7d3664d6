import type { Ticket, WaitingText } from './ticket.ts';

/** What each request of a caller still has waiting; the one whose turn it is comes first. */
type Turns = Map<Ticket, Set<WaitingText>>;

/**
 * Texts that wait. Callers take turns, a text at each, and so do the requests of one caller: who sends
 * hundreds of texts, in one request or in many, holds another caller's text up by a text, not by all of
 * them. Among requests of one text of one caller that is first come first served.
 */
export class FairQueue {
  /** The caller whose turn it is comes first. */
  readonly #callers = new Map<string, Turns>();
  /** Texts whose engine failed; they go before everything else. */
  readonly #first = new Set<WaitingText>();
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
    const turns: Turns = this.#callers.get(ticket.caller) ?? new Map();
    this.#callers.set(ticket.caller, turns.set(ticket, new Set(ticket.texts)));
    for (const text of ticket.texts) this.#count(text, 1);
  }

  /** Puts a text that was taken back, before all others. */
  addFirst(text: WaitingText): void {
    this.#first.add(text);
    this.#count(text, 1);
  }

  /** Puts a text back that has given way: behind other callers' and other requests' texts, before those of its own request. */
  addAgain(text: WaitingText): void {
    const { ticket } = text;
    const turns: Turns = this.#callers.get(ticket.caller) ?? new Map();
    turns.set(ticket, new Set([text, ...(turns.get(ticket) ?? [])]));
    this.#callers.set(ticket.caller, turns);
    this.#count(text, 1);
  }

  /** The text that `take` would give. */
  next(): WaitingText | undefined {
    const [first] = this.#first;
    const [turns] = this.#callers.values();
    const [texts] = turns?.values() ?? [];
    return first ?? texts?.values().next().value;
  }

  /** The next text, which then waits no longer. */
  take(): WaitingText | undefined {
    const [first] = this.#first;
    const text = first ?? this.#nextTurn();
    if (!text) return undefined;
    this.#first.delete(text);
    this.#count(text, -1);
    return text;
  }

  /** Forgets what still waits of a request. */
  drop(ticket: Ticket): void {
    const turns = this.#callers.get(ticket.caller);
    for (const text of turns?.get(ticket) ?? []) this.#count(text, -1);
    turns?.delete(ticket);
    if (turns?.size === 0) this.#callers.delete(ticket.caller);
    for (const text of ticket.texts) if (this.#first.delete(text)) this.#count(text, -1);
  }

  /** The first text of the caller's request whose turn it is; both then wait behind all others. */
  #nextTurn(): WaitingText | undefined {
    const [turn] = this.#callers;
    if (!turn) return undefined;
    const [caller, turns] = turn;
    this.#callers.delete(caller);
    const text = takeTurn(turns);
    if (turns.size > 0) this.#callers.set(caller, turns);
    return text;
  }

  #count(text: WaitingText, by: 1 | -1): void {
    this.#depth += by;
    this.#tokens += by * text.tokens;
  }
}

function takeTurn(turns: Turns): WaitingText | undefined {
  const [turn] = turns;
  if (!turn) return undefined;
  const [ticket, texts] = turn;
  turns.delete(ticket);
  const [text] = texts;
  if (text) texts.delete(text);
  if (texts.size > 0) turns.set(ticket, texts);
  return text;
}
