import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { hostileKinds, standsMutations } from '../support/hostile/files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const temporary = temporaryFolder();
const COUNT = 10_000;

describe('ten thousand files with a few small things wrong are read, or refused', () => {
  it.each(Object.entries(hostileKinds))(
    '%s',
    async (name, kind) => {
      const folder = join(temporary.path, name);
      mkdirSync(folder);
      const { read, refused } = await standsMutations(kind, folder, {
        seed: `${name} long`,
        count: COUNT,
      });
      expect(read + refused).toBe(COUNT);
      expect(Math.min(read, refused)).toBeGreaterThan(0);
    },
    600_000,
  );
});
