import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ApiKeys } from '../../../src/security/index.ts';
import { keyFile } from '../../support/api-keys.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { quietLogger } from '../../support/quiet-logger.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const path = join(folder.path, 'keys.json');

/** What may stand at the path. */
const contents = {
  one: keyFile({ one: ['predict'] }),
  two: keyFile({ two: ['predict'], more: ['admin'] }),
  none: '{"keys": []}',
  broken: '{"keys": [{"name": "half',
  'other than keys': '["of another kind altogether"]',
} as const;

type Content = keyof typeof contents | 'gone';

const tokens = ['one', 'two', 'more'] as const;
const holders: Partial<Record<Content, readonly string[]>> = {
  one: ['one'],
  two: ['two', 'more'],
  none: [],
};

/** So far: none leaves a file of a size that another one had, as time stamps may be coarser than looks are apart. */
let changes = 0;

function put(content: Content): void {
  rmSync(path, { force: true });
  if (content === 'gone') return;
  changes += 1;
  // By a rename, so that the file is another one each time.
  writeFileSync(`${path}.new`, contents[content] + ' '.repeat(changes));
  renameSync(`${path}.new`, path);
}

const files = ['one', 'two', 'none', 'broken', 'other than keys', 'gone'] as const;

/** Each is followed by so many looks; 'touched': the same file has another time. */
const events = fc.array(
  fc.record({ change: fc.constantFrom(...files, 'touched' as const, undefined), looks: fc.nat(2) }),
  { maxLength: 25 },
);

/** The file, its keys, and what is to be known of them. */
class World {
  readonly clock = new FakeClock();
  readonly keys: ApiKeys;
  readonly reloads = { success: 0, failure: 0 };
  #there: Content = 'one';
  #valid: Content = 'one';
  /** At the last look. */
  #seen: Content = 'one';
  #hasChanged = false;

  constructor() {
    put('one');
    this.keys = new ApiKeys(path, quietLogger, 2_000, this.clock);
  }

  change(to: Content | 'touched'): void {
    if (to !== 'touched') {
      this.#hasChanged = to !== 'gone' || this.#seen !== 'gone';
      this.#there = to;
      put(to);
    } else if (this.#there !== 'gone') {
      changes += 1;
      utimesSync(path, changes, changes);
      this.#hasChanged = true;
    }
  }

  async look(): Promise<void> {
    await this.clock.pass(2_000);
    const isValid = holders[this.#there] !== undefined;
    if (this.#hasChanged) this.reloads[isValid ? 'success' : 'failure'] += 1;
    if (isValid) this.#valid = this.#there;
    this.#hasChanged = false;
    this.#seen = this.#there;
  }

  get holders(): readonly string[] | undefined {
    return holders[this.#valid];
  }
}

describe('API keys, whatever becomes of their file', () => {
  it('are those of the last file that could be read, each change counted once', async () => {
    await fc.assert(
      fc.asyncProperty(events, async (happening) => {
        const world = new World();
        for (const { change, looks } of happening) {
          if (change) world.change(change);
          for (let look = 0; look < looks; look += 1) {
            await world.look();
            const found = tokens.filter((token) => world.keys.find(token));
            expect(found).toEqual(world.holders);
            expect(world.keys.reloads).toEqual(world.reloads);
          }
        }
        world.keys.close();
        expect(world.clock.appointments).toBe(0);
      }),
      { numRuns: 100, interruptAfterTimeLimit: 5_000 },
    );
  });
});
