import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ModelHost } from '../../../src/models/model-host.ts';
import { ModelHosts } from '../../../src/models/model-hosts.ts';

interface Fake {
  readonly name: string;
  readonly version: string;
  readonly queueDepth: number;
  readonly memoryBytes: number;
  readonly current: { readonly model: { readonly name: string; readonly version: string } };
  /** What was asked of it. */
  readonly asked: string[];
}

const names = ['a', 'b', 'default'] as const;
/** In their order. */
const versions = ['1', '2', '10'] as const;

function fake(name: string, version: string, depth: number): Fake & ModelHost {
  const asked: string[] = [];
  const ask = (what: string) => async () => {
    asked.push(what);
  };
  const host = {
    ...{
      name,
      version,
      queueDepth: depth,
      asked,
      memoryBytes: depth * 1000,
      current: { model: { name, version } },
    },
    ...{ drained: ask('drained'), close: ask('close'), stop: ask('stop') },
  };
  return host as unknown as Fake & ModelHost;
}

const events = fc.array(
  fc.record({
    what: fc.constantFrom('come', 'come aside', 'serve', 'go aside', 'forget'),
    at: fc.nat(20),
    name: fc.constantFrom(...names),
    version: fc.constantFrom(...versions),
    depth: fc.nat(9),
  }),
  { maxLength: 30 },
);

type Standing = 'served' | 'aside';

/** Does it to the hosts and to a plain list of who stands where. */
function happen(
  hosts: ModelHosts,
  all: Map<Fake & ModelHost, Standing>,
  {
    what,
    at,
    name,
    version,
    depth,
  }: { what: string; at: number; name: string; version: string; depth: number },
): void {
  const isServed = [...all].some(
    ([one, where]) => where === 'served' && one.name === name && one.version === version,
  );
  const one = fake(name, version, depth);
  const pick = (standing: Standing) => {
    const some = [...all].filter(([, where]) => where === standing).map(([host]) => host);
    return some[at % Math.max(some.length, 1)];
  };
  if (what === 'come' && !isServed) {
    hosts.serve(one);
    all.set(one, 'served');
  }
  if (what === 'come aside') {
    hosts.putAside(one);
    all.set(one, 'aside');
  }
  const [aside, served] = [pick('aside'), pick('served')];
  const isTwin = [...all].some(
    ([host, where]) =>
      where === 'served' && host.name === aside?.name && host.version === aside.version,
  );
  if (what === 'serve' && aside && !isTwin) {
    hosts.serve(aside);
    all.set(aside, 'served');
  }
  if (what === 'go aside' && served && served.queueDepth !== -1) {
    hosts.putAside(served);
    all.set(served, 'aside');
  }
  if (what === 'forget' && aside) {
    hosts.forget(aside);
    all.delete(aside);
  }
}

function expectSame(hosts: ModelHosts, all: ReadonlyMap<Fake & ModelHost, Standing>): void {
  const served = [...all].flatMap(([host, where]) => (where === 'served' ? [host] : []));
  const highest = (name: string) =>
    served
      .filter((one) => one.name === name)
      .sort((a, b) => Number(a.version) - Number(b.version))
      .at(-1);
  for (const name of names) expect(hosts.find(name)).toBe(highest(name));
  for (const one of served) expect(hosts.find(one.name, one.version)).toBe(one);
  expect(hosts.find('a', '3')).toBeUndefined();
  const inOrder = names.flatMap((name) =>
    served.filter((one) => one.name === name).sort((a, b) => Number(a.version) - Number(b.version)),
  );
  expect(hosts.served).toEqual(inOrder);
  expect(hosts.default).toBe(highest('default'));
  // Also of those that are loading, or finish their requests.
  const depth = [...all.keys()].reduce((sum, host) => sum + host.queueDepth, 0);
  expect(hosts.queueDepth).toBe(depth);
  expect(hosts.memoryBytes).toBe(depth * 1000);
}

describe('the models of a server, as they come and go', () => {
  it('are found by name and version while they are served, and counted until their engines are gone', async () => {
    await fc.assert(
      fc.asyncProperty(events, async (happening) => {
        const hosts = new ModelHosts('default');
        const last = fake('default', '0', -1);
        const all = new Map<Fake & ModelHost, Standing>([[last, 'served']]);
        hosts.serve(last);
        for (const event of happening) {
          happen(hosts, all, event);
          expectSame(hosts, all);
        }
        await hosts.drained();
        hosts.close();
        expect(hosts.isStopped).toBe(true);
        await hosts.stop();
        for (const host of all.keys()) expect(host.asked).toEqual(['drained', 'close', 'stop']);
      }),
    );
  });

  it('are asked by name and version, else by name, else by default', () => {
    const hosts = new ModelHosts('default');
    const all = [fake('a', '1', 0), fake('a', '2', 0), fake('default', '1', 0)];
    hosts.serve(...all);
    expect(hosts.named({ name: 'a', version: '1' })).toBe(all[0]);
    expect(hosts.named({ name: 'a' })).toBe(all[1]);
    expect(hosts.named({ name: 'a', version: '3' })).toBe(all[1]);
    expect(hosts.named({ name: 'b' })).toBe(all[2]);
    expect(hosts.named()).toBe(all[2]);
  });

  it('have no default of a name that is gone', () => {
    const hosts = new ModelHosts('gone');
    hosts.serve(fake('a', '1', 0), fake('b', '1', 0));
    expect(() => hosts.default).toThrow(/the default model is gone/);
  });

  it('are one alone that answers for whatever its name is, where they lie in no folder', () => {
    const hosts = new ModelHosts('mbti');
    const one = fake('another name', '1', 0);
    hosts.serve(one);
    expect(hosts.default).toBe(one);
  });
});
