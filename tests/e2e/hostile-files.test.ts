import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { hostileKinds, standsMutations } from '../support/hostile/files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// hostile-files.long.test.ts has ten thousand of each.

const temporary = temporaryFolder();

describe('a file with a few small things wrong is read, or refused in words that are safe to print', () => {
  it.each(Object.entries(hostileKinds))('%s', async (name, kind) => {
    const folder = join(temporary.path, name);
    mkdirSync(folder);
    const { read, refused } = await standsMutations(kind, folder, { seed: name, count: 60 });
    // Both happen: the mutations are neither all fatal nor all harmless.
    expect(read + refused).toBe(60);
    expect(refused).toBeGreaterThan(0);
  });
});
