import { describe, expect, it } from '@jest/globals';
import { createRoutes } from '../../../../src/http/routes/index.ts';
import { testKeys } from '../../../support/api-keys.ts';
import { testModel, testServer } from '../../../support/http-server.ts';
import { sendRaw } from '../../../support/raw-http.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const keys = testKeys(temporaryFolder().write);
const { routes } = createRoutes({ model: testModel, limits: { maxTexts: 4 } } as never);
const body = JSON.stringify({ text: 'I enjoy solving complex problems alone.' });

describe('a query', () => {
  it('is 400 on every route, and the answer names the parameter', async () => {
    const { url, fakes } = await testServer({ access: { keys } });
    for (const { method, path } of routes) {
      const name = path.includes('repository') ? 'operator' : 'reader';
      const at = path.replace('{model}', 'tiny').replace('{version}', 'abc');
      const answer = await fetch(`${url}${at}?verbose=1`, {
        method,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${name}` },
        ...(method === 'POST' ? { body } : {}),
      });
      const { detail, error } = JSON.parse(await answer.text());
      expect([path, answer.status, detail ?? error]).toEqual([
        path,
        400,
        'the query has an unknown parameter: "verbose"; expected none',
      ]);
    }
    expect(fakes.begun).toEqual([]);
  });

  it('that names a model is told where that goes', async () => {
    const { url } = await testServer();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/predict?model=reviews`, { method: 'POST', headers, body });
    expect([answer.status, JSON.parse(await answer.text())]).toEqual([
      400,
      expect.objectContaining({
        code: 'invalid_request',
        detail: expect.stringMatching(/unknown parameter: "model"; .*\/models\/\{model\}\/predict/),
      }),
    ]);
  });

  it.each([
    ['?a', 400],
    ['?=1', 400],
    ['?%61=1&b', 400],
    ['?__proto__=1', 400],
    ['?constructor', 400],
    [`?${'x'.repeat(3000)}=1`, 400],
    ['?', 200],
    ['?&&', 200],
  ])('%s is %i', async (query, status) => {
    const { port } = await testServer();
    for (const target of [`/info${query}`, `http://x/info${query}`]) {
      const answer = await sendRaw(port, [
        `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      ]);
      expect([target, answer.slice(0, 12)]).toEqual([target, `HTTP/1.1 ${status}`]);
      expect(answer.length).toBeLessThan(3000);
    }
  });

  it('of a path that is not there is 404, and of another method 405', async () => {
    const { url } = await testServer();
    expect((await fetch(`${url}/nowhere?a=1`)).status).toBe(404);
    expect((await fetch(`${url}/predict?a=1`)).status).toBe(405);
  });
});
