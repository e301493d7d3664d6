import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { ApiKeys } from '../../src/security/index.ts';
import { quietLogger } from '../support/quiet-logger.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
const document = readFileSync(join(packageRoot, 'docs/security.md'), 'utf8');

describe('docs/security.md', () => {
  it('makes a key and a hash that let its holder in', () => {
    const [, command = ''] = /```sh\n(node -e .*)\n```/.exec(document) ?? [];
    const printed = execFileSync('sh', ['-c', command], { encoding: 'utf8' });
    const [, key = '', hash = ''] = /^key +(\S+)\nsha256 (\S+)\n$/.exec(printed) ?? [];
    const [, file = ''] = /```json\n([^`]*)```/.exec(document) ?? [];
    const filled = file.replace(/<64[^>]*>/, hash).replace(/<64[^>]*>/, 'ab'.repeat(32));
    const keys = new ApiKeys(folder.write('keys.json', filled), quietLogger);
    keys.close();
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(keys.find(key)?.name).toBe('web');
  });
});
