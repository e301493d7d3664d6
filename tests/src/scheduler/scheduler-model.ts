/** Four letters a token, and two for the window. */
const tokensOf = (content: string): number => Math.ceil(content.length / 4) + 2;

/** How often a text is tried, and how many engines may die of it. */
const TRIES = 2;
const QUARANTINE_MS = 5 * 60_000;

export interface ModelText {
  readonly request: ModelRequest;
  readonly content: string;
  tries: number;
  alone: boolean;
}

export interface ModelRequest {
  readonly caller: string;
  readonly texts: ModelText[];
  readonly admitted: number;
  readonly deadline: number;
  left: number;
  /** Its code, or `ok`; undefined while it is open. */
  outcome: string | undefined;
}

interface Turn<T> {
  readonly whose: string | ModelRequest;
  readonly rest: T[];
}

export interface ModelLimits {
  readonly engines: number;
  readonly maxDepth: number;
  readonly maxTokens: number;
}

/** What a scheduler is to do, in plain lists. */
export class SchedulerModel {
  now = 0;
  isClosed = false;
  up: number;
  readonly limits: ModelLimits;
  /** Texts whose engine failed, then callers in turn, of each the requests in turn, of each the texts. */
  readonly #first: ModelText[] = [];
  readonly #callers: Turn<Turn<ModelText>>[] = [];
  readonly running: ModelText[] = [];
  readonly begun: string[] = [];
  /** Whether the last of them was to be computed alone. */
  lastAlone: true | undefined;
  readonly requests: ModelRequest[] = [];
  readonly rejected: string[] = [];
  /** Of each text that was scored, how long it waited. */
  readonly queueMs: number[] = [];
  /** Of each text, when engines died of it since it was scored last. */
  readonly #deaths = new Map<string, number[]>();

  constructor(limits: ModelLimits) {
    this.limits = limits;
    this.up = limits.engines;
  }

  get waiting(): ModelText[] {
    return [
      ...this.#first,
      ...this.#callers.flatMap(({ rest }) => rest.flatMap((turn) => turn.rest)),
    ];
  }

  get open(): ModelRequest[] {
    return this.requests.filter(({ outcome }) => outcome === undefined);
  }

  /** Seconds until the last of these texts is let in again. */
  quarantineSeconds(contents: readonly string[]): number {
    const left = contents.map((content) => {
      const deaths = this.#remembered(content);
      return deaths.length < TRIES ? 0 : Math.max(...deaths) + QUARANTINE_MS - this.now;
    });
    return Math.ceil(Math.max(...left) / 1000);
  }

  /** Deaths that followed each other within the time for which they are remembered, up to now. */
  #remembered(content: string): number[] {
    const deaths = this.#deaths.get(content) ?? [];
    return this.now - (deaths.at(-1) ?? -Infinity) < QUARANTINE_MS ? deaths : [];
  }

  submit(caller: string, contents: readonly string[], timeoutMs: number): void {
    const texts: ModelText[] = [];
    const deadline = this.now + timeoutMs;
    const { now: admitted } = this;
    const left = contents.length;
    const outcome = this.#refusal(contents);
    const request: ModelRequest = { caller, texts, admitted, deadline, left, outcome };
    for (const content of contents) texts.push({ request, content, tries: 0, alone: false });
    this.requests.push(request);
    if (outcome === 'queue_full') this.rejected.push('full');
    if (outcome !== undefined) return;
    let turn = this.#callers.find(({ whose }) => whose === caller);
    if (!turn) {
      turn = { whose: caller, rest: [] };
      this.#callers.push(turn);
    }
    turn.rest.push({ whose: request, rest: [...texts] });
    this.pump();
  }

  #refusal(contents: readonly string[]): string | undefined {
    const { waiting, limits } = this;
    const tokens = [...waiting.map(({ content }) => content), ...contents]
      .map(tokensOf)
      .reduce((sum, one) => sum + one, 0);
    if (this.isClosed) return 'not_ready';
    if (waiting.length + contents.length > limits.maxDepth) return 'queue_full';
    if (waiting.length > 0 && tokens > limits.maxTokens) return 'queue_full';
    return this.quarantineSeconds(contents) > 0 ? 'engine_failed' : undefined;
  }

  pump(): void {
    while (this.running.length < this.up) {
      const text = this.#first.shift() ?? this.#nextInTurn();
      if (!text) return;
      text.tries += 1;
      this.running.push(text);
      this.begun.push(text.content);
      this.lastAlone = text.alone || undefined;
    }
  }

  #nextInTurn(): ModelText | undefined {
    const caller = this.#callers.shift();
    const request = caller?.rest.shift();
    const text = request?.rest.shift();
    if (request && request.rest.length > 0) caller?.rest.push(request);
    if (caller && caller.rest.length > 0) this.#callers.push(caller);
    return text;
  }

  finish(at: number, busyMs: number): void {
    const text = this.#leave(at);
    const { request } = text;
    this.#deaths.delete(text.content);
    this.queueMs.push(Math.max(this.now - request.admitted - busyMs, 0));
    request.left -= 1;
    if (request.left === 0) this.#settle(request, 'ok');
    this.pump();
  }

  /** The engine could not score the text, or ended of it, or ended of one of several. */
  fail(at: number, how: 'fail' | 'die' | 'die among others'): void {
    if (how !== 'fail') this.up -= 1;
    const text = this.#leave(at);
    if (how === 'die') {
      this.#deaths.set(text.content, [...this.#remembered(text.content), this.now]);
    }
    if (how === 'die among others' && !text.alone) {
      text.alone = true;
      text.tries -= 1;
    }
    if (text.request.outcome === undefined) {
      if (text.tries < TRIES) this.#first.push(text);
      else this.#settle(text.request, 'engine_failed');
    }
    this.pump();
  }

  /** The engine is free before what became of the text is known. */
  #leave(at: number): ModelText {
    const [text] = this.running.splice(at, 1);
    if (!text) throw new Error(`nothing runs at ${at}`);
    this.pump();
    return text;
  }

  giveUp(request: ModelRequest, reason: 'deadline' | 'cancelled'): void {
    if (request.outcome !== undefined) return;
    this.rejected.push(reason);
    this.#settle(request, reason === 'deadline' ? 'deadline_exceeded' : 'client_closed');
  }

  pass(ms: number): void {
    this.now += ms;
    const late = this.open.filter(({ deadline }) => deadline <= this.now);
    for (const request of late.sort((a, b) => a.deadline - b.deadline)) {
      this.giveUp(request, 'deadline');
    }
  }

  #settle(request: ModelRequest, outcome: string): void {
    if (request.outcome !== undefined) return;
    request.outcome = outcome;
    const isOthers = (text: ModelText) => text.request !== request;
    this.#first.splice(0, Infinity, ...this.#first.filter(isOthers));
    for (const { rest } of this.#callers) {
      rest.splice(0, Infinity, ...rest.filter(({ whose }) => whose !== request));
    }
    const busy = this.#callers.filter(({ rest }) => rest.length > 0);
    this.#callers.splice(0, Infinity, ...busy);
  }
}
