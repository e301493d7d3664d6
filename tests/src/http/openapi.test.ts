import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { OpenApiDocument, OperationObject } from '../../../src/http/openapi/document.ts';
import type { Example } from '../../../src/http/openapi/operation.ts';
import { createRoutes } from '../../../src/http/routes/index.ts';
import { testKeys } from '../../support/api-keys.ts';
import { testModel, testServer } from '../../support/http-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const keys = testKeys(temporaryFolder().write);

type Server = Awaited<ReturnType<typeof testServer>>;

const text = 'I enjoy solving complex problems alone.';
const model = { ...testModel, explains: true };
const limits = {
  maxBodyBytes: 10_000,
  maxTexts: 4,
  maxWindows: 32,
  maxDepth: 4,
  timeoutMs: 10_000,
};

/** The document alone needs no server: what it is of stands in model and limits. */
const document: OpenApiDocument = createRoutes({ model, limits } as never).document;

/** Every method of every path in it. */
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
type Documented = (typeof operations)[number];

/**
 * A function that says what a value lacks to be the answer that a document describes; empty where
 * nothing.
 */
function misfitsIn(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false });
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, 'openapi.json', false, false);
  return (
    { path, method }: Pick<Documented, 'path' | 'method'>,
    status: string,
    type: string,
    value: unknown,
  ): string => {
    const parts = ['paths', path, method, 'responses', status, 'content', type, 'schema'];
    const pointer = parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
    const validate = ajv.compile({ $ref: `openapi.json#/${encodeURI(pointer)}` });
    return validate(value) ? '' : ajv.errorsText(validate.errors);
  };
}

const misfits = misfitsIn(document);

function pathOf(path: string): string {
  return path.replace('{model}', model.name).replace('{version}', model.version);
}

async function ask(
  url: string,
  { path, method }: Pick<Documented, 'path' | 'method'>,
  init: RequestInit = {},
) {
  const answer = await fetch(url + pathOf(path), {
    method: method.toUpperCase(),
    headers: { 'content-type': 'application/json' },
    ...init,
  });
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  const body = await answer.text();
  return {
    status: String(answer.status),
    type,
    headers: answer.headers,
    value: type.endsWith('json') ? JSON.parse(body) : body,
  };
}

function exampleRequests({ requestBody }: OperationObject): [string, Example][] {
  return Object.entries(requestBody?.content['application/json']?.examples ?? {});
}

/** The examples of answers, by the status and type that they are of. */
function exampleAnswers({ responses }: OperationObject) {
  return Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content).flatMap(([type, { examples = {} }]) =>
      Object.entries(examples).map(([name, { value }]) => ({ status, type, name, value })),
    ),
  );
}

const valid = (of: Documented) => {
  if (isAdmin(of)) return operator;
  const [first] = exampleRequests(of.operation);
  return first ? { body: JSON.stringify(first[1].value) } : {};
};

/** Admin routes are there with API keys alone. */
const isAdmin = (of: Documented) => of.path.startsWith('/v2/repository');
const operator = { headers: { authorization: 'Bearer operator' } };
const opened = (of: Documented) =>
  testServer({ model, limits, ...(isAdmin(of) ? { access: { keys } } : {}) });

/** How each status comes about, beside those that the examples show. */
const scenes: Record<
  string,
  (server: Server, of: Documented) => Promise<Awaited<ReturnType<typeof ask>>>
> = {
  200: (server, of) => ask(server.url, of, valid(of)),
  400: (server, of) => {
    if (of.operation.requestBody) return ask(server.url, of, { body: '{"tex' });
    const headers = isAdmin(of) ? operator.headers : {};
    return ask(server.url, { ...of, path: `${of.path}?verbose=1` }, { headers });
  },
  401: async (_server, of) => {
    const { url } = await testServer({ model, limits, access: { keys } });
    return ask(url, of, isAdmin(of) ? {} : valid(of));
  },
  403: async (_server, of) => {
    const { url } = await testServer({ model, limits, access: { keys } });
    const authorization = `Bearer ${isAdmin(of) ? 'reader' : 'deployer'}`;
    const headers = { 'content-type': 'application/json', authorization };
    return ask(url, of, { ...valid(of), headers });
  },
  404: (server, of) => {
    if (of.path === '/explain') return testServer().then(({ url }) => ask(url, of, valid(of)));
    return ask(server.url, { ...of, path: of.path.replace('{model}', 'other') }, valid(of));
  },
  408: (server, of) => {
    server.fakes.auto = false;
    const headers = { 'content-type': 'application/json', 'x-request-timeout-ms': '5' };
    return ask(server.url, of, { ...valid(of), headers });
  },
  413: (server, of) => ask(server.url, of, { body: JSON.stringify({ text: text.repeat(400) }) }),
  415: (server, of) =>
    ask(server.url, of, { ...valid(of), headers: { 'content-type': 'text/plain' } }),
  429: async (server, of) => {
    server.fakes.auto = false;
    // Both engines are busy, and four texts wait.
    for (const texts of [
      [text, text],
      [text, text, text, text],
    ]) {
      void ask(
        server.url,
        { path: '/predict', method: 'post' },
        { body: JSON.stringify({ texts }) },
      ).catch(() => {});
      while (server.fakes.running.length < 2)
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
    while (server.scheduler.depth < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    return ask(server.url, of, valid(of));
  },
  503: (server, of) => {
    server.lifecycle.state = 'starting';
    return ask(server.url, of, valid(of));
  },
};

const perStatus = operations.flatMap((of) =>
  Object.keys(of.operation.responses).map((status) => [status, of.method, of.path, of] as const),
);

describe('the OpenAPI document', () => {
  it('is what the server publishes', async () => {
    const { url } = await testServer({ model, limits });
    const { value } = await ask(url, { path: '/openapi.json', method: 'get' });
    expect(value).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('has every route of the application, and no other', () => {
    const { routes } = createRoutes({ model, limits } as never);
    const mounted = routes.map(({ method, path }) => `${method.toLowerCase()} ${path}`);
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      mounted.sort(),
    );
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(
      mounted.length,
    );
  });

  it('refers to schemas that are there, and holds none that nothing refers to', () => {
    const used = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)];
    const names = [...new Set(used.map(([, name]) => name))];
    expect(names.sort()).toEqual(Object.keys(document.components.schemas).sort());
  });

  it.each(Object.entries(document.components.schemas))(
    '%s is a valid JSON Schema',
    (_name, schema) => {
      const ajv = new Ajv2020();
      expect([ajv.validateSchema(schema), ajv.errorsText()]).toEqual([true, 'No errors']);
    },
  );

  it.each(operations.map((of) => [of.method, of.path, of] as const))(
    'has only examples of answers that match their schemas: %s %s',
    (_method, _path, of) => {
      for (const { status, type, name, value } of exampleAnswers(of.operation)) {
        expect([status, name, misfits(of, status, type, value)]).toEqual([status, name, '']);
      }
    },
  );

  it.each(perStatus)(
    'the server answers %s where it says so: %s %s',
    async (status, _m, _p, of) => {
      const server = await opened(of);
      const answer = await scenes[status]!(server, of);
      expect(answer.status).toBe(status);
      const { content = {}, headers = {} } = of.operation.responses[Number(status)]!;
      expect(Object.keys(content)).toContain(answer.type);
      expect(misfits(of, status, answer.type, answer.value)).toBe('');
      for (const name of Object.keys(headers))
        expect([name, answer.headers.has(name)]).toEqual([name, true]);
    },
  );

  const requests = operations.flatMap((of) =>
    exampleRequests(of.operation).map(([name, { value }]) => [name, of.path, of, value] as const),
  );
  it.each(requests)(
    'the example %s of %s gets the answer that has its name',
    async (name, _path, of, value) => {
      const server = await testServer({ model, limits });
      const answer = await ask(server.url, of, { body: JSON.stringify(value) });
      const documented = exampleAnswers(of.operation).find((one) => one.name === name);
      expect([answer.status, answer.type]).toEqual([documented?.status, documented?.type]);
      expect(misfits(of, answer.status, answer.type, answer.value)).toBe('');
      if (answer.status !== '200') return;
      // Values are the model's; what there is to have is the example's.
      expect(Object.keys(answer.value)).toEqual(Object.keys(documented?.value as object));
    },
  );

  it('has no answer for /explain but errors where the bundle cannot explain', async () => {
    const { url } = await testServer({ limits });
    const of = { path: '/explain', method: 'post' };
    const { value } = await ask(url, { path: '/openapi.json', method: 'get' });
    const operation: OperationObject = value.paths['/explain'].post;
    expect(Object.keys(operation.responses)).toEqual(['400', '404']);
    const [[name, example] = ['', { value: {} }]] = exampleRequests(operation);
    const answer = await ask(url, of, { body: JSON.stringify(example.value) });
    expect([answer.status, answer.value.code]).toEqual(['404', name]);
    expect(misfitsIn(value)(of, '404', answer.type, answer.value)).toBe('');
  });

  it('describes the answers of another task', async () => {
    const axes = [
      { name: 'tone', labels: ['kind', 'harsh'], threshold: 0.5, temperature: 1 },
      { name: 'weather', labels: ['mild', 'harsh'], threshold: 0.5, temperature: 1 },
    ] as const;
    const task = { name: 'reviews', cleaning: 'none', axes } as const;
    const { url } = await testServer({ model: { ...model, task }, limits });
    const fits = misfitsIn((await ask(url, { path: '/openapi.json', method: 'get' })).value);
    for (const path of ['/predict', '/explain']) {
      const of = { path, method: 'post' };
      for (const body of [{ text }, { texts: [text, text] }]) {
        const answer = await ask(url, of, { body: JSON.stringify(body) });
        expect([answer.status, fits(of, '200', answer.type, answer.value)]).toEqual(['200', '']);
      }
    }
  });

  it('is the source of validation: a schema that is narrower refuses more', async () => {
    const { url } = await testServer({ model, limits: { ...limits, maxTexts: 1 } });
    const { status, value } = await ask(
      url,
      { path: '/predict', method: 'post' },
      {
        body: JSON.stringify({ texts: [text, text] }),
      },
    );
    expect([status, value.detail]).toEqual(['400', 'texts has 2 elements: expected 1 at most']);
  });
});

describe('GET /docs', () => {
  it('shows every operation, status and schema, and loads nothing', async () => {
    const { url } = await testServer({ model, limits });
    const { type, value, headers } = await ask(url, { path: '/docs', method: 'get' });
    expect(type).toBe('text/html');
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    for (const { path, operation } of operations) {
      expect(value).toContain(`id="${operation.operationId}"`);
      expect(value).toContain(path);
    }
    for (const name of Object.keys(document.components.schemas)) {
      expect(value).toContain(`id="schema-${name}"`);
    }
    const page = value.replace(/<link rel="icon" href="data:[^"]*">/, '');
    expect(page).not.toMatch(/<script|<link|<img|src=|https?:/);
  });

  it('escapes what a model brings', async () => {
    const { url } = await testServer({ model: { ...model, name: '<b onclick="x">' } });
    const { value } = await ask(url, { path: '/docs', method: 'get' });
    expect(value).not.toContain('<b onclick');
    expect(value).toContain('&#60;b onclick=');
  });
});
