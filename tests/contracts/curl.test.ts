import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { errorTable } from '../../src/errors.ts';
import { createRoutes } from '../../src/http/routes/index.ts';
import { packageRoot } from '../../src/package-root.ts';
import { testModel, testServer } from '../support/http-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const text = (name: string) => readFileSync(join(packageRoot, name), 'utf8');
const folder = temporaryFolder();
const hasCurl = spawnSync('curl', ['--version']).status === 0;
const model = { ...testModel, name: 'mbti', explains: true };

/** Every curl command of a document, continued lines included. */
function commandsIn(document: string): string[] {
  const blocks = [...text(document).matchAll(/```sh\n([^`]*)```/g)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .filter((line) => line.startsWith('curl '));
}

const commands = ['README.md', 'docs/api.md', 'docs/explain.md'].flatMap((document) =>
  commandsIn(document).map((command) => [document, command] as const),
);

describe('the curl commands of the documents', () => {
  if (!hasCurl) {
    it.skip('need curl', () => {});
    return;
  }

  it('are there', () => expect(commands.length).toBeGreaterThan(10));

  it.each(commands)('%s: %s', async (_document, command) => {
    const { url } = await testServer({ model });
    // An error status becomes an exit code.
    writeFileSync(join(folder.path, '.curlrc'), 'silent\nfail-with-body\n');
    const env = { ...process.env, CURL_HOME: folder.path };
    const run = promisify(execFile)('sh', ['-c', command.replace('localhost:8000', url)], { env });
    expect((await run).stdout.length).toBeGreaterThan(10);
  });
});

describe('docs/api.md', () => {
  it('names every route outside of /v2', () => {
    const { routes } = createRoutes({ model, limits: { maxTexts: 4 } } as never);
    const paths = routes.map(({ path }) => path).filter((path) => !path.startsWith('/v2'));
    expect(paths.filter((path) => !text('docs/api.md').includes(path))).toEqual([]);
  });

  it('lists every code of a request, with its status', () => {
    const rows = [...text('docs/api.md').matchAll(/^\| (\d{3}) \| ([^|]*) \|/gm)];
    const listed = rows.flatMap(([, status, codes = '']) =>
      [...codes.matchAll(/`(\w+)`/g)].map(([, code = '']) => [code, Number(status)]),
    );
    const known = Object.entries(errorTable)
      .filter(
        ([code, { status }]) => status !== 500 && !/^(usage|bundle_|client_closed)/.test(code),
      )
      .map(([code, { status }]) => [code, status]);
    expect(listed.sort()).toEqual(known.sort());
  });
});
