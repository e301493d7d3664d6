import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { watchFolders } from '../../../src/models/watch-bundle.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const LOOK_MS = 2_000;
const names = ['a', 'b'] as const;
type Name = (typeof names)[number];

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

type Step = [what: string, act: (world: World) => void | Promise<void>];

const looks = (count: number): Step => [
  `${count} looks`,
  async (world) => {
    for (let look = 0; look < count; look += 1) await world.look();
  },
];
const readable: readonly Step[] = [
  ['unreadable', (world) => world.setReadable(false)],
  ['readable', (world) => world.setReadable(true)],
];
const of = (name: Name): readonly Step[] => [
  [`${name} changes`, (world) => world.change(name)],
  [`${name} comes`, (world) => world.come(name)],
  [`${name} goes`, (world) => world.go(name)],
];

const step = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...[1, 2, 3].map(looks)) },
  { weight: 3, arbitrary: fc.constantFrom(...names.flatMap(of)) },
  { weight: 1, arbitrary: fc.constantFrom(...readable) },
);

/** Folders in memory, those that are reloaded, and what should have been. */
class World {
  readonly clock = new FakeClock();
  readonly versions = new Map<Name, number>([['a', 0]]);
  readonly reloads: string[] = [];
  readonly wanted: string[] = [];
  unreadable = 0;
  wantedUnreadable = 0;
  #made = 0;
  #isReadable = true;
  #wasReadable = true;
  /** The reload that is under way. */
  #reload: { end: (ok: boolean) => void } | undefined;
  /** Of each folder, what the last look saw, and what was loaded or tried last. */
  readonly #last = new Map<Name, number>();
  readonly #known = new Map<Name, number>([['a', 0]]);
  readonly stop: () => void;

  constructor() {
    this.stop = watchFolders(
      async () => {
        if (!this.#isReadable) throw new Error('not now');
        return [...this.versions.keys()].sort();
      },
      {
        known: new Map([['a', '0']]),
        every: (ms, call) => this.clock.every(ms, call),
        look: async (folder) => String(this.versions.get(folder as Name)),
        onUnreadable: () => {
          this.unreadable += 1;
        },
        reload: (folder) => {
          this.reloads.push(`${folder} ${this.versions.get(folder as Name)}`);
          return new Promise<void>((resolve, reject) => {
            const end = (ok: boolean) => (ok ? resolve() : reject(new Error('refused')));
            this.#reload = { end };
          });
        },
      },
    );
  }

  change(name: Name): void {
    this.#made += 1;
    if (this.versions.has(name)) this.versions.set(name, this.#made);
  }

  come(name: Name): void {
    this.#made += 1;
    if (!this.versions.has(name)) this.versions.set(name, this.#made);
  }

  go(name: Name): void {
    this.versions.delete(name);
  }

  setReadable(is: boolean): void {
    this.#isReadable = is;
  }

  /** Ends a reload, well or not; the look that it belongs to goes on to the next folder. */
  async done(): Promise<void> {
    while (this.#reload) {
      const { end } = this.#reload;
      this.#reload = undefined;
      end(this.#made % 2 === 0);
      await settle();
    }
  }

  async look(): Promise<void> {
    const isBusy = this.#reload !== undefined;
    await this.clock.pass(LOOK_MS, settle);
    if (isBusy) return;
    if (!this.#isReadable) {
      if (this.#wasReadable) this.wantedUnreadable += 1;
      this.#wasReadable = false;
      return;
    }
    this.#wasReadable = true;
    // Others wait for the first reload; nothing changes until the test says so.
    for (const name of [...this.versions.keys()].sort()) {
      const version = this.versions.get(name) ?? 0;
      const isSettled = this.#last.get(name) === version;
      this.#last.set(name, version);
      if (!isSettled || this.#known.get(name) === version) continue;
      this.#known.set(name, version);
      this.wanted.push(`${name} ${version}`);
      await this.done();
    }
  }
}

describe('a watch over folders, whatever becomes of them', () => {
  it('reloads each state once, after it has stayed for two looks, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (happening) => {
        const world = new World();
        for (const [, act] of happening) {
          await act(world);
          expect(world.reloads).toEqual(world.wanted);
          expect(world.unreadable).toBe(world.wantedUnreadable);
        }
        world.stop();
        expect(world.clock.appointments).toBe(0);
      }),
      { numRuns: 200, interruptAfterTimeLimit: 5_000 },
    );
  });

  it('begins no reload while another one is under way', async () => {
    const clock = new FakeClock();
    let [version, reloads] = [1, 0];
    let end = () => {};
    const stop = watchFolders(async () => ['a'], {
      known: new Map([['a', '0']]),
      every: (ms, call) => clock.every(ms, call),
      look: async () => `${version}`,
      reload: () => {
        reloads += 1;
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      },
    });
    for (let look = 0; look < 6; look += 1) {
      await clock.pass(LOOK_MS, settle);
      version += look === 2 ? 1 : 0;
    }
    expect(reloads).toBe(1);
    end();
    await settle();
    for (let look = 0; look < 2; look += 1) await clock.pass(LOOK_MS, settle);
    expect(reloads).toBe(2);
    stop();
  });
});
