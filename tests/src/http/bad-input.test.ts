import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseStrictJson } from '../../../src/http/body/strict-json.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { sendRaw } from '../../support/raw-http.ts';

const good = 'I enjoy solving complex problems alone.';
const quoted = JSON.stringify(good);
const json = { 'content-type': 'application/json' };
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

interface Case {
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly path?: string;
}

/** What is sent, and the status and code that it gets. */
const cases: [string, Case, number, string][] = [
  ['no body', { body: '' }, 400, 'invalid_json'],
  ['words', { body: 'I enjoy books' }, 400, 'invalid_json'],
  ['JSON cut off', { body: '{"text":"I enj' }, 400, 'invalid_json'],
  ['a comment', { body: `{"text":${quoted}} // hello` }, 400, 'invalid_json'],
  ['a trailing comma', { body: `{"text":${quoted},}` }, 400, 'invalid_json'],
  ['raw control characters', { body: `{"text":"I like \x01 ${good}"}` }, 400, 'invalid_json'],
  [
    'invalid UTF-8',
    { body: Buffer.from(`{"text":"\xff\xc0 ${good}"}`, 'latin1') },
    400,
    'invalid_json',
  ],
  ['null', { body: 'null' }, 400, 'invalid_request'],
  ['a list', { body: `[{"text":${quoted}}]` }, 400, 'invalid_request'],
  ['a string', { body: quoted }, 400, 'invalid_request'],
  ['nothing in it', { body: '{}' }, 400, 'invalid_request'],
  ['an unknown property', { body: `{"text":${quoted},"threshold":1}` }, 400, 'invalid_request'],
  ['a text of null', { body: '{"text":null}' }, 400, 'invalid_request'],
  ['a text of 1e400', { body: '{"text":1e400}' }, 400, 'invalid_request'],
  ['a text of true', { body: '{"text":true}' }, 400, 'invalid_request'],
  ['a text in a list', { body: `{"text":[${quoted}]}` }, 400, 'invalid_request'],
  ['a text of an object', { body: '{"text":{"length":100}}' }, 400, 'invalid_request'],
  ['text beside texts', { body: `{"text":${quoted},"texts":[${quoted}]}` }, 400, 'invalid_request'],
  ['texts of a string', { body: `{"texts":${quoted}}` }, 400, 'invalid_request'],
  ['no texts', { body: '{"texts":[]}' }, 400, 'invalid_request'],
  ['texts with a number', { body: `{"texts":[${quoted},42]}` }, 400, 'invalid_request'],
  [
    'too many texts',
    { body: JSON.stringify({ texts: new Array(5).fill(good) }) },
    400,
    'invalid_request',
  ],
  ['a short text among texts', { body: `{"texts":[${quoted},"no"]}` }, 400, 'text_too_short'],
  ['an empty text', { body: '{"text":""}' }, 400, 'text_too_short'],
  [
    'a text of blanks',
    { body: JSON.stringify({ text: ' \n\t'.repeat(50) }) },
    400,
    'text_too_short',
  ],
  ['a text of emoji', { body: JSON.stringify({ text: '😀'.repeat(50) }) }, 400, 'text_too_short'],
  [
    'a text of a URL',
    { body: '{"text":"https://example.org/a/long/path?with=query"}' },
    400,
    'text_too_short',
  ],
  ['the same key twice', { body: `{"text":${quoted},"text":"x"}` }, 400, 'invalid_request'],
  [
    'the same key twice, escaped',
    { body: `{"text":${quoted},"te\\u0078t":"x"}` },
    400,
    'invalid_request',
  ],
  ['__proto__', { body: `{"text":${quoted},"__proto__":{"a":1}}` }, 400, 'invalid_request'],
  [
    '__proto__, escaped',
    { body: `{"text":${quoted},"\\u005f_proto__":1}` },
    400,
    'invalid_request',
  ],
  [
    'constructor',
    { body: `{"text":${quoted},"constructor":{"prototype":{}}}` },
    400,
    'invalid_request',
  ],
  ['33 levels', { body: deep(33) }, 400, 'invalid_request'],
  ['thousands of levels', { body: deep(4900) }, 400, 'invalid_request'],
  ['levels that are never closed', { body: '{"a":'.repeat(1900) }, 400, 'invalid_request'],
  ['no content type', { body: `{"text":${quoted}}`, headers: {} }, 415, 'unsupported_media_type'],
  [
    'plain text',
    { body: good, headers: { 'content-type': 'text/plain' } },
    415,
    'unsupported_media_type',
  ],
  [
    'another charset',
    { body: `{"text":${quoted}}`, headers: { 'content-type': 'application/json; charset=utf-16' } },
    415,
    'unsupported_media_type',
  ],
  [
    'a content encoding',
    { body: `{"text":${quoted}}`, headers: { ...json, 'content-encoding': 'gzip' } },
    415,
    'unsupported_media_type',
  ],
  [
    'a body over the limit',
    { body: JSON.stringify({ text: good.repeat(300) }) },
    413,
    'body_too_large',
  ],
  ['an unknown path', { path: '/predictions', body: '{}' }, 404, 'not_found'],
  ['another case', { path: '/Predict', body: '{}' }, 404, 'not_found'],
  ['a path out of the folder', { path: '/..%2f..%2fetc/passwd', method: 'GET' }, 404, 'not_found'],
  ['broken percent-encoding', { path: '/%zz%', method: 'GET' }, 400, 'invalid_request'],
];

describe.each(['/predict', '/explain'])('bad input to %s', (route) => {
  it.each(cases)(
    '%s',
    async (_name, { body, headers = json, method = 'POST', path = route }, status, code) => {
      const model = { ...testModel, explains: true };
      const { url, port, fakes, logged } = await testServer({ model });
      const answer = await fetch(url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: body === '' ? null : body }),
      }).then(async (r) => ({
        status: r.status,
        type: r.headers.get('content-type'),
        text: await r.text(),
      }));
      // fetch names a content type of its own for a string; without one the bytes go over a bare socket.
      if (Object.keys(headers).length === 0) {
        const raw = await sendRaw(port, [
          `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body?.length}\r\n\r\n${body}`,
        ]);
        expect(raw).toMatch(/^HTTP\/1\.1 415 /);
      }
      expect(answer.status).toBe(status);
      expect(answer.type).toMatch(/^application\/problem\+json/);
      const problem = JSON.parse(answer.text);
      expect(problem).toMatchObject({
        status,
        code,
        title: expect.any(String),
        detail: expect.any(String),
      });
      expect(answer.text).not.toMatch(/node_modules|node:internal|\n\s+at /);
      expect(fakes.begun).toEqual([]);
      expect(logged.join('')).not.toMatch(/"level":"error"/);
    },
  );
});

describe('bad input', () => {
  it.each([
    ['/predict', 'GET', 'POST'],
    ['/predict', 'PUT', 'POST'],
    ['/predict', 'OPTIONS', 'POST'],
    ['/predict', 'PROPFIND', 'POST'],
    ['/metrics', 'DELETE', 'GET, HEAD'],
    ['/health', 'POST', 'GET, HEAD'],
  ])('%s is 405 for %s, and Allow says what is not', async (path, method, allow) => {
    const { url } = await testServer();
    const { status, headers } = await fetch(url + path, { method });
    expect([status, headers.get('allow')]).toEqual([405, allow]);
  });

  it('names what is wrong: the index of a text, unknown properties', async () => {
    const { url } = await testServer();
    const detail = async (body: string): Promise<string> => {
      const answer = await fetch(`${url}/predict`, { method: 'POST', headers: json, body });
      return JSON.parse(await answer.text()).detail;
    };
    expect(await detail(`{"texts":[${quoted},"no"]}`)).toContain('texts[1] has 2 characters');
    expect(await detail(`{"texts":[${quoted},7]}`)).toContain('texts[1] is a number');
    expect(await detail(`{"text":${quoted},"thresold":1}`)).toContain('"thresold"');
    expect(await detail('null')).toContain('the body is null: expected an object');
    expect(await detail(`[${quoted}]`)).toContain('the body is a list: expected an object');
  });

  it('says why a body is no JSON, and repeats nothing of it', async () => {
    const { url } = await testServer();
    const detail = async (body: string): Promise<string> => {
      const answer = await fetch(`${url}/predict`, { method: 'POST', headers: json, body });
      return JSON.parse(await answer.text()).detail;
    };
    const unexpected = (token: string) =>
      expect.stringMatching(new RegExp(`^the body is not valid JSON: unexpected token '${token}'`));
    for (const secret of ['', 'secret '.repeat(9)]) {
      expect(await detail(`{"text":N}${secret}`)).toEqual(unexpected('N'));
      expect(await detail(`${secret}{"text":N}`)).not.toContain('text');
      expect(await detail(`{"text":"${secret}"} ${secret}N`)).not.toContain('secret');
    }
  });

  it('accepts what is unusual and right', async () => {
    const { url } = await testServer();
    const post = (body: string, headers: Record<string, string> = json) =>
      fetch(`${url}/predict`, { method: 'POST', headers, body }).then((r) => r.status);
    expect(
      await post(`{"text":${quoted}}`, { 'content-type': 'Application/JSON; charset="UTF-8"' }),
    ).toBe(200);
    expect(await post(`{"text":${quoted}}`, { ...json, 'content-encoding': 'identity' })).toBe(200);
    expect(await post(`\uFEFF\r\n{ "text" : ${quoted} }\n`)).toBe(200);
    expect(await post(`{"text":"\\ud800 lone ${good} \\udfff"}`)).toBe(200);
    expect(await post(JSON.stringify({ text: `{"a":1,"a":2} [[[ "__proto__": ${good}` }))).toBe(
      200,
    );
  });
});

describe('bytes that are no proper request', () => {
  const lead = (more: string) => `POST /predict HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
  const valid = `{"text":${quoted}}`;
  const whole =
    lead(`content-type: application/json\r\ncontent-length: ${valid.length}\r\n`) + valid;

  it.each<[string, string[], RegExp]>([
    ['garbage', ['GARBAGE\r\n\r\n'], /^HTTP\/1\.1 400 .*invalid_request/s],
    ['no Host', ['GET /info HTTP/1.1\r\nconnection: close\r\n\r\n'], /^HTTP\/1\.1 400 .*Host/s],
    [
      'two Hosts',
      ['GET /info HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n'],
      /^HTTP\/1\.1 400 .*more than one Host/s,
    ],
    [
      'a target that is no URL',
      ['GET http://[::/info HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
      /^HTTP\/1\.1 400 .*invalid_request/s,
    ],
    [
      'a target of another scheme',
      ['GET gopher://xn--a/info HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
      /^HTTP\/1\.1 400 .*invalid_request/s,
    ],
    [
      'a target with a host of its own',
      ['GET http://example.org/info HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
      /^HTTP\/1\.1 200 /,
    ],
    [
      'a wish for what has changed',
      ['GET /info HTTP/1.1\r\nhost: x\r\nif-none-match: *\r\nconnection: close\r\n\r\n'],
      /^HTTP\/1\.1 200 /,
    ],
    [
      'headers of 20 KiB',
      [`GET /info HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
      /^HTTP\/1\.1 431 .*headers_too_large/s,
    ],
    [
      'a chunk of no length',
      [lead('content-type: application/json\r\ntransfer-encoding: chunked\r\n'), 'zz\r\n'],
      /^HTTP\/1\.1 400 .*invalid_request/s,
    ],
    [
      'two lengths',
      [lead('content-length: 5\r\ncontent-length: 6\r\n'), 'hello'],
      /^HTTP\/1\.1 400 /,
    ],
    ['CONNECT', ['CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n'], /^HTTP\/1\.1 404 /],
    [
      'an expectation that is unknown',
      [whole.replace('host: x', 'host: x\r\nexpect: miracles\r\nconnection: close')],
      /^HTTP\/1\.1 200 /,
    ],
  ])('%s is answered, and counted once', async (_name, parts, expected) => {
    const { port, metrics } = await testServer();
    expect(await sendRaw(port, parts)).toMatch(expected);
    const counted = (await metrics.exposition()).matchAll(/^mbti_requests_total\{.*\} (\d+)$/gm);
    expect([...counted].reduce((sum, [, n]) => sum + Number(n), 0)).toBe(1);
  });

  it('answers a request that is broken behind a valid one after the valid one', async () => {
    const { port } = await testServer();
    const answers = await sendRaw(port, [whole, 'GARBAGE\r\n\r\n']);
    expect(answers).toMatch(/^HTTP\/1\.1 200 .*"usage".*HTTP\/1\.1 400 /s);
  });

  it('answers 100 Continue before a body that is welcome, and not before one that is not', async () => {
    const { port } = await testServer();
    const expecting = (type: string) =>
      lead(
        `content-type: ${type}\r\ncontent-length: ${valid.length}\r\nexpect: 100-continue\r\nconnection: close\r\n`,
      );
    expect(await sendRaw(port, [expecting('application/json'), valid])).toMatch(
      /^HTTP\/1\.1 100 .*HTTP\/1\.1 200 /s,
    );
    expect(await sendRaw(port, [expecting('text/plain')])).toMatch(/^HTTP\/1\.1 415 /);
  });

  it('gives headers that never end up with 408, and counts them', async () => {
    const timeouts = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const { port, metrics } = await testServer({ timeouts });
    expect(await sendRaw(port, ['GET /info HTTP/1.1\r\nhost: x\r\nslow: '], 5000)).toMatch(
      /^HTTP\/1\.1 408 .*request_timeout/s,
    );
    expect(await metrics.exposition()).toContain(
      'mbti_requests_total{route="unmatched",method="OTHER",status="408"} 1',
    );
  });

  it('gives a body that never comes up with 408', async () => {
    const timeouts = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
    const { port } = await testServer({ timeouts });
    const start = lead('content-type: application/json\r\ncontent-length: 100\r\n');
    expect(await sendRaw(port, [start, '{"te'], 5000)).toMatch(
      /^HTTP\/1\.1 408 .*request_timeout/s,
    );
  });

  it('lets the answer through while a body over the limit is still being sent', async () => {
    const { port } = await testServer();
    const start = lead('content-type: application/json\r\ntransfer-encoding: chunked\r\n');
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const answer = await sendRaw(port, [start, ...new Array(200).fill(chunk), '0\r\n\r\n']);
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*body_too_large/s);
  });
});

describe('parseStrictJson', () => {
  it('agrees with JSON.parse on every value that it accepts, and refuses all that JSON.parse refuses', () => {
    const values = fc.json({ maxDepth: 5 });
    const broken = fc
      .tuple(values, fc.nat(), fc.constantFrom('', '"', '{', ']', ',', '\\', ':'))
      .map(
        ([text, at, insert]) =>
          text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(fc.oneof(values, broken), (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parseStrictJson(text)).toThrow();
          return;
        }
        // Keys of its own that the strict parser refuses are checked by the cases above.
        if (/__proto__|constructor|prototype/.test(text)) return;
        try {
          expect(parseStrictJson(text)).toEqual(expected);
        } catch (error) {
          expect(String(error)).toMatch(/occurs twice/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('takes 32 levels and refuses 33', () => {
    expect(() => parseStrictJson(deep(32))).not.toThrow();
    expect(() => parseStrictJson(deep(33))).toThrow(/32 levels/);
  });
});
