import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../src/config/index.ts';
import { openAccess } from '../../../src/security/index.ts';
import { keyFile } from '../../support/api-keys.ts';
import { quietLogger } from '../../support/quiet-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const access = (...overrides: string[]) =>
  openAccess(loadConfig({ overrides, env: {} }).config, quietLogger);

/** Requests that are let through at once. */
function burst(...overrides: string[]): number {
  const { rateLimiter } = access(...overrides);
  let allowed = 0;
  while (allowed < 100 && rateLimiter?.take('one') === 0) allowed += 1;
  return allowed;
}

describe('what the configuration says of access', () => {
  it('is by default: no keys, no limit, no origin, no proxy', () => {
    expect(access()).toEqual({ corsOrigins: [], trustedProxies: 0 });
  });

  it('is the keys of the file, the origins and the number of proxies', () => {
    const path = folder.write('keys.json', keyFile({ one: ['predict'] }));
    const { keys, corsOrigins, trustedProxies } = access(
      `security.api_keys_file=${path}`,
      'security.cors_origins=["https://example.org"]',
      'security.trusted_proxies=2',
    );
    keys?.close();
    expect(keys?.find('one')?.name).toBe('holder-of-one');
    expect({ corsOrigins, trustedProxies }).toEqual({
      corsOrigins: ['https://example.org'],
      trustedProxies: 2,
    });
  });

  it('lets a minute’s requests through at once, rounded up, where no burst is named', () => {
    expect(burst('security.rate_limit=2.5')).toBe(3);
    expect(burst('security.rate_limit=2.5', 'security.rate_burst=5')).toBe(5);
  });
});
