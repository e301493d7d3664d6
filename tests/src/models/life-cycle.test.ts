import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareVersions } from '../../../src/bundle/index.ts';
import { ModelRepository } from '../../../src/models/index.ts';
import { highest } from '../../../src/models/open-models.ts';
import {
  type Content,
  FakeDisk,
  type FakeInstance,
  FakeInstances,
} from '../../support/fake-models.ts';

interface Log {
  readonly metrics: string[];
  readonly lines: string[];
}

/** A server's models `a` 1 and `b` 1, `a` by default, on a disk and with engines that are none. */
async function setUp({ versions = null }: { versions?: number | null } = {}) {
  const disk = new FakeDisk();
  const instances = new FakeInstances();
  const log: Log = { metrics: [], lines: [] };
  const state = { draining: false };
  for (const name of ['a', 'b']) disk.bundles.set(disk.folderOf(name, '1'), 'good 0');
  const models = await Promise.all(
    disk.found().map(async (found) => ({ found, opened: await disk.open(found) })),
  );
  const opened = { models, source: disk, isFolder: true, defaultName: 'a' };
  const repository = new ModelRepository(opened, {
    source: disk,
    versions,
    cores: 4,
    loadTimeoutMs: 20_000,
    open: disk.open,
    createInstance: instances.create,
    metrics: {
      modelServed: ({ name, version }, before) =>
        log.metrics.push(`served ${name} ${version}${before ? ` for ${before.version}` : ''}`),
      modelGone: ({ name, version }) => log.metrics.push(`gone ${name} ${version}`),
      reloaded: (name, outcome) => log.metrics.push(`reloaded ${name} ${outcome}`),
    },
    logger: {
      info: (line: string) => log.lines.push(line),
      error: (line: string) => log.lines.push(line),
    } as never,
    isDraining: () => state.draining,
  });
  await repository.hosts.ready(20_000);
  const put = (name: string, version: string, content: Content) =>
    disk.bundles.set(disk.folderOf(name, version), content);
  const gone = (name: string, version: string) => disk.bundles.delete(disk.folderOf(name, version));
  const served = () =>
    repository.hosts.served.map(
      ({ current: { model } }) => `${model.name} ${model.version} ${model.precision}`,
    );
  const currentOf = (name: string) =>
    repository.hosts.find(name)?.current as unknown as FakeInstance;
  const load = (name: string) =>
    repository.load(name).then(
      ({ version, precision }) => `${version} ${precision}`,
      ({ code }) => String(code),
    );
  return { repository, disk, instances, log, state, put, gone, served, currentOf, load };
}

describe('a model that is loaded anew', () => {
  it('takes the place of the old one, which finishes its requests first', async () => {
    const { repository, instances, put, served, currentOf, load, log } = await setUp();
    const old = currentOf('a');
    old.begin();
    put('a', '1', 'good 1');
    expect(await load('a')).toBe('1 good 1');
    expect(served()).toEqual(['a 1 good 1', 'b 1 good 0']);
    expect(repository.hosts.named().current).not.toBe(old);
    expect([old.events, repository.hosts.memoryBytes]).toEqual([['retire'], 3000]);
    old.finish();
    await settled();
    expect(old.isGone).toBe(true);
    expect([instances.living.length, repository.hosts.memoryBytes]).toEqual([2, 2000]);
    expect(log.metrics).toEqual(['served a 1 for 1', 'reloaded a success']);
  });

  it.each<[string, Content, string]>([
    ['cannot be read', 'unreadable', 'bundle_invalid'],
    ['never answers a warm-up', 'cold', 'engine_failed'],
  ])(
    'is not served where it %s: the old one is, and nothing of the new one runs',
    async (_, content, code) => {
      const { put, served, currentOf, load, instances, log } = await setUp();
      const old = currentOf('a');
      put('a', '1', content);
      expect(await load('a')).toBe(code);
      expect(served()).toEqual(['a 1 good 0', 'b 1 good 0']);
      expect([currentOf('a'), old.events, instances.living.length]).toEqual([old, [], 2]);
      expect(log.metrics).toEqual(['reloaded a failure']);
      expect(log.lines).toEqual(['the bundle was not reloaded: the old one is served on']);
      put('a', '1', 'good 2');
      expect(await load('a')).toBe('1 good 2');
    },
  );

  it('is the newest there is, however many ask for it while one is loaded', async () => {
    const { put, load, instances } = await setUp();
    instances.meanwhile = async () => {
      instances.meanwhile = async () => {};
      put('a', '1', 'good 2');
    };
    put('a', '1', 'good 1');
    const first = load('a');
    await settled();
    expect(await Promise.all([first, load('a'), load('a')])).toEqual([
      '1 good 1',
      ...['1 good 2', '1 good 2'],
    ]);
    expect(instances.made.length).toBe(4);
  });

  it('is loaded by itself where the engines of the old one cannot be started again', async () => {
    const { put, served, currentOf, load } = await setUp();
    const old = currentOf('b');
    put('b', '1', 'good 1');
    old.context.onLost();
    await settled();
    await settled();
    expect(served()).toEqual(['a 1 good 0', 'b 1 good 1']);
    // It is the one that is served no longer: nothing is loaded for it.
    put('b', '1', 'good 2');
    old.context.onLost();
    await settled();
    expect(served()).toEqual(['a 1 good 0', 'b 1 good 1']);
    expect(await load('b')).toBe('1 good 2');
  });
});

describe('the versions of a model', () => {
  it('come and go beside each other; the last one of a name stays when its folder is gone', async () => {
    const { put, gone, served, load, log } = await setUp();
    put('a', '10', 'good 1');
    put('a', '9', 'good 2');
    expect(await load('a')).toBe('10 good 1');
    expect(served()).toEqual(['a 1 good 0', 'a 9 good 2', 'a 10 good 1', 'b 1 good 0']);
    gone('a', '10');
    expect(await load('a')).toBe('9 good 2');
    expect(served()).toEqual(['a 1 good 0', 'a 9 good 2', 'b 1 good 0']);
    gone('a', '1');
    gone('a', '9');
    expect(await load('a')).toBe('bundle_missing');
    expect(served()).toEqual(['a 1 good 0', 'a 9 good 2', 'b 1 good 0']);
    expect(log.metrics.filter((line) => line.startsWith('gone'))).toEqual(['gone a 10']);
  });

  it('are as many as are wanted: the highest', async () => {
    const { put, served, load } = await setUp({ versions: 1 });
    put('a', '2', 'good 1');
    await load('a');
    expect(served()).toEqual(['a 2 good 1', 'b 1 good 0']);
    put('a', '3', 'cold');
    expect(await load('a')).toBe('engine_failed');
    expect(served()).toEqual(['a 2 good 1', 'b 1 good 0']);
  });

  it('are not loaded again where nothing of them has changed, unless they are asked for', async () => {
    const { put, load, instances } = await setUp();
    put('a', '2', 'good 1');
    await load('a');
    // The one that was there has been asked for, too.
    expect(instances.made.map(({ model }) => model.version)).toEqual(['1', '1', '1', '2']);
  });
});

describe('a model', () => {
  it('is not found where nothing has its name', async () => {
    const { load } = await setUp();
    expect(await load('c')).toBe('not_found');
  });

  it('says how it is', async () => {
    const { repository, currentOf, state } = await setUp();
    const statuses = () => repository.hosts.statuses().map((one) => `${one.state} ${one.workers}`);
    expect(statuses()).toEqual(['ok 1', 'ok 1']);
    currentOf('b').enginesUp = 0;
    expect(statuses()).toEqual(['ok 1', 'unavailable 0']);
    currentOf('b').enginesUp = 1;
    currentOf('b').isCrashLooping = true;
    expect(statuses()).toEqual(['ok 1', 'unavailable 1']);
    state.draining = true;
    expect(statuses()).toEqual(['draining 1', 'draining 1']);
  });

  it('that is loaded when the server stops is not served, and its engines end with the others', async () => {
    const { repository, put, served, load, instances } = await setUp();
    let stopping: Promise<void> | undefined;
    instances.meanwhile = async () => {
      stopping = repository.hosts.stop();
    };
    put('c', '1', 'good 1');
    put('a', '1', 'good 1');
    expect(await load('a')).toBe('not_ready');
    await stopping;
    expect([served(), instances.living]).toEqual([['a 1 good 0', 'b 1 good 0'], []]);
    expect(await load('c')).toBe('not_ready');
    expect(instances.living).toEqual([]);
  });
});

const names = ['a', 'b', 'c'] as const;
const contents = fc.oneof(
  fc.constantFrom<Content>('unreadable', 'cold'),
  fc.nat(9).map((n): Content => `good ${n}`),
);
const happenings = fc.array(
  fc.record({
    what: fc.constantFrom(
      'put',
      'put',
      'remove',
      'load',
      'load',
      'reload all',
      'request',
      'answer',
    ),
    name: fc.constantFrom(...names),
    version: fc.constantFrom('1', '2', '10'),
    content: contents,
  }),
  { maxLength: 25 },
);

/** What is served, by folder, and what it holds: as the documents say it. */
class Expected {
  readonly served = new Map([
    ['/models/a/1', 'good 0'],
    ['/models/b/1', 'good 0'],
  ] as [string, Content][]);
  readonly #disk: FakeDisk;
  readonly #versions: number | null;

  constructor(disk: FakeDisk, versions: number | null) {
    this.#disk = disk;
    this.#versions = versions;
  }

  /** The outcome of loading a name: every version until one fails, then those that are gone. */
  load(name: string): boolean {
    const isServed = [...this.served.keys()].some((dir) => dir.split('/')[2] === name);
    const found = this.#disk.found().filter((one) => one.name === name);
    if (found.length === 0) return false;
    const wanted = highest(found, this.#versions).map(({ dir }) => dir);
    for (const dir of wanted) {
      const content = this.#disk.bundles.get(dir);
      if (!content?.startsWith('good')) return false;
      this.served.set(dir, content);
    }
    if (!isServed) return true;
    for (const dir of [...this.served.keys()]) {
      if (dir.split('/')[2] === name && !wanted.includes(dir)) this.served.delete(dir);
    }
    return true;
  }

  get lines(): string[] {
    return [...this.served]
      .map(([dir, content]) => [...dir.split('/').slice(2), content] as const)
      .sort(([a, v], [b, w]) =>
        a === b ? compareVersions(v ?? '', w ?? '') : (a ?? '') < (b ?? '') ? -1 : 1,
      )
      .map((parts) => parts.join(' '));
  }
}

type Happening = Parameters<typeof happen>[1];

interface Run {
  readonly server: Awaited<ReturnType<typeof setUp>>;
  readonly expected: Expected;
  /** Of each request that is not answered yet, the instance that it came to. */
  readonly open: FakeInstance[];
}

async function happen(
  { server, expected, open }: Run,
  event: { what: string; name: string; version: string; content: Content },
): Promise<void> {
  const { repository, disk, put, gone, served, currentOf, load } = server;
  const { what, name, version, content } = event;
  const does: Record<string, () => unknown> = {
    put: () => put(name, version, content),
    remove: () => gone(name, version),
    load: async () => {
      const isGood = expected.load(name);
      expect(/ good /.test(await load(name))).toBe(isGood);
    },
    'reload all': async () => {
      const lines = [...served(), ...(await disk.names())];
      for (const one of new Set(lines.map((line) => line.split(' ')[0] ?? ''))) expected.load(one);
      await repository.reload().catch(() => {});
    },
    request: () => {
      if (!repository.hosts.find(name)) return;
      currentOf(name).begin();
      open.push(currentOf(name));
    },
    answer: () => open.shift()?.finish(),
  };
  await does[what]?.();
  await settled();
}

function expectRight({ server, expected, open }: Run): void {
  const { repository, instances, served } = server;
  expect(served()).toEqual(expected.lines);
  for (const instance of open) expect(instance.isGone).toBe(false);
  // What runs is served, or has requests to answer.
  const current = repository.hosts.served.map((host) => host.current as unknown);
  for (const one of instances.living) {
    expect(current.includes(one) || one.requests > 0).toBe(true);
  }
}

async function expectRightAfter(
  versions: number | null,
  happening: readonly Happening[],
): Promise<void> {
  const server = await setUp({ versions });
  const { hosts } = server.repository;
  const run = { server, expected: new Expected(server.disk, versions), open: [] };
  for (const event of happening) {
    await happen(run, event);
    expectRight(run);
  }
  hosts.close();
  await hosts.stop();
  await settled();
  expect(server.instances.living).toEqual([]);
}

describe('whatever happens to the models of a server', () => {
  it.each([null, 2])(
    'what is served is what could be loaded last, no request loses its engines, and nothing is left running (versions: %s)',
    async (versions) => {
      const property = fc.asyncProperty(happenings, (happening) =>
        expectRightAfter(versions, happening),
      );
      await fc.assert(property, { numRuns: 60 });
    },
  );
});
