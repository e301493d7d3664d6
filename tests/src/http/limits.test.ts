import { describe, expect, it } from '@jest/globals';
import { MOST_LEVELS } from '../../../src/http/body/strict-json.ts';
import { type TestServerOptions, testModel, testServer } from '../../support/http-server.ts';
import { binaryBody, infer } from '../../support/infer.ts';
import { type Limit, tryLimits } from '../../support/limits.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { mbtiTask } from '../../support/tiny-bundle.ts';

const text = 'I enjoy solving complex problems alone.';
const jsonHeaders = { 'content-type': 'application/json' };
const inferPath = '/v2/models/tiny/infer';
const inferBody = (texts: readonly string[], shape: readonly number[] = [texts.length]) => ({
  inputs: [{ name: 'text', shape, datatype: 'BYTES', data: texts }],
});
const many = (count: number) => Array.from({ length: count }, (_, i) => `${text} ${i}`);

/** JSON of so many bytes. */
const padded = (value: unknown, bytes: number) => JSON.stringify(value).padEnd(bytes, ' ');

/** Bytes in two chunks, of a length that nothing says beforehand. */
function chunked(body: string): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(body);
  const half = bytes.length >> 1;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes.subarray(0, half));
      controller.enqueue(bytes.subarray(half));
      controller.close();
    },
  });
}

/** Each text behind its length, 4 bytes little-endian. */
const packed = (texts: readonly string[]) =>
  Buffer.concat(
    texts.flatMap((one) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(one));
      return [length, Buffer.from(one)];
    }),
  );

interface Sent {
  readonly path: string;
  readonly body: string | Buffer | ReadableStream<Uint8Array>;
  readonly headers?: Record<string, string>;
}

/** A limit of one server: a request of the amount is answered with 200, or with the refusal. */
function of(
  limit: number,
  options: TestServerOptions,
  refusal: number,
  sentOf: (amount: number) => Sent,
): Limit {
  let server: ReturnType<typeof testServer> | undefined;
  return {
    limit,
    allows: async (amount) => {
      server ??= testServer({ ...options, model: { ...testModel, explains: true } });
      const { path, body, headers = jsonHeaders } = sentOf(amount);
      const duplex = body instanceof ReadableStream ? { duplex: 'half' } : {};
      const init = { method: 'POST', headers, body, ...duplex };
      const { status } = await fetch((await server).url + path, init as RequestInit);
      expect([200, refusal]).toContain(status);
      return status === 200;
    },
  };
}

const limits = {
  maxBodyBytes: 10_000,
  maxTexts: 4,
  maxWindows: 32,
  maxDepth: 4,
  timeoutMs: 10_000,
};
const bytes = (sentOf: (amount: number) => Sent) =>
  of(300, { limits: { ...limits, maxBodyBytes: 300 } }, 413, sentOf);
const texts = (sentOf: (amount: number) => Sent) =>
  of(3, { limits: { ...limits, maxTexts: 3, maxDepth: 9 } }, 400, sentOf);
const asJson = (value: unknown) => JSON.stringify(value);

const binaryTexts = (count: number): Sent => {
  const tensors = packed(many(count));
  const parameters = { binary_data_size: tensors.length };
  const input = { name: 'text', shape: [count], datatype: 'BYTES', parameters };
  return { path: inferPath, ...binaryBody({ inputs: [input] }, tensors) };
};

/** Brackets inside brackets, the text innermost. */
const nested = (levels: number) => {
  const [open, close] = ['[', ']'].map((bracket) => bracket.repeat(levels - 4));
  return asJson(inferBody([text])).replace(asJson([text]), `[${open}${asJson(text)}${close}]`);
};

describe('limits of requests', () => {
  tryLimits({
    'limits.max_body_bytes': bytes((n) => ({ path: '/predict', body: padded({ text }, n) })),
    'limits.max_body_bytes, in chunks': bytes((n) => ({
      path: '/predict',
      body: chunked(padded({ text }, n)),
    })),
    'limits.max_body_bytes, to be explained': bytes((n) => ({
      path: '/explain',
      body: padded({ text }, n),
    })),
    'limits.max_body_bytes, of an inference request': bytes((n) => ({
      path: inferPath,
      body: padded(inferBody([text]), n),
    })),
    'limits.max_texts': texts((n) => ({ path: '/predict', body: asJson({ texts: many(n) }) })),
    'limits.max_texts, to be explained': texts((n) => ({
      path: '/explain',
      body: asJson({ texts: many(n) }),
    })),
    'limits.max_texts, of an inference request': texts((n) => ({
      path: inferPath,
      body: asJson(inferBody(many(n))),
    })),
    'limits.max_texts, in a column': texts((n) => ({
      path: inferPath,
      body: asJson(inferBody(many(n), [n, 1])),
    })),
    'limits.max_texts, in binary': texts(binaryTexts),
    'levels of JSON': of(MOST_LEVELS, {}, 400, (n) => ({ path: inferPath, body: nested(n) })),
    'milliseconds of a deadline': of(3_600_000, {}, 400, (n) => ({
      path: '/predict',
      body: asJson({ text }),
      headers: { ...jsonHeaders, 'x-request-timeout-ms': String(n) },
    })),
  });

  it('have a deadline of 1 ms, which few answers keep', async () => {
    const headers = { ...jsonHeaders, 'x-request-timeout-ms': '1' };
    const { url } = await testServer();
    const init = { method: 'POST', headers, body: asJson({ text }) };
    expect([200, 408]).toContain((await fetch(`${url}/predict`, init)).status);
  });

  it.each(['0', '-1', '1.5', '1e3', '0x10', ''])('have no deadline of %j ms', async (ms) => {
    const headers = { ...jsonHeaders, 'x-request-timeout-ms': ms };
    const { allows } = of(0, {}, 400, () => ({
      path: '/predict',
      body: asJson({ text }),
      headers,
    }));
    expect(await allows(0)).toBe(false);
  });
});

describe('an idle connection', () => {
  it('is told that it lasts for 65 seconds: longer than those of load balancers', async () => {
    const { port } = await testServer();
    const answer = await sendRaw(port, ['GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'], 200);
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*\r\nKeep-Alive: timeout=65\r\n/s);
  });
});

describe('limits of headers', () => {
  const head = (path: string, more: string) =>
    `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${more}\r\n`;
  /** The characters of names and values in such a head without any `more`. */
  const base = 'host'.length + 'x'.length + 'connection'.length + 'close'.length;
  const most = 16 * 1024 - 1;
  const isNot431 = async (request: string, usual: number) => {
    const { port } = await testServer();
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(await sendRaw(port, [request]))?.[1]);
    expect([usual, 431]).toContain(status);
    return status === usual;
  };

  tryLimits({
    'characters of target, header names and values': {
      limit: most,
      allows: (n) =>
        isNot431(head('/info', `y: ${'z'.repeat(n - base - '/info'.length - 1)}\r\n`), 200),
    },
    'characters of a target': {
      limit: most - base,
      allows: (n) => isNot431(head(`/${'y'.repeat(n - 1)}`, ''), 404),
    },
    'characters of a request id': {
      limit: 128,
      allows: async (n) => {
        const { url } = await testServer();
        const id = 'i'.repeat(n);
        const { headers } = await fetch(`${url}/info`, { headers: { 'x-request-id': id } });
        return headers.get('x-request-id') === id;
      },
    },
  });
});

describe('the least characters of a text', () => {
  const withMinimum = (minimum: number) => ({
    ...testModel,
    explains: true,
    task: { ...mbtiTask, cleaning: 'none' as const, min_length: minimum },
  });
  const sent = (path: string, one: string) =>
    JSON.stringify(path === inferPath ? inferBody([one]) : { text: one });

  it.each(['/predict', '/explain', inferPath])(
    'are as many as the model says, at %s',
    async (path) => {
      for (const letter of ['x', 'é', '漢', '😀']) {
        const { url } = await testServer({ model: withMinimum(5) });
        const status = async (length: number) => {
          const init = { method: 'POST', headers: jsonHeaders };
          const one = `  ${letter.repeat(length)}\n`;
          return (await fetch(url + path, { ...init, body: sent(path, one) })).status;
        };
        expect([letter, await status(4), await status(5), await status(6)]).toEqual([
          letter,
          400,
          200,
          200,
        ]);
      }
    },
  );
});

describe('a tensor of texts', () => {
  const status = async (shape: readonly number[], count: number) => {
    const { url } = await testServer();
    return (await infer(url + inferPath, inferBody(many(count), shape))).status;
  };

  it('has as many elements as its shape says, no one more and no one less', async () => {
    for (const column of [[], [1]]) {
      const found = [];
      for (const count of [1, 2, 3]) found.push(await status([2, ...column], count));
      expect(found).toEqual([400, 200, 400]);
    }
  });

  it('has one column, and a row at least', async () => {
    const shapes = [[2, 0], [2, 1], [2, 2], [0], [-1], [2, 1, 1], []];
    const found = [];
    for (const shape of shapes) found.push(await status(shape, 2));
    expect(found).toEqual([400, 200, 400, 400, 400, 400, 400]);
  });

  it('has as many bytes as it says, in JSON and behind it', async () => {
    const { url } = await testServer();
    const tensors = packed([text]);
    for (const [change, expected] of [
      [-1, 400],
      [0, 200],
      [1, 400],
    ] as const) {
      const parameters = { binary_data_size: tensors.length + change };
      const json = { inputs: [{ name: 'text', shape: [1], datatype: 'BYTES', parameters }] };
      const { headers, body } = binaryBody(json, tensors);
      expect((await infer(url + inferPath, body, headers)).status).toBe(expected);
      const whole = Buffer.from(JSON.stringify(inferBody([text])));
      const length = {
        ...jsonHeaders,
        'inference-header-content-length': String(whole.length + change),
      };
      expect((await infer(url + inferPath, whole, length)).status).toBe(expected);
    }
  });
});
