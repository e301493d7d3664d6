import { describe, expect, it } from '@jest/globals';
import { parseKeyList } from '../../../src/security/key-list.ts';

const sha256 = 'ab'.repeat(32);
const one = { name: 'web', sha256, scopes: ['predict'] };
const file = (...keys: unknown[]) => JSON.stringify({ keys });

describe('a list of API keys', () => {
  it('is read with names, hashes and scopes', () => {
    const second = { name: 'ops-1', sha256: 'CD'.repeat(32), scopes: ['predict', 'admin'] };
    const keys = parseKeyList(file(one, second));
    expect(keys.map(({ name }) => name)).toEqual(['web', 'ops-1']);
    expect(keys[1]?.sha256.toString('hex')).toBe('cd'.repeat(32));
    expect([...(keys[1]?.scopes ?? [])]).toEqual(['predict', 'admin']);
  });

  it('may be empty: then nobody is let in', () => {
    expect(parseKeyList('{"keys":[]}')).toEqual([]);
  });

  it.each([
    ['{', /not JSON/],
    ['[]', /expected \{"keys"/],
    ['{"keys":{}}', /expected \{"keys"/],
    ['{"keys":[],"more":1}', /nothing else/],
    [file(7), /keys\[0\]: expected an object/],
    [file({ ...one, key: 'secret' }), /keys\[0\]: expected an object of name, sha256 and scopes/],
    [file({ ...one, name: 'a\nb' }), /keys\[0\]\.name/],
    [file({ ...one, sha256: 'secret' }), /keys\[0\]\.sha256: expected the 64 hexadecimal/],
    [file({ ...one, scopes: [] }), /keys\[0\]\.scopes/],
    [file({ ...one, scopes: ['predict', 'root'] }), /keys\[0\]\.scopes: expected .*predict, admin/],
    [file(one, { ...one, sha256: 'cd'.repeat(32) }), /keys\[1\]\.name: another/],
    [file(one, { ...one, name: 'other' }), /keys\[1\]\.sha256: another/],
  ])('%s is refused', (json, says) => {
    expect(() => parseKeyList(json)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(says) }),
    );
  });

  it('has names of 1 to 64 characters and hashes of 64 digits, no one more and no one less', () => {
    const isRead = (change: object) => {
      try {
        return parseKeyList(file({ ...one, ...change })).length === 1;
      } catch {
        return false;
      }
    };
    const lengths = [0, 1, 63, 64, 65];
    const named = lengths.map((length) => isRead({ name: 'k'.repeat(length) }));
    const hashed = lengths.map((length) => isRead({ sha256: 'a'.repeat(length) }));
    expect([named, hashed]).toEqual([
      [false, true, true, true, false],
      [false, false, false, true, false],
    ]);
  });

  it('is never repeated in what is said of it', () => {
    for (const json of ['secret', file({ ...one, sha256: 'secret' }), file({ secret: 1 })]) {
      expect(() => parseKeyList(json)).not.toThrow(/secret/);
      expect(() => parseKeyList(json)).toThrow();
    }
  });
});
