import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { testServer } from '../../support/http-server.ts';

describe('GET /', () => {
  it('is a page that its policy allows to run its own script and style, and to load nothing else', async () => {
    const { url } = await testServer();
    const answer = await fetch(`${url}/`);
    const html = await answer.text();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe-inline');
    for (const tag of ['style', 'script']) {
      const [, content = ''] = new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(html) ?? [];
      expect(content.length).toBeGreaterThan(100);
      const hash = createHash('sha256').update(content).digest('base64');
      expect(policy).toContain(`${tag}-src 'sha256-${hash}'`);
    }
    expect(html).not.toMatch(/\s(src|href)="(https?:)?\/\//);
  });

  it('has a script that parses', async () => {
    const { url } = await testServer();
    const html = await (await fetch(`${url}/`)).text();
    const [, script = ''] = /<script>([\s\S]*)<\/script>/.exec(html) ?? [];
    expect(() => runInNewContext(`(function () {${script}})`)).not.toThrow();
  });
});
