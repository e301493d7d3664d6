import { isNullable, type Syntax } from './syntax.ts';

/**
 * A step of a pattern at a place of a text. `set`: the next character is one of `sets[set]`. `split`: `to`, or else
 * `other`. `ahead`: what begins at `other` holds here, or does not. `behind`: what `program.behind` begins at `look` holds.
 */
export type Step =
  | { readonly kind: 'accept' }
  | { readonly kind: 'set'; readonly set: number; readonly to: number }
  | { readonly kind: 'split'; readonly to: number; readonly other: number }
  | {
      readonly kind: 'ahead';
      readonly negated: boolean;
      readonly other: number;
      readonly to: number;
    }
  | {
      readonly kind: 'behind';
      readonly negated: boolean;
      readonly look: number;
      readonly to: number;
    };

/** Steps that follow each other; those that a step needs at the same place stand before it in `order`. */
export interface Steps {
  readonly steps: readonly Step[];
  readonly order: readonly number[];
  /** Where each pattern begins. */
  readonly starts: readonly number[];
}

export interface Program {
  readonly main: Steps;
  /** The patterns that are looked for behind a place, read from right to left. */
  readonly behind: Steps;
  /** The sets of characters, as JavaScript writes them. */
  readonly sets: readonly string[];
}

/** Steps of a pattern with its repetitions written out: what a character costs at most. */
const MOST_STEPS = 1_000;
/** Each doubles the kinds of places that there can be. */
const MOST_LOOKS_BEHIND = 8;

/** An Error says what of a pattern cannot be matched in linear time. */
export function compile(syntax: Syntax): Program {
  const sets = new Map<string, number>();
  const looks: Syntax[] = [];
  const main = new Compiler(sets, (item) => {
    if (looks.length === MOST_LOOKS_BEHIND) {
      throw new Error(`more than ${MOST_LOOKS_BEHIND} parts look behind`);
    }
    return looks.push(item) - 1;
  });
  main.start(syntax);
  const behind = new Compiler(sets, () => {
    throw new Error('a part that looks behind looks around itself');
  });
  for (const look of looks) behind.start(backwards(look));
  return { main: main.steps(), behind: behind.steps(), sets: [...sets.keys()] };
}

/** What matches the same characters in reverse order. */
function backwards(syntax: Syntax): Syntax {
  switch (syntax.kind) {
    case 'set':
      return syntax;
    case 'look':
      throw new Error('a part that looks behind looks around itself');
    case 'sequence':
      return { kind: 'sequence', items: syntax.items.map(backwards).reverse() };
    case 'choice':
      return { kind: 'choice', options: syntax.options.map(backwards) };
    case 'repeat':
      return { ...syntax, item: backwards(syntax.item) };
  }
}

const ACCEPT = 0;

class Compiler {
  readonly #sets: Map<string, number>;
  readonly #lookBehind: (item: Syntax) => number;
  readonly #steps: Step[] = [{ kind: 'accept' }];
  readonly #starts: number[] = [];

  constructor(sets: Map<string, number>, lookBehind: (item: Syntax) => number) {
    this.#sets = sets;
    this.#lookBehind = lookBehind;
  }

  start(syntax: Syntax): void {
    this.#starts.push(this.#compile(syntax, ACCEPT));
  }

  steps(): Steps {
    return { steps: this.#steps, order: inOrder(this.#steps), starts: this.#starts };
  }

  /** The step at which it begins; behind it comes the step `to`. */
  #compile(syntax: Syntax, to: number): number {
    switch (syntax.kind) {
      case 'set':
        return this.#add({ kind: 'set', set: this.#setOf(syntax.source), to });
      case 'sequence':
        return syntax.items.reduceRight((next, item) => this.#compile(item, next), to);
      case 'choice':
        return syntax.options
          .map((option) => this.#compile(option, to))
          .reduceRight((other, first) => this.#add({ kind: 'split', to: first, other }));
      case 'repeat':
        return this.#repeat(syntax, to);
      case 'look': {
        const { behind, negated, item } = syntax;
        if (behind) return this.#add({ kind: 'behind', negated, look: this.#lookBehind(item), to });
        return this.#add({ kind: 'ahead', negated, other: this.#compile(item, ACCEPT), to });
      }
    }
  }

  #repeat(syntax: Extract<Syntax, { kind: 'repeat' }>, to: number): number {
    const { item, least, most, lazy } = syntax;
    const split = (again: number, on: number): Step =>
      lazy ? { kind: 'split', to: on, other: again } : { kind: 'split', to: again, other: on };
    // Engines differ in what they make of a repetition of nothing.
    if (most > least && isNullable(item)) throw new Error('a part that can be empty is repeated');
    let next = to;
    if (most === Number.POSITIVE_INFINITY) {
      if (isNullable(item))
        throw new Error('a part that can match nothing is repeated without end');
      // The step goes back to itself, so that its place comes first.
      next = this.#add({ kind: 'accept' });
      this.#steps[next] = split(this.#compile(item, next), to);
    } else {
      for (let i = least; i < most; i++) {
        next = this.#add(split(this.#compile(item, next), to));
      }
    }
    for (let i = 0; i < least; i++) {
      const before = this.#compile(item, next);
      if (before === next) break;
      next = before;
    }
    return next;
  }

  #setOf(source: string): number {
    const known = this.#sets.get(source);
    if (known !== undefined) return known;
    this.#sets.set(source, this.#sets.size);
    return this.#sets.size - 1;
  }

  #add(step: Step): number {
    if (this.#steps.length >= MOST_STEPS) {
      throw new Error(`it has more than ${MOST_STEPS} steps once its repetitions are written out`);
    }
    return this.#steps.push(step) - 1;
  }
}

/** Each step behind those that it asks about the same place. No step asks about itself: repeated parts match something. */
function inOrder(steps: readonly Step[]): number[] {
  const done = new Set<number>();
  const visit = (at: number): void => {
    const step = steps[at];
    if (!step || done.has(at)) return;
    if ('to' in step && step.kind !== 'set') visit(step.to);
    if ('other' in step) visit(step.other);
    done.add(at);
  };
  for (const at of steps.keys()) visit(at);
  return [...done];
}
