import { describe, expect, it } from '@jest/globals';
import type { AppDeps } from '../../../src/http/index.ts';
import { testKeys } from '../../support/api-keys.ts';
import { testServer } from '../../support/http-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();
const keys = testKeys(folder.write);

const limits = {
  maxBodyBytes: 1e6,
  maxTexts: 64,
  maxWindows: 4,
  maxDepth: 1000,
  timeoutMs: 60_000,
};
const single = 'one text of somebody else';

type Headers = Readonly<Record<string, string>>;

/** Texts that are begun before another caller's only one, when ten requests of 64 texts came before it. */
async function begunBefore(access: AppDeps['access'], [greedy, modest]: [Headers, Headers]) {
  const { url, fakes, scheduler } = await testServer({
    engines: 2,
    limits,
    ...(access ? { access } : {}),
  });
  fakes.auto = false;
  const post = async (headers: Headers, body: unknown) => {
    const response = await fetch(`${url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return response.status;
  };
  const texts = Array.from({ length: 64 }, (_, i) => `text ${i} of a client that sends many`);
  const many = Array.from({ length: 10 }, () => post(greedy, { texts }));
  // Two are begun.
  await until(() => scheduler.depth === 638);
  const one = post(modest, { text: single });
  await until(() => scheduler.depth === 639);
  fakes.auto = true;
  for (const job of [...fakes.running]) job.finish();
  expect(await one).toBe(200);
  expect(new Set(await Promise.all(many))).toEqual(new Set([200]));
  return fakes.begun.indexOf(single);
}

const forwarded = (address: string) => ({ 'x-forwarded-for': address });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** Two texts that engines are at, two that were sent ahead, and one turn. */
const FEW = 5;

describe('a single text beside ten requests of 64 texts', () => {
  it("has its turn at once where those are another API key's", async () => {
    expect(await begunBefore({ keys }, [bearer('reader'), bearer('operator')])).toBeLessThanOrEqual(
      FEW,
    );
  });

  it('has its turn at once where those are of another address, by a proxy that is trusted', async () => {
    const callers: [Headers, Headers] = [forwarded('192.0.2.1'), forwarded('192.0.2.2')];
    expect(await begunBefore({ trustedProxies: 1 }, callers)).toBeLessThanOrEqual(FEW);
  });

  it('waits for a turn of each request where a header alone says that it is of another address', async () => {
    const callers: [Headers, Headers] = [forwarded('192.0.2.1'), forwarded('192.0.2.2')];
    const before = await begunBefore(undefined, callers);
    expect(before).toBeGreaterThan(FEW);
    expect(before).toBeLessThan(20);
  });
});
