import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { hostileText } from '../support/hostile-texts.ts';
import { runBin } from '../support/run-bin.ts';
import { type ServeProcess, serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
beforeAll(() => writeTinyBundle(bundle));

/** As JSON, with what is escaped, nearly as much as a body may have. */
const LENGTH = 750_000;
const ordinary = 'a quiet evening in the garden with friends';

/** The answer's status and body; -1 where the request was given up. */
const post = (
  { url }: ServeProcess,
  text: string,
  { path = '/predict', ...more }: { path?: string; signal?: AbortSignal } & RequestInit = {},
) =>
  fetch(url + path, {
    method: 'POST',
    body: JSON.stringify({ text }),
    ...more,
    headers: { 'content-type': 'application/json', ...more.headers },
  }).then(
    async (answer) => ({ status: answer.status, body: (await answer.json()) as unknown }),
    () => ({ status: -1, body: undefined }),
  );

describe('two callers of texts of a megabyte', () => {
  // So many windows that they are nowhere near their end, by any machine, when the others are done.
  it('hold nobody else up, and are not worked on once they have left', async () => {
    const server = await serveProcess(
      ...['--model', bundle, '--workers', '2'],
      'limits.max_windows=100000',
    );
    const leaving = new AbortController();
    const events: string[] = [];
    const hostile = ['words of a hundred letters', 'only punctuation'].map(async (kind) => {
      const { signal } = leaving;
      const { status } = await post(server, hostileText(kind, LENGTH, 1), { signal });
      events.push(`hostile ${status}`);
    });
    for (let i = 0; i < 20; i++) events.push(`ordinary ${(await post(server, ordinary)).status}`);
    expect(events).toEqual(new Array(20).fill('ordinary 200'));
    leaving.abort();
    await Promise.all(hostile);
    expect(events.slice(20)).toEqual(['hostile -1', 'hostile -1']);
    expect((await post(server, ordinary)).status).toBe(200);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^mbti_queue_depth(?:\{[^}]*\})? 0$/m);
    expect(metrics).toMatch(/^mbti_worker_restarts_total(?:\{[^}]*\})? 0$/m);
  });

  it('get the answer of the windows that are scored, which the rest of the text does not change', async () => {
    const server = await serveProcess('--model', bundle, '--workers', '1');
    const prose = 'many plans for a long warm day, when friends come to argue about ideas. ';
    const [short, long] = await Promise.all(
      [20_000, LENGTH].map((length) => post(server, prose.repeat(length / prose.length))),
    );
    expect(short?.body).toMatchObject({ usage: { windows: 32, tokens: 2048, truncated: true } });
    expect(long).toEqual(short);
  });
});

describe('mbti-predict', () => {
  it('scores lines of a megabyte, and names one that is over the limit', async () => {
    folder.write(
      'lines.txt',
      [
        hostileText('words of a hundred letters', LENGTH, 2),
        hostileText('only punctuation', LENGTH, 2),
        'x'.repeat(2 ** 21),
        ordinary,
      ].join('\n'),
    );
    const { code, stdout, stderr } = await runBin(
      'src/bin/mbti-predict',
      ['--model', bundle, 'lines.txt', '--on-error', 'skip', '--workers', '1'],
      { cwd: folder.path },
    );
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ line, usage }) => [line, usage.windows])).toEqual([
      [1, 32],
      [2, 32],
      [4, 1],
    ]);
    expect(stderr).toContain('lines.txt, line 3: skipped');
  });
});
