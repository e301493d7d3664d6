import type { Format } from './formats.ts';

/**
 * What a key decides of a training run: the numbers that are `learnt` (another value is another run, with another
 * hash), only the `bundle` that is made of what was learnt (a finished run takes it anew), or `nothing` of both.
 */
export type Decides = 'learnt' | 'bundle' | 'nothing';

export interface Facets {
  /** An existing file or folder: where a file names it, it is relative to that file. */
  readonly input?: true;
  /** A model may have a value of its own where a server has several (`models.settings`). */
  readonly perModel?: true;
}

/** One key: its documentation, what it may be, its value where nobody sets it, and its facets. */
export interface Key<T> extends Facets {
  readonly doc: string;
  readonly format: Format<T>;
  readonly default: T;
  readonly decides: Decides;
}

/** Ties a key's documentation, format and default together and infers the type. */
function deciding(decides: Decides) {
  return <T, const F extends Facets = Record<never, never>>(
    doc: string,
    format: Format<T>,
    value: NoInfer<T>,
    facets?: F,
  ): Key<T> & F => ({ doc, format, default: value, decides, ...(facets as F) });
}

/** There is no key that does not say what it decides. */
export const key = {
  learnt: deciding('learnt'),
  bundle: deciding('bundle'),
  free: deciding('nothing'),
};
