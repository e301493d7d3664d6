import { chmodSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { ApiKeys } from '../../../src/security/index.ts';
import { createLogger } from '../../../src/telemetry/index.ts';
import { keyFile } from '../../support/api-keys.ts';
import { quietLogger } from '../../support/quiet-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();
const LOOK_MS = 5;

describe('API keys', () => {
  it('are found by what hashes to them, each with its own scopes', () => {
    const path = folder.write('two.json', keyFile({ first: ['predict'], second: ['admin'] }));
    const keys = new ApiKeys(path, quietLogger);
    expect(keys.find('first')?.name).toBe('holder-of-first');
    expect([...(keys.find('second')?.scopes ?? [])]).toEqual(['admin']);
    for (const wrong of ['', 'First', 'first ', 'firs', 'holder-of-first']) {
      expect(keys.find(wrong)).toBeUndefined();
    }
    keys.close();
  });

  it('are not read again while the file stays as it is', async () => {
    const told: string[] = [];
    const logger = { ...quietLogger, info: (message: string) => told.push(message) };
    const keys = new ApiKeys(folder.write('still.json', keyFile({ one: ['predict'] })), logger, 1);
    await sleep(20);
    keys.close();
    expect([told, keys.reloads]).toEqual([[], { success: 0, failure: 0 }]);
  });

  it('are read again when the file changes, and stay while it is broken or gone', async () => {
    const path = folder.write('changing.json', keyFile({ old: ['predict'] }));
    const log = new PassThrough();
    let logged = '';
    log.on('data', (line: Buffer) => {
      logged += line.toString();
    });
    const logger = createLogger({ level: 'info', format: 'json', stream: log });
    const keys = new ApiKeys(path, logger, LOOK_MS);
    writeFileSync(path, '{"keys": [{"name": "half');
    await until(() => logged.includes('the ones before stay'));
    expect(logged).toMatch(/changing\.json: it is not JSON/);
    expect(keys.find('old')).toBeDefined();
    rmSync(path);
    await until(() => logged.includes('does not exist'));
    expect(keys.find('old')).toBeDefined();
    writeFileSync(path, keyFile({ new: ['predict'], other: ['admin'] }));
    await until(() => keys.find('new') !== undefined);
    expect(keys.find('old')).toBeUndefined();
    await until(() => logged.includes('API keys were read again'));
    expect(logged).toMatch(/"keys":2\b/);
    keys.close();
  });

  it('stay while nothing at the path can be looked at, which is counted once, as is their return', async () => {
    const path = folder.write('mounted/keys.json', keyFile({ one: ['predict'] }));
    const mount = join(folder.path, 'mounted');
    const keys = new ApiKeys(path, quietLogger, LOOK_MS);
    expect(keys.reloads).toEqual({ success: 0, failure: 0 });
    renameSync(mount, `${mount}.away`);
    // A file in a folder's place: the path is then no missing file, but an error of its own.
    writeFileSync(mount, '');
    await until(() => keys.reloads.failure > 0);
    await sleep(10 * LOOK_MS);
    expect(keys.reloads).toEqual({ success: 0, failure: 1 });
    expect(keys.find('one')).toBeDefined();
    rmSync(mount);
    renameSync(`${mount}.away`, mount);
    await until(() => keys.reloads.success > 0);
    expect(keys.reloads).toEqual({ success: 1, failure: 1 });
    keys.close();
  });

  it('are read once more where only their rights have changed', async () => {
    const path = folder.write('rights.json', keyFile({ one: ['predict'] }));
    const keys = new ApiKeys(path, quietLogger, LOOK_MS);
    chmodSync(path, 0o400);
    await until(() => keys.reloads.success === 1);
    keys.close();
  });

  it('follow a link that is moved to another file, as with mounted secrets', async () => {
    const path = join(folder.path, 'link.json');
    symlinkSync(folder.write('v1.json', keyFile({ one: ['predict'] })), path);
    const keys = new ApiKeys(path, quietLogger, LOOK_MS);
    symlinkSync(folder.write('v2.json', keyFile({ two: ['predict'] })), `${path}.new`);
    renameSync(`${path}.new`, path);
    await until(() => keys.find('two') !== undefined);
    expect(keys.find('one')).toBeUndefined();
    keys.close();
  });

  it('must be there and right at the start', () => {
    const open = (path: string) => () => new ApiKeys(path, quietLogger);
    expect(open(join(folder.path, 'none.json'))).toThrow(
      expect.objectContaining({
        code: 'file_missing',
        exitCode: 3,
        message: expect.stringMatching(/^security\.api_keys_file: .*none\.json does not exist$/),
      }),
    );
    expect(open(folder.write('broken.json', '[]'))).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        exitCode: 2,
        hint: 'docs/security.md shows how the file is made',
      }),
    );
  });

  it('stand in a file of 1 MiB at most', () => {
    const keys = keyFile({ first: ['predict'] });
    const open = (bytes: number) => {
      const opened = new ApiKeys(folder.write('large.json', keys.padEnd(bytes)), quietLogger);
      opened.close();
      return opened.find('first')?.name;
    };
    for (const bytes of [2 ** 20 - 1, 2 ** 20]) expect(open(bytes)).toBe('holder-of-first');
    expect(() => open(2 ** 20 + 1)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(/large\.json has 1048577 bytes: expected 1048576 at most$/),
      }),
    );
  });
});
