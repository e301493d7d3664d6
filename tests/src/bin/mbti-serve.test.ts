import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { commandHost } from '../../support/run-commands.ts';
import { serveProcess } from '../../support/serve-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();
folder.write('json.json', '{"log":{"format":"json"},"server":{"watch":"true"}}');

const run = commandHost();

describe('a server that cannot start', () => {
  it.each<[string, string[], NodeJS.ProcessEnv, number, string, RegExp]>([
    ['its model', ['--model', 'none', 'log.format=json'], {}, 3, 'bundle_missing', /none does not/],
    ['its file', ['--config', 'json.json'], {}, 2, 'config_invalid', /watch is "true"/],
    [
      'its environment',
      [],
      { MBTI_LOG_FORMAT: 'json', MBTI_SERVER_WTCH: 'true', MBTI_SERVER_PORT: 'x' },
      2,
      'config_invalid',
      /did you mean MBTI_SERVER_WATCH\?[\s\S]*server\.port is "x"|server\.port is "x"[\s\S]*MBTI_SERVER_WATCH\?/,
    ],
    ['its flags', ['--frobnicate', 'log.format=json'], {}, 2, 'usage', /frobnicate/],
  ])(
    'because of %s says so in one JSON line where the log is JSON',
    async (_name, args, env, rc, code, says) => {
      const ended = await run('src/bin/mbti-serve', args, { cwd: folder.path, env });
      expect([ended.code, ended.stdout]).toEqual([rc, '']);
      expect(ended.stderr.trimEnd()).not.toContain('\n');
      const line = JSON.parse(ended.stderr);
      expect(line).toMatchObject({ level: 'error', code, message: expect.stringMatching(says) });
      expect(line.hint).toEqual(expect.any(String));
    },
  );
});

describe('a server whose log nobody reads any more', () => {
  it('serves on, and says on standard error that lines are lost', async () => {
    const bundle = join(folder.path, 'mbti');
    await writeTinyBundle(bundle);
    const server = await serveProcess('--model', bundle, '--workers', '1');
    server.child.stdout?.destroy();
    for (let i = 0; i < 3; i += 1) expect((await fetch(`${server.url}/info`)).status).toBe(200);
    await until(() => /^error: the log cannot be written: .*EPIPE/m.test(server.output()));
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });
});
