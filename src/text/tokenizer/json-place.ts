import { AppError } from '../../errors.ts';
import { shown, shownValue } from '../../files/index.ts';

const PLAIN_KEY = /^\w{1,40}$/;

/** A value of a JSON file that knows where it stands, so that whatever is wrong with it can be named. */
export class JsonPlace {
  readonly value: unknown;
  /** As one would write it: `pre_tokenizer.pretokenizers[1]`; empty for the whole file. */
  readonly path: string;
  /** The file, for messages. */
  readonly origin: string;

  constructor(value: unknown, path: string, origin: string) {
    this.value = value;
    this.path = path;
    this.origin = origin;
  }

  /** Absent and null are the same to Hugging Face's library. */
  get isAbsent(): boolean {
    return this.value === undefined || this.value === null;
  }

  get(key: string): JsonPlace {
    const value = Object.hasOwn(this.object(), key) ? this.object()[key] : undefined;
    const name = PLAIN_KEY.test(key) ? `.${key}` : `[${shown(key)}]`;
    const path = this.path === '' && PLAIN_KEY.test(key) ? key : `${this.path}${name}`;
    return new JsonPlace(value, path, this.origin);
  }

  object(): Readonly<Record<string, unknown>> {
    const { value } = this;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    throw this.expected('an object');
  }

  list(): JsonPlace[] {
    if (!Array.isArray(this.value)) throw this.expected('a list');
    return this.value.map(
      (item: unknown, i) => new JsonPlace(item, `${this.path}[${i}]`, this.origin),
    );
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.expected('a string');
    return this.value;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.expected('true or false');
    return this.value;
  }

  /** An integer from 0 to `most`. */
  integer(most: number): number {
    const { value } = this;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) {
      return value;
    }
    throw this.expected(`an integer from 0 to ${most}`);
  }

  expected(what: string): AppError {
    return this.refused(`${shownValue(this.value)}: expected ${what}`);
  }

  /** AppError `data_invalid` about this place. */
  refused(what: string, hint?: string): AppError {
    const place = this.path === '' ? this.origin : `${this.origin}: ${this.path}`;
    return new AppError('data_invalid', `${place} is ${what}`, hint === undefined ? {} : { hint });
  }
}
