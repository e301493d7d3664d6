import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runBin } from '../../support/run-bin.ts';
import { commandHost } from '../../support/run-commands.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const bin = 'training/bin/mbti-data';
const host = commandHost();
const run = (...args: string[]) => host(bin, args, { cwd: folder.path });

describe('mbti-data', () => {
  it('explains itself, with the keys that matter', async () => {
    const help = await runBin(bin, ['--help'], { cwd: folder.path });
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/prepare[\s\S]*tokenizer[\s\S]*sample/);
    expect((await run('prepare', '--help')).stdout).toMatch(
      /--config[\s\S]*data\.source[\s\S]*model\.vocab_size/,
    );
  });

  it('writes a sample, prepares it and learns a tokenizer, from any folder', async () => {
    const made = ['sample', '--rows', '60', '--seed', '7', '--out', 'out/small.csv'];
    expect((await runBin(bin, made, { cwd: folder.path })).code).toBe(0);
    const prepared = await run(
      'prepare',
      '--config',
      'configs/quick.json',
      'data.source=out/small.csv',
    );
    expect(prepared).toMatchObject({ code: 0, stderr: '' });
    expect(prepared.stdout).toMatch(
      /60 of 60 rows of .*small\.csv: 43 train, 8 validation, 9 test/,
    );
    expect(existsSync(join(folder.path, 'data/processed/train.jsonl'))).toBe(true);
    const tokenizer = await run(
      'tokenizer',
      ...['--config', 'configs/quick.json', '--out', 'tok', 'data.source=out/small.csv'],
      'model.vocab_size=300',
    );
    expect(tokenizer.stdout).toContain('wrote 300 word pieces to tok');
    expect(readFileSync(join(folder.path, 'tok/tokenizer.json'), 'utf8')).toContain('WordPiece');
  });

  it.each([
    [['--frobnicate'], 2, /^error: .*(frobnicate|no command)/],
    [['prepare', '--frobnicate'], 2, /^error: Unknown argument: frobnicate\nhint: /],
    [
      ['sample', '--out', 'x.csv', '--rows', 'many'],
      2,
      /^error: --rows is NaN: expected an integer/,
    ],
    [
      ['sample', '--out', 'x.csv', '--rows', '0'],
      2,
      /^error: --rows is 0: expected an integer from 1/,
    ],
    [['sample'], 2, /^error: .*out/],
    [
      ['from-log', '--log', 'none.jsonl', '--out', 'x.csv', '--min-confidence', '2'],
      2,
      /^error: --min-confidence is 2: expected 0 to 1/,
    ],
    [['from-log', '--log', 'none.jsonl', '--out', 'x.csv', 'seed=7'], 3, /none\.jsonl does not/],
    [['nothing'], 2, /^error: Unknown argument: nothing/],
    [['prepare', '--config', 'none.json'], 2, /^error: .*none\.json does not exist\nhint: /],
    [['prepare', '--config', 'configs/reviews.json'], 2, /^error: data\.source is missing/],
    [
      ['prepare', '--config', 'configs/quick.json', 'data.source=none.csv'],
      3,
      /^error: .*none\.csv does not exist/,
    ],
    [
      ['prepare', '--config', 'configs/quick.json', 'data.sorce=none.csv'],
      2,
      /did you mean data\.source/,
    ],
  ])('%j ends with %i and says why, without a stack', async (words, code, message) => {
    const before = readdirSync(folder.path);
    const result = await run(...words);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(folder.path)).toEqual(before);
  });

  it('prints the stack with --verbose', async () => {
    const { stderr } = await run('prepare', '--config', 'none.json', '--verbose');
    expect(stderr).toMatch(/^\s+at /m);
  });
});
