import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareVersions } from '../../../src/bundle/index.ts';

describe('compareVersions', () => {
  it.each([
    ['9', '10'],
    ['1.9', '1.10'],
    ['v1.2.3', 'v1.2.10'],
    ['20261124', '20261201'],
    ['1', '1.1'],
    ['1.0.0-rc.1', '1.0.0'],
    ['1.0.0-alpha', '1.0.0-alpha.1'],
    ['1.0.0-alpha.1', '1.0.0-beta'],
    ['1.0.0-rc.2', '1.0.0-rc.10'],
    ['1.0.0-1', '1.0.0-alpha'],
    ['7cb1a936e6b4', '1'],
    ['latest', '0.1'],
    ['99999999999999999999', '100000000000000000000'],
  ])('puts %s before %s', (lower, higher) => {
    expect(compareVersions(lower, higher)).toBeLessThan(0);
    expect(compareVersions(higher, lower)).toBeGreaterThan(0);
  });

  it('is an order in which only the same text is equal', () => {
    const part = fc.oneof(fc.nat(12).map(String), fc.constantFrom('rc', 'a', '01', ''));
    const version = fc
      .tuple(
        fc.constantFrom('', 'v'),
        fc.array(part, { maxLength: 3 }),
        fc.array(part, { maxLength: 2 }),
      )
      .map(
        ([v, core, before]) =>
          `${v}${core.join('.')}${before.length ? `-${before.join('.')}` : ''}`,
      );
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareVersions(a, b) === 0).toBe(a === b);
        expect(Math.sign(compareVersions(a, b))).toBe(0 - Math.sign(compareVersions(b, a)));
        if (compareVersions(a, b) < 0 && compareVersions(b, c) < 0) {
          expect(compareVersions(a, c)).toBeLessThan(0);
        }
      }),
    );
  });
});
