import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { downloadModel } from '../../../training/hub/index.ts';
import { ask } from '../../../training/hub/request.ts';
import { type HubTiming, usualTiming } from '../../../training/hub/timing.ts';
import { type HubServer, hubServer } from '../../support/hub-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const weights = Buffer.alloc(300_000, 'weights ');
const WEIGHTS = 'model.safetensors';
const files = {
  'config.json': '{"model_type":"bert"}',
  'tokenizer.json': '{"version":"1.0"}',
  [WEIGHTS]: weights,
};

let hub: HubServer;
let cache: string;
let shown: string;
let waits: number[];

beforeEach(async () => {
  hub = await hubServer(files);
  cache = mkdtempSync(join(temporary.path, 'cache-'));
  shown = '';
  waits = [];
});
afterEach(() => hub.close());

const download = (timing: Partial<HubTiming> = {}, token?: string): Promise<string> =>
  downloadModel('hf:org/model', {
    screen: { write: (line) => (shown += line) },
    settings: { endpoint: hub.endpoint, cache, offline: false, token },
    timing: {
      pause: 1,
      wait: async (ms) => {
        waits.push(ms);
      },
      ...timing,
    },
  });

/** Every file in the cache, by its path. */
const inCache = (): string[] =>
  readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
const whole = (folder: string) => readFileSync(join(folder, WEIGHTS)).equals(weights);

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

/** Answers GETs of the bytes of a file, behind all redirections. */
function insteadOf(path: string, answer: Answer): void {
  hub.instead = (request, response) => {
    const { method, url = '' } = request;
    const isBytes = url.startsWith('/lfs/') || !path.endsWith('.safetensors');
    if (method !== 'GET' || !url.endsWith(path) || !isBytes) return false;
    answer(response, request);
    return true;
  };
}

/** What a HEAD says of a file. */
function told(path: string, headers: Record<string, string>): void {
  hub.instead = (request, response) => {
    if (request.method !== 'HEAD' || !request.url?.endsWith(path)) return false;
    response.writeHead(200, { 'x-repo-commit': hub.commit, etag: '"1"', ...headers }).end();
    return true;
  };
}

const endless = (response: ServerResponse) => {
  const piece = Buffer.alloc(65_536, 'x');
  const more = () => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
};

describe('the size of a download', () => {
  it('is that which was announced: more is not taken, nothing of it stays, and the connection ends', async () => {
    let ended: Promise<unknown> | undefined;
    insteadOf(WEIGHTS, (response) => {
      ended = once(response, 'close');
      response.writeHead(200);
      endless(response);
    });
    await expect(download()).rejects.toMatchObject({
      code: 'data_invalid',
      message: `the hub sends more of ${WEIGHTS} than the 300000 bytes that it announced`,
      hint: expect.stringContaining('HF_ENDPOINT'),
    });
    await ended;
    expect(inCache().sort()).toEqual(['config.json', 'tokenizer.json']);
  });

  it.each([299_999, 300_001, 2 ** 40])(
    'of %i bytes, announced as others, is refused',
    async (n) => {
      insteadOf(WEIGHTS, (response) => response.writeHead(200, { 'content-length': n }).write('x'));
      await expect(download()).rejects.toMatchObject({
        code: 'data_invalid',
        message: `the hub announced 300000 bytes of ${WEIGHTS} and sends ${n}`,
        hint: 'check HF_ENDPOINT',
      });
      expect(inCache()).not.toContain(WEIGHTS);
    },
  );

  it.each([
    ['config.json', 1],
    ['tokenizer.json', 64],
  ])('of %s has a limit, and so has what comes of it unannounced', async (path, mib) => {
    const most = mib * 2 ** 20;
    told(path, { 'content-length': String(most + 1) });
    await expect(download()).rejects.toMatchObject({
      code: 'data_invalid',
      message: `${path} has ${most + 1} bytes: expected ${mib} MiB at most`,
    });
    expect(hub.requests.filter((line) => line === `GET ${path}`)).toEqual([]);
    hub.instead = (request, response) => {
      if (!request.url?.endsWith(path)) return false;
      response.writeHead(200, { 'x-repo-commit': hub.commit, etag: '"1"' });
      if (request.method === 'HEAD') response.end();
      else endless(response);
      return true;
    };
    await expect(download()).rejects.toThrow(`${path} has more: expected ${mib} MiB at most`);
    expect(inCache().filter((name) => name.startsWith(path))).toEqual([]);
  });

  it('of weights must be told', async () => {
    told(WEIGHTS, { 'x-linked-size': '-1' });
    await expect(download()).rejects.toThrow(`does not say how many bytes ${WEIGHTS} has`);
  });

  it('is not to be packed: an encoding that was not asked for is refused', async () => {
    insteadOf('config.json', (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(files['config.json'])),
    );
    await expect(download()).rejects.toMatchObject({
      code: 'data_invalid',
      message: expect.stringMatching(/sends config\.json as "gzip": expected it as it is/),
    });
    expect(inCache()).toEqual([]);
  });
});

describe('a hub that is silent or slow', () => {
  it('is given up: nothing came, and every try was told', async () => {
    insteadOf(WEIGHTS, (response) => response.writeHead(200).write('some'));
    await expect(download({ silence: 20 })).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringMatching(/cannot be reached: nothing came for 0\.02 s$/),
    });
    expect(shown.match(/nothing came for 0\.02 s: try [2-5] of 5 in 0\.0 s\n/g)).toHaveLength(4);
    expect(waits).toEqual([1, 2, 4, 8]);
  });

  it('is given up before it has answered at all', async () => {
    hub.instead = () => true;
    await expect(download({ silence: 20 })).rejects.toThrow(/nothing came for 0\.02 s/);
    expect(waits).toHaveLength(4);
  });

  it('goes on, where it was silent once, from what was there', async () => {
    let silences = 0;
    insteadOf(WEIGHTS, () => {});
    const { instead } = hub;
    hub.instead = (request, response) => {
      if (silences > 0 || !instead(request, response)) return false;
      silences++;
      response.writeHead(200).write(weights.subarray(0, 100_000));
      return true;
    };
    expect(whole(await download({ silence: 100 }))).toBe(true);
    expect(hub.requests).toContain(`GET ${WEIGHTS} bytes=100000-`);
  });

  it('that drips is given up after the time for the whole file, and what came stays', async () => {
    let now = 0;
    insteadOf(WEIGHTS, (response) => {
      const drip = () => {
        now += 1000;
        if (response.write('x')) setImmediate(drip);
      };
      response.writeHead(200);
      drip();
    });
    const slow = { perFile: 5000, slowest: 100_000, now: () => now };
    await expect(download(slow)).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringMatching(/is too slow: \d+ of 300000 bytes of model\.safetensors came/),
      hint: 'run it again: what is downloaded stays',
    });
    expect(now).toBeGreaterThan(8000);
    expect(inCache().some((name) => /^model\.safetensors\.\w+\.incomplete$/.test(name))).toBe(true);
  });

  it.each([
    ['2', 2000],
    ['0', 1],
  ])('with 429 and Retry-After %s is asked again after that', async (after, wait) => {
    let refused = 0;
    hub.instead = (_, response) => {
      if (refused++ > 0) return false;
      response.writeHead(429, { 'retry-after': after }).end();
      return true;
    };
    expect(whole(await download())).toBe(true);
    expect(waits).toEqual([wait]);
  });

  it('with 429 until a date is not waited for beyond half a minute', async () => {
    const retryAfter = new Date(Date.now() + 3_600_000).toUTCString();
    hub.refusal = { status: 429, headers: { 'retry-after': retryAfter } };
    await expect(download()).rejects.toMatchObject({
      hint: expect.stringMatching(/wait 3[56]\d\d seconds/),
    });
    expect(waits).toEqual([]);
  });
});

describe('ranges', () => {
  const cutAt = 100_000;
  /** Cuts the first answer, and gives this one to whoever asks for the rest. */
  const thenFor = (answer: Answer) => {
    let asked = 0;
    insteadOf(WEIGHTS, () => {});
    const { instead } = hub;
    hub.instead = (request, response) => {
      if (!instead(request, response)) return false;
      asked++;
      if (asked === 1) {
        response.writeHead(200, { etag: '"one"' });
        response.write(weights.subarray(0, cutAt), () => setImmediate(() => response.destroy()));
      } else if (asked === 2) answer(response, request);
      else response.writeHead(200, { 'content-length': weights.length }).end(weights);
      return true;
    };
  };
  const rest =
    (headers: Record<string, string>): Answer =>
    (response) =>
      response.writeHead(206, headers).end(weights.subarray(cutAt));
  const rightRange = `bytes ${cutAt}-299999/300000`;

  it('are put together where they are those that were asked for', async () => {
    thenFor(rest({ 'content-range': rightRange, etag: '"one"' }));
    expect(whole(await download())).toBe(true);
    expect(hub.requests.filter((line) => line.startsWith(`GET ${WEIGHTS}`))).toHaveLength(4);
  });

  it.each<[string, Answer]>([
    ['of another place', rest({ 'content-range': 'bytes 5-200004/300000', etag: '"one"' })],
    ['of another length', rest({ 'content-range': `bytes ${cutAt}-299999/300001`, etag: '"one"' })],
    ['without a place', rest({ etag: '"one"' })],
    ['of what has changed since', rest({ 'content-range': rightRange, etag: '"two"' })],
    ['that cannot be satisfied', (response) => response.writeHead(416).end()],
    ['that are ignored', (response) => response.writeHead(200).end(weights)],
    [
      'with no content',
      (response) => response.writeHead(206, { 'content-range': rightRange, etag: '"one"' }).end(),
    ],
  ])('%s are not put together', async (_, answer) => {
    thenFor(answer);
    expect(whole(await download())).toBe(true);
  });
});

describe('where a hub sends', () => {
  const settings = (token?: string) => ({ endpoint: hub.endpoint, cache, offline: false, token });
  const timing = { ...usualTiming, silence: 1000 };
  const go = (to: string, token?: string) => {
    hub.instead = (request, response) => {
      seen.push([request.url ?? '', request.headers.authorization]);
      if (request.url !== '/start') return false;
      response.writeHead(302, { location: to }).end();
      return true;
    };
    return ask(`${hub.endpoint}/start`, { method: 'GET' }, settings(token), timing);
  };
  let seen: [string, string | undefined][];
  beforeEach(() => {
    seen = [];
  });

  it('the token goes along to the same origin', async () => {
    await (await go('/next', 'secret')).cancel();
    expect(seen).toEqual([
      ['/start', 'Bearer secret'],
      ['/next', 'Bearer secret'],
    ]);
  });

  it.each(['another port', 'another host', 'there and back'])(
    'the token does not go along to %s',
    async (where) => {
      const other = await hubServer({});
      const tokens: (string | undefined)[] = [];
      const { port } = new URL(other.endpoint);
      other.instead = (request, response) => {
        tokens.push(request.headers.authorization);
        if (where !== 'there and back') return false;
        response.writeHead(302, { location: `${hub.endpoint}/back` }).end();
        return true;
      };
      const host = where === 'another host' ? 'localhost' : '127.0.0.1';
      await (await go(`http://${host}:${port}/x`, 'secret')).cancel();
      await other.close();
      expect(tokens).toEqual([undefined]);
      const back = where === 'there and back' ? [['/back', undefined]] : [];
      expect(seen).toEqual([['/start', 'Bearer secret'], ...back]);
    },
  );

  it('the token does not go along to another scheme', async () => {
    const { host } = new URL(hub.endpoint);
    // Of the same host and port, and plain: as if the endpoint spoke https.
    const https = { ...settings('secret'), endpoint: `https://${host}` };
    hub.instead = (request) => {
      seen.push(['', request.headers.authorization]);
      return false;
    };
    await (await ask(`http://${host}/x`, { method: 'GET' }, https, timing)).cancel();
    expect(seen).toEqual([['', undefined]]);
  });

  it.each([
    'file:///etc/passwd',
    'ftp://host/file',
    'data:text/plain,x',
    'javascript:1',
    'http://',
  ])('is not followed to %s', async (to) => {
    await expect(go(to)).rejects.toMatchObject({
      code: 'data_invalid',
      message: expect.stringMatching(/redirects to ".*": expected an http\(s\) address/),
    });
    expect(seen).toHaveLength(1);
  });

  it('is not followed from https to http', async () => {
    const real = globalThis.fetch;
    const asked: string[] = [];
    globalThis.fetch = async (url) => {
      asked.push(String(url));
      return new Response(null, { status: 302, headers: { location: 'http://hub/plain?sig=s' } });
    };
    try {
      const start = ask('https://hub/start', { method: 'GET' }, settings(), timing);
      await expect(start).rejects.toThrow(
        'https://hub redirects to "http://hub": expected https, as before',
      );
    } finally {
      globalThis.fetch = real;
    }
    expect(asked).toEqual(['https://hub/start']);
  });

  it('in a circle is left after five turns', async () => {
    await expect(go('/start')).rejects.toThrow(/redirects more than 5 times/);
    expect(seen).toHaveLength(6);
  });
});

describe('what is no answer of a hub', () => {
  it('is a page in the place of a file: nothing of it stays', async () => {
    const page = Buffer.alloc(weights.length, '<html>sign in</html>');
    insteadOf(WEIGHTS, (response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(page),
    );
    const digest = createHash('sha256').update(page).digest('hex');
    await expect(download()).rejects.toMatchObject({
      code: 'data_invalid',
      message: expect.stringMatching(
        new RegExp(`its sha256 is ${digest}.*it is a web page or XML`),
      ),
    });
    expect(inCache().filter((name) => name.startsWith(WEIGHTS))).toEqual([]);
  });

  it('is a page for every question', async () => {
    hub.instead = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>');
      return true;
    };
    await expect(download()).rejects.toThrow(/does not answer as a hub/);
  });

  it('is an answer without content', async () => {
    insteadOf('config.json', (response) => response.writeHead(204).end());
    await expect(download()).rejects.toThrow(/does not answer as a hub/);
  });

  it('has headers of a megabyte', async () => {
    hub.instead = (_, response) => {
      const lines = Array.from({ length: 1000 }, (_unused, i) => `x-${i}: ${'y'.repeat(1000)}\r\n`);
      response.socket?.end(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`);
      return true;
    };
    await expect(download()).rejects.toMatchObject({
      code: 'file_missing',
      message: expect.stringMatching(/cannot be reached: Headers Overflow/),
    });
  });

  it('is a commit that is a path', async () => {
    told('config.json', { 'x-repo-commit': '../../../../etc' });
    await expect(download()).rejects.toThrow(/commit of config\.json is "\.\.\/\.\.\/.*40 hex/);
    expect(inCache()).toEqual([]);
  });

  it.each(['../out', '/etc/out', 'a/b', 'a\\b', 'a\u0000b', '..\\out', 'a\u001b[31mb'])(
    'is an index of shards that names %j',
    async (name) => {
      hub.files.delete(WEIGHTS);
      const index = { weight_map: { w: `${name}.safetensors` } };
      hub.files.set(`${WEIGHTS}.index.json`, Buffer.from(JSON.stringify(index)));
      await expect(download()).rejects.toMatchObject({
        code: 'data_invalid',
        message: expect.stringMatching(/is no index of shards/),
      });
      expect(existsSync(join(cache, 'out.safetensors'))).toBe(false);
    },
  );

  it('is an index of a hundred thousand shards', async () => {
    hub.files.delete(WEIGHTS);
    const map = Array.from({ length: 100_000 }, (_, i) => [`w${i}`, `s${i}.safetensors`]);
    const index = JSON.stringify({ weight_map: Object.fromEntries(map) });
    hub.files.set(`${WEIGHTS}.index.json`, Buffer.from(index));
    await expect(download()).rejects.toThrow(/names 100000 shards: expected 1000 at most/);
  });
});
