import { AppError } from '../errors.ts';

/** Problems are collected, so that a user sees all of them at once. */
export class Problems {
  readonly #lines: string[] = [];

  /** A value that a key does not allow; `origin` is the file, variable or word that it came from. */
  rejectValue(path: string, value: unknown, allowed: string, origin?: string): void {
    const from = origin === undefined ? '' : ` (${origin})`;
    this.#lines.push(`${path} is ${shown(value)}${from}: expected ${allowed}`);
  }

  reject(line: string): void {
    this.#lines.push(line);
  }

  get none(): boolean {
    return this.#lines.length === 0;
  }

  /** AppError `config_invalid` with one line per problem, where there is any. */
  throwIfAny(): void {
    const [first, ...more] = this.#lines;
    if (first === undefined) return;
    const message =
      more.length === 0
        ? `the configuration is not valid: ${first}`
        : `the configuration has ${this.#lines.length} problems:\n${this.#lines.map((line) => `  ${line}`).join('\n')}`;
    throw new AppError('config_invalid', message, {
      hint: 'configs/README.md lists every key with what it may be',
    });
  }
}

const LONGEST_SHOWN = 80;

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  // A number that JSON has no word for, such as 1e999, is none of its nulls.
  const json = JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'number' && !Number.isFinite(one) ? String(one) : one,
  );
  return json.length > LONGEST_SHOWN ? `${json.slice(0, LONGEST_SHOWN)}…` : json;
}
