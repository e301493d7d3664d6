import type { Steps } from './program.ts';

/** A place of a text: the character that is next, and what lies behind. Equal ones have the same number. */
export interface PlaceKinds {
  /** Whether the character of a kind of place is in a set. */
  readonly isIn: (kind: number, set: number) => boolean;
  /** Whether what a step looks for lies behind. */
  readonly isBehind: (kind: number, look: number) => boolean;
}

interface State {
  /** A bit for each step: whether a match can be reached from it. */
  readonly bits: Uint32Array;
  /** By kind of place: the state at the place before. */
  readonly next: (number | undefined)[];
}

/** More are forgotten before the next text. */
const MOST_STATES = 10_000;

/** The state at the end of a text, before any place is looked at. */
export const NOTHING = 0;

/**
 * Which steps of a pattern lead to a match, for one place after the other from the end of a text on. A set of steps
 * is a state; what becomes of it is computed once for every kind of place, so that a character costs a look into a table,
 * and at most one look at every step.
 */
export class Automaton {
  readonly #steps: Steps;
  readonly #kinds: PlaceKinds;
  readonly #known = new Map<string, number>();
  readonly #states: State[] = [];

  constructor(steps: Steps, kinds: PlaceKinds) {
    this.#steps = steps;
    this.#kinds = kinds;
    this.#forget();
  }

  /** To be called before a text: states are forgotten where there are many. */
  begin(): void {
    if (this.#states.length > MOST_STATES) this.#forget();
  }

  /** The state at a place, from the one at the next place. */
  before(after: number, kind: number): number {
    const state = this.#states[after] as State;
    const known = state.next[kind];
    if (known !== undefined) return known;
    const found = this.#idOf(this.#computed(state, kind));
    state.next[kind] = found;
    return found;
  }

  leadsToMatch(state: number, step: number): boolean {
    return isSet((this.#states[state] as State).bits, step);
  }

  #computed(after: State, kind: number): Uint32Array {
    const bits = new Uint32Array(after.bits.length);
    const holds = (at: number): boolean => {
      const step = this.#steps.steps[at];
      switch (step?.kind) {
        case 'accept':
          return true;
        case 'set':
          return this.#kinds.isIn(kind, step.set) && isSet(after.bits, step.to);
        case 'split':
          return isSet(bits, step.to) || isSet(bits, step.other);
        case 'ahead':
          return isSet(bits, step.other) !== step.negated && isSet(bits, step.to);
        case 'behind':
          return this.#kinds.isBehind(kind, step.look) !== step.negated && isSet(bits, step.to);
        default:
          return false;
      }
    };
    for (const at of this.#steps.order) {
      if (holds(at)) bits[at >>> 5] = (bits[at >>> 5] as number) | (1 << (at & 31));
    }
    return bits;
  }

  #idOf(bits: Uint32Array): number {
    const key = bits.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#states.push({ bits, next: [] }) - 1;
    this.#known.set(key, id);
    return id;
  }

  #forget(): void {
    this.#states.length = 0;
    this.#known.clear();
    this.#idOf(new Uint32Array(Math.ceil(this.#steps.steps.length / 32)));
  }
}

const isSet = (bits: Uint32Array, at: number): boolean =>
  (((bits[at >>> 5] as number) >>> (at & 31)) & 1) === 1;
