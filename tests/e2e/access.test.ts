import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { keyFile } from '../support/api-keys.ts';
import { runBin } from '../support/run-bin.ts';
import { serveProcess } from '../support/serve-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bundle = join(folder.path, 'mbti');
const keys = join(folder.path, 'keys.json');
const log = join(folder.path, 'logs/predictions.jsonl');
const text = 'I enjoy a quiet evening, "alone".';

beforeAll(async () => {
  await writeTinyBundle(bundle);
});

async function statusOf(url: string, key: string): Promise<number> {
  const { status, body } = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ text }),
  });
  await body?.cancel();
  return status;
}

describe('mbti-serve with API keys and a log of predictions', () => {
  it('takes new keys without a restart, and its log becomes training data', async () => {
    writeFileSync(keys, keyFile({ old: ['predict'] }));
    const { url, child, ended, output } = await serveProcess(
      ...['--model', bundle, '--workers', '1', `security.api_keys_file=${keys}`],
      ...[`prediction_log.file=${log}`, 'prediction_log.text=keep'],
    );
    expect([await statusOf(url, 'old'), await statusOf(url, 'new')]).toEqual([200, 401]);
    writeFileSync(keys, keyFile({ new: ['predict'] }));
    while ((await statusOf(url, 'new')) !== 200) await new Promise((r) => setTimeout(r, 100));
    expect(await statusOf(url, 'old')).toBe(401);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(output()).not.toContain('quiet evening');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    const args = ['from-log', '--log', log, '--out', 'logged.csv'];
    const { code, stdout } = await runBin('training/bin/mbti-data', args, { cwd: folder.path });
    expect([code, stdout]).toEqual([0, expect.stringContaining('wrote 2 texts to logged.csv')]);
    expect(readFileSync(join(folder.path, 'logged.csv'), 'utf8')).toMatch(
      /^type,posts\n([EI][SN][TF][JP],"I enjoy a quiet evening, alone\s?\."\n){2}$/,
    );
  });
});
