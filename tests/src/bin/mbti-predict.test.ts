import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { runBin } from '../../support/run-bin.ts';
import { commandHost } from '../../support/run-commands.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { writeTinyBundle } from '../../support/tiny-bundle.ts';

const folder = temporaryFolder();
const bin = 'src/bin/mbti-predict';
const { path: cwd } = folder;
const host = commandHost();
const predict = (...args: string[]) => host(bin, args, { cwd });
/** In a process of its own, which has to end by itself. */
const predictAlone = (...args: string[]) => runBin(bin, args, { cwd });
const linesOf = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line): Record<string, unknown> => JSON.parse(line));

beforeAll(async () => {
  await writeTinyBundle(join(folder.path, 'bundle'));
  const rows = Array.from(
    { length: 60 },
    (_, i) => `${i},"${'many plans for a warm day '.repeat((i % 7) + 1)}"`,
  );
  folder.write('many.csv', `n,text\n${rows.join('\n')}\n`);
  folder.write('empty.txt', '');
  folder.write('notes', 'a\nb\n');
  folder.write(
    'bad.txt',
    'a quiet evening in the garden\nshort\nfriends come to argue about ideas\n',
  );
});

describe('mbti-predict', () => {
  it('scores a file in order, each text as it would be alone, and as shards', async () => {
    const model = ['--model', 'bundle'];
    const { code, stdout } = await predictAlone(...model, 'many.csv', '--workers', '2');
    expect(code).toBe(0);
    const all = linesOf(stdout);
    expect(all.map(({ line }) => line)).toEqual(Array.from({ length: 60 }, (_, i) => i + 2));
    expect(Object.keys(all[0] ?? {})).toEqual([
      ...['line', 'mbti_type', 'dimensions', 'probabilities', 'model', 'usage'],
    ]);
    const alone = await predict(...model, '--text', 'many plans for a warm day '.repeat(3));
    expect(linesOf(alone.stdout)[0]?.probabilities).toEqual(all[2]?.probabilities);
    const shards = await Promise.all(
      ['0/2', '1/2'].map((shard) => predict(...model, 'many.csv', '--shard', shard)),
    );
    const together = shards.flatMap(({ stdout: part }) => linesOf(part));
    expect(together.sort((a, b) => Number(a.line) - Number(b.line))).toEqual(all);
  }, 60_000);

  it('ends at a bad line, naming it, or passes over it and reports it', async () => {
    const failed = await predictAlone('--model', 'bundle', 'bad.txt');
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringMatching(/^error: bad\.txt, line 2: /),
    ]);
    const skipped = await predict('--model', 'bundle', 'bad.txt', '--on-error', 'skip');
    expect(skipped.code).toBe(0);
    expect(linesOf(skipped.stdout).map(({ line }) => line)).toEqual([1, 3]);
    expect(skipped.stderr).toMatch(
      /^bad\.txt, line 2: skipped: .*\n2 texts scored, 1 lines skipped\n$/,
    );
  }, 60_000);

  it('scores every row between line ends of any kind, and none of several as one', async () => {
    folder.write(
      'mixed.csv',
      'text\r\na quiet evening in the garden\nfriends come to argue\rreading alone at home\r\r\nplans for the day\n',
    );
    const { code, stdout } = await predict('--model', 'bundle', 'mixed.csv', '--on-error', 'skip');
    expect([code, linesOf(stdout).map(({ line }) => line)]).toEqual([0, [2, 3, 4, 5]]);
  }, 60_000);

  it('refuses a file that is not UTF-8, naming the line and what to do', async () => {
    const file = join(folder.path, 'cp1252.csv');
    writeFileSync(file, Buffer.from('text\nthat was a tr\u00e8s dull evening\n', 'latin1'));
    const { code, stdout, stderr } = await predict('--model', 'bundle', 'cp1252.csv');
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      expect.stringMatching(
        /^error: cp1252\.csv, line 2: it is not valid UTF-8: byte 0xE8 .*\nhint: .*iconv /,
      ),
    ]);
  }, 60_000);

  it.each([
    ['an empty file', ['--model', 'bundle', 'empty.txt'], 1, /empty\.txt is empty/],
    ['a format that nobody tells', ['--model', 'bundle', 'notes', '--column', 'a'], 2, /--format/],
    ['no texts', ['--model', 'bundle'], 2, /no texts/],
    ['a file that is not there', ['--model', 'bundle', 'none.txt'], 3, /none\.txt/],
    ['a bundle that is not there', ['--model', 'none', '--text', 'x'], 3, /none/],
    ['an unknown flag', ['--frobnicate'], 2, /frobnicate/],
    [
      'a precision that is none',
      ['--model', 'bundle', '--text', 'x', '--precision', 'int3'],
      2,
      /int3/,
    ],
  ])('refuses %s', async (_name, args, code, message) => {
    const ended = await predict(...args);
    expect([ended.code, ended.stderr]).toEqual([code, expect.stringMatching(message)]);
  });
});
