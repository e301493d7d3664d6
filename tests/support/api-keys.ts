import { createHash } from 'node:crypto';
import { ApiKeys } from '../../src/security/index.ts';
import { quietLogger } from './quiet-logger.ts';

/** The contents of a file of API keys, from keys in the clear. */
export function keyFile(keys: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify({
    keys: Object.entries(keys).map(([key, scopes]) => ({
      name: `holder-of-${key}`,
      sha256: createHash('sha256').update(key).digest('hex'),
      scopes,
    })),
  });
}

/** The keys `reader`, `operator` and `deployer`, who may not predict, from a real file that is read once. */
export function testKeys(write: (name: string, content: string) => string): ApiKeys {
  const path = write(
    'test-keys.json',
    keyFile({ reader: ['predict'], operator: ['predict', 'admin'], deployer: ['admin'] }),
  );
  const keys = new ApiKeys(path, quietLogger);
  keys.close();
  return keys;
}
