import { AppError } from '../errors.ts';
import { escapeUnseen } from '../files/index.ts';

/** More than these are counted only: nobody reads them, and telling each takes its time. */
const MOST_TOLD = 100;

/** Problems are collected, so that a user sees all of them at once. */
export class Problems {
  readonly #lines: string[] = [];
  #count = 0;

  /** A value that a key does not allow; `origin` is the file, variable or word that it came from. */
  rejectValue(path: string, value: unknown, allowed: string, origin?: string): void {
    const from = origin === undefined ? '' : ` (${origin})`;
    this.reject(() => `${shownPath(path)} is ${shown(value)}${from}: expected ${allowed}`);
  }

  /** @param line what to say, or what makes it, where that takes time */
  reject(line: string | (() => string)): void {
    this.#count++;
    if (this.#count > MOST_TOLD) return;
    this.#lines.push(escapeUnseen(typeof line === 'string' ? line : line()));
  }

  get none(): boolean {
    return this.#count === 0;
  }

  /** AppError `config_invalid` with one line per problem, where there is any. */
  throwIfAny(): void {
    const [first, ...more] = this.#lines;
    if (first === undefined) return;
    const left = this.#count - this.#lines.length;
    const lines = left > 0 ? [...this.#lines, `and ${left} more`] : this.#lines;
    const message =
      more.length === 0
        ? `the configuration is not valid: ${first}`
        : `the configuration has ${this.#count} problems:\n${lines.map((line) => `  ${line}`).join('\n')}`;
    throw new AppError('config_invalid', message, {
      hint: 'configs/README.md lists every key with what it may be',
    });
  }
}

const LONGEST_SHOWN = 80;
const LONGEST_PATH = 120;

/** A name that somebody wrote, cut, and with nothing in it that acts on a terminal. */
export const shownPath = (path: string): string =>
  escapeUnseen(path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path);

export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  // A number that JSON has no word for, such as 1e999, is none of its nulls.
  const json = JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'number' && !Number.isFinite(one) ? String(one) : one,
  );
  return escapeUnseen(json.length > LONGEST_SHOWN ? `${json.slice(0, LONGEST_SHOWN)}…` : json);
}
