import type { Format } from './formats.ts';

/** One key: its documentation, what it may be, and its value where nobody sets it. */
export interface Key<T> {
  readonly doc: string;
  readonly format: Format<T>;
  readonly default: T;
  /** An existing file or folder: where a file names it, it is relative to that file. */
  readonly input?: true;
}

/** Ties a key's documentation, format and default together and infers the type. */
export function key<T>(
  doc: string,
  format: Format<T>,
  value: NoInfer<T>,
  more: Pick<Key<T>, 'input'> = {},
): Key<T> {
  return { doc, format, default: value, ...more };
}
