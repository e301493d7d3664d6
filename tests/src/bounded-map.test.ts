import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BoundedMap } from '../../src/bounded-map.ts';

const event = fc.record({
  what: fc.constantFrom('set', 'set', 'get', 'delete'),
  key: fc.nat(5),
  value: fc.nat(),
});

describe('a bounded map', () => {
  it('has the entries that were written last, and no more than its limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(event), (most, events) => {
        const map = new BoundedMap<number, number>(most);
        let written: (readonly [number, number])[] = [];
        const happen = {
          get: () => {},
          delete: (key: number) => map.delete(key),
          set: (key: number, value: number) => {
            map.set(key, value);
            written = [...written, [key, value] as const];
          },
        };
        for (const { what, key, value } of events) {
          if (what !== 'get') written = written.filter(([one]) => one !== key);
          happen[what as keyof typeof happen](key, value);
          written = written.slice(-most);
          expect(map.get(key)).toBe(new Map(written).get(key));
          expect(map.size).toBe(written.length);
        }
        for (let key = 0; key <= 5; key++) expect(map.get(key)).toBe(new Map(written).get(key));
      }),
    );
  });
});
