import type { Node, Value } from './graph.ts';

/**
 * So many nodes that pass a value on are looked through, where exporters write two or three: whoever asks it of
 * every node of a chain would else walk the chain as often as it is long.
 */
const MOST_PASSED = 32;

/** The value that one is made from by nodes that pass their first input on. */
export function behind(value: Value, passes: (node: Node) => boolean): Value {
  let at = value;
  for (let passed = 0; passed < MOST_PASSED; passed++) {
    const { producer } = at;
    const [input] = producer?.inputs ?? [];
    if (producer === undefined || input === undefined || !passes(producer)) return at;
    at = input;
  }
  return at;
}

/** How many more values a search may look at. A formula may read its parts twice at every step. */
export class Budget {
  #left: number;

  constructor(most: number) {
    this.#left = most;
  }

  /** Takes one; false where none is left. */
  take(): boolean {
    return --this.#left >= 0;
  }
}
