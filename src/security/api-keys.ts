import { createHash, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
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
  readonly #timer: NodeJS.Timeout;
  #keys: readonly ApiKey[];
  /** Taken before the file is read: what is written while it is read shows at the next look. */
  #fingerprint: string;

  /** AppError `file_missing`, or `config_invalid` where the file is broken. */
  constructor(path: string, logger: Logger, lookEveryMs = LOOK_EVERY_MS) {
    this.#path = path;
    this.#logger = logger;
    this.#fingerprint = fingerprint(path);
    this.#keys = readKeys(path);
    this.#timer = setInterval(() => this.#look(), lookEveryMs).unref();
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

  /** Stops looking at the file. */
  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = fingerprint(this.#path);
    if (now === this.#fingerprint) return;
    this.#fingerprint = now;
    try {
      this.#keys = readKeys(this.#path);
      this.#logger.info('API keys were read again', { keys: this.#keys.length });
    } catch (error) {
      const reason = messageOf(error);
      this.#logger.error('API keys could not be read again; the ones before stay', { reason });
    }
  }
}

function fingerprint(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : 'missing';
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
