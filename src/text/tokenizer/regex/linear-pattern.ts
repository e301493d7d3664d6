import { Automaton, NOTHING } from './automaton.ts';
import { compile, type Program, type Step } from './program.ts';
import { parse } from './syntax.ts';

/** A stretch of a text, in code units. */
export type Stretch = readonly [start: number, end: number];

/** No character follows: the end of a text is a kind of place of its own. */
const END = -1;

/**
 * The matches that JavaScript's own engine finds, in time linear in the text: what can be matched is computed
 * once for every place, from the end on, and then the first way of every choice that leads to a match is taken.
 * JavaScript tries one way after the other, which takes exponential time for patterns such as `(a+)+$`.
 */
export class LinearPattern {
  readonly #program: Program;
  readonly #characters: CharacterKinds;
  readonly #main: Automaton;
  readonly #behind: Automaton;
  /** Looks behind double the kinds of places, each. */
  readonly #looks: number;
  readonly #start: number;

  /** @param source of an expression with the flags `gu`. An Error names what cannot be matched in linear time. */
  constructor(source: string) {
    this.#program = compile(parse(source));
    const { main, behind, sets } = this.#program;
    this.#characters = new CharacterKinds(sets);
    this.#looks = behind.starts.length;
    this.#start = main.starts[0] ?? 0;
    this.#main = new Automaton(main, {
      isIn: (kind, set) => this.#characters.isIn(kind >>> this.#looks, set),
      isBehind: (kind, look) => ((kind >>> look) & 1) === 1,
    });
    this.#behind = new Automaton(behind, {
      isIn: (kind, set) => this.#characters.isIn(kind, set),
      isBehind: () => false,
    });
  }

  /** All matches from left to right; empty ones are among them. */
  matches(text: string): Stretch[] {
    const states = this.#states(text);
    const found: Stretch[] = [];
    for (let at = 0; at <= text.length; ) {
      const state = states[at] as number;
      const end = this.#main.leadsToMatch(state, this.#start) ? this.#end(text, at, states) : END;
      if (end !== END) found.push([at, end]);
      at = end > at ? end : after(text, at);
    }
    return found;
  }

  /** Where the match at a place ends: the way of the first alternatives that lead to one. */
  #end(text: string, start: number, states: Uint32Array): number {
    const { steps } = this.#program.main;
    let at = start;
    let step = steps[this.#start] as Step;
    while (step.kind !== 'accept') {
      let next = step.to;
      if (step.kind === 'set') at = after(text, at);
      else if (step.kind === 'split' && !this.#main.leadsToMatch(states[at] as number, next)) {
        next = step.other;
      }
      step = steps[next] as Step;
    }
    return at;
  }

  /** The main automaton's state at every place. */
  #states(text: string): Uint32Array {
    const behind = this.#lookedBehind(text);
    const states = new Uint32Array(text.length + 1);
    this.#main.begin();
    let state = NOTHING;
    for (let at = text.length; at >= 0; at = before(text, at)) {
      const character = this.#characters.kindOf(text.codePointAt(at));
      state = this.#main.before(state, (character << this.#looks) | (behind[at] ?? 0));
      states[at] = state;
    }
    return states;
  }

  /** For every place a bit for each pattern that is looked for behind. */
  #lookedBehind(text: string): Uint8Array {
    if (this.#looks === 0) return new Uint8Array();
    const { starts } = this.#program.behind;
    const bits = new Uint8Array(text.length + 1);
    this.#behind.begin();
    let state = NOTHING;
    for (let at = 0, last = END; at <= text.length; last = at, at = after(text, at)) {
      const character = last === END ? undefined : text.codePointAt(last);
      state = this.#behind.before(state, this.#characters.kindOf(character));
      for (const [look, start] of starts.entries()) {
        if (this.#behind.leadsToMatch(state, start)) bits[at] = (bits[at] as number) | (1 << look);
      }
    }
    return bits;
  }
}

/** Characters that are in the same sets are of one kind. */
class CharacterKinds {
  readonly #sets: readonly RegExp[];
  /** By kind: the sets that its characters are in. */
  readonly #kinds: boolean[][] = [];
  readonly #known = new Map<string, number>();
  /** One more than the kind; 0 where it is not known yet. */
  readonly #basic = new Uint16Array(2 ** 16);
  readonly #others = new Map<number, number>();
  readonly #end: number;

  constructor(sets: readonly string[]) {
    this.#sets = sets.map((source) => new RegExp(`^(?:${source})$`, 'u'));
    this.#end = this.#kind(this.#sets.map(() => false));
  }

  isIn(kind: number, set: number): boolean {
    return this.#kinds[kind]?.[set] === true;
  }

  /** Of a code point; undefined stands for the end of a text. */
  kindOf(codePoint: number | undefined): number {
    if (codePoint === undefined) return this.#end;
    const basic = codePoint < this.#basic.length;
    const known = basic ? this.#basic[codePoint] : this.#others.get(codePoint);
    if (known) return known - 1;
    const character = String.fromCodePoint(codePoint);
    const kind = this.#kind(this.#sets.map((set) => set.test(character)));
    if (basic) this.#basic[codePoint] = kind + 1;
    else this.#others.set(codePoint, kind + 1);
    return kind;
  }

  #kind(sets: boolean[]): number {
    const key = sets.map(Number).join('');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const kind = this.#kinds.push(sets) - 1;
    this.#known.set(key, kind);
    return kind;
  }
}

/** The next place: a pair of surrogates is one character. */
const after = (text: string, at: number): number =>
  at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

function before(text: string, at: number): number {
  return at >= 2 && (text.codePointAt(at - 2) ?? 0) > 0xffff ? at - 2 : at - 1;
}
