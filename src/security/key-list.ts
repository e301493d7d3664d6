import { AppError } from '../errors.ts';
import { parseJson } from '../files/index.ts';

export const scopes = ['predict', 'admin'] as const;

export type Scope = (typeof scopes)[number];

/** One API key: only its hash is known here. */
export interface ApiKey {
  readonly name: string;
  /** SHA-256 of the key's characters, 32 bytes. */
  readonly sha256: Buffer;
  readonly scopes: ReadonlySet<Scope>;
}

/** Names go to the log, so they are harmless there. */
const nameFormat = /^[\w.-]{1,64}$/;
const hashFormat = /^[0-9a-f]{64}$/i;
const properties: ReadonlySet<string> = new Set(['name', 'sha256', 'scopes']);

/**
 * Reads `{"keys": [{"name", "sha256", "scopes"}]}`. AppError `config_invalid`, whose message never
 * repeats the file: somebody may have put a key where its hash belongs.
 */
export function parseKeyList(json: string): ApiKey[] {
  const file = parseJson(json, { name: 'it', invalid: 'config_invalid', secret: true });
  if (!isObject(file) || !Array.isArray(file.keys) || Object.keys(file).length !== 1) {
    throw invalid('expected {"keys": [{"name": …, "sha256": …, "scopes": […]}]} and nothing else');
  }
  const keys = file.keys.map((entry: unknown, i) => readKey(entry, `keys[${i}]`));
  refuseRepeated(
    keys.map(({ name }) => name),
    'name',
  );
  refuseRepeated(
    keys.map(({ sha256 }) => sha256.toString('hex')),
    'sha256',
  );
  return keys;
}

function readKey(entry: unknown, at: string): ApiKey {
  if (!isObject(entry) || Object.keys(entry).some((name) => !properties.has(name))) {
    throw invalid(`${at}: expected an object of name, sha256 and scopes alone`);
  }
  const { name, sha256, scopes: given } = entry;
  if (typeof name !== 'string' || !nameFormat.test(name)) {
    throw invalid(`${at}.name: expected up to 64 letters, digits, dots, dashes and underscores`);
  }
  if (typeof sha256 !== 'string' || !hashFormat.test(sha256)) {
    throw invalid(`${at}.sha256: expected the 64 hexadecimal digits of a SHA-256 hash`);
  }
  if (!Array.isArray(given) || given.length === 0 || !given.every(isScope)) {
    throw invalid(`${at}.scopes: expected a list of ${scopes.join(', ')}, not empty`);
  }
  return { name, sha256: Buffer.from(sha256, 'hex'), scopes: new Set<Scope>(given) };
}

function refuseRepeated(values: readonly string[], property: string): void {
  const repeated = values.findIndex((value, i) => values.indexOf(value) < i);
  if (repeated < 0) return;
  throw invalid(`keys[${repeated}].${property}: another key has the same one`);
}

function isScope(value: unknown): value is Scope {
  return scopes.some((scope) => scope === value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): AppError {
  return new AppError('config_invalid', message);
}
