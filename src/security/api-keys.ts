import { createHash, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { type Cancel, type Clock, systemClock } from '../clock.ts';
import { AppError, messageOf } from '../errors.ts';
import { readTextFile } from '../files/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { type ApiKey, parseKeyList } from './key-list.ts';

/**
 * Milliseconds between looks at the file. It is looked at rather than listened to: a mounted secret
 * is swapped by moving a link, of which file notifications say nothing.
 */
const LOOK_EVERY_MS = 2_000;

/** Bytes. */
const LARGEST_FILE = 2 ** 20;

/** The API keys of a file, read again when it changes. */
export class ApiKeys {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #stopLooking: Cancel;
  #keys: readonly ApiKey[];
  readonly #reloads = { success: 0, failure: 0 };
  /** Why the file as it is now could not be read. */
  #refused: string | undefined;
  /** Taken before the file is read: what is written while it is read shows at the next look. */
  #fingerprint: string;

  /** AppError `file_missing`, or `config_invalid` where the file is broken. */
  constructor(
    path: string,
    logger: Logger,
    lookEveryMs = LOOK_EVERY_MS,
    clock: Pick<Clock, 'every'> = systemClock,
  ) {
    this.#path = path;
    this.#logger = logger;
    this.#fingerprint = fingerprint(path);
    this.#keys = readKeys(path);
    this.#stopLooking = clock.every(lookEveryMs, () => this.#look());
  }

  /**
   * The key that these characters are. Hashes are compared to the end, and with every key, so that
   * the time it takes says nothing of them.
   */
  find(token: string): ApiKey | undefined {
    const hash = createHash('sha256').update(token).digest();
    let found: ApiKey | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.sha256, hash)) found = key;
    return found;
  }

  /** How often a changed file was read, and how often it could not be. */
  get reloads(): Readonly<Record<'success' | 'failure', number>> {
    return this.#reloads;
  }

  /** Stops looking at the file. */
  close(): void {
    this.#stopLooking();
  }

  #look(): void {
    const now = fingerprint(this.#path);
    const hasChanged = now !== this.#fingerprint;
    // What could not be read may be readable the next time, without a change that shows.
    if (!hasChanged && this.#refused === undefined) return;
    this.#fingerprint = now;
    try {
      this.#keys = readKeys(this.#path);
      this.#refused = undefined;
      this.#reloads.success += 1;
      this.#logger.info('API keys were read again', { keys: this.#keys.length });
    } catch (error) {
      const reason = messageOf(error);
      if (!hasChanged && reason === this.#refused) return;
      this.#refused = reason;
      this.#reloads.failure += 1;
      this.#logger.error('API keys could not be read again; the ones before stay', { reason });
    }
  }
}

/** Changes with the file and with who may read it. A path that cannot even be looked at throws nothing here. */
function fingerprint(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

function readKeys(path: string): ApiKey[] {
  const text = readTextFile(path, {
    name: `security.api_keys_file: ${path}`,
    invalid: 'config_invalid',
    limit: LARGEST_FILE,
    hint: 'name a file of API keys, or leave the key out to keep predictions open',
  });
  try {
    return parseKeyList(text);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `security.api_keys_file: ${path}: ${error.message}`, {
      hint: 'docs/security.md shows how the file is made',
    });
  }
}
