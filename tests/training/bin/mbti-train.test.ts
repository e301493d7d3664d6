import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sampleCsv } from '../../../training/data/sample/writer.ts';
import { runBin } from '../../support/run-bin.ts';
import { commandHost } from '../../support/run-commands.ts';

const bin = 'training/bin/mbti-train';
const run = commandHost();
let dir = '';

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mbti-train-'));
  const rows = sampleCsv(60, 1);
  const files = {
    'sample.csv': rows,
    'header.csv': rows.replace('type,posts', 'kind,words'),
    'code.csv': `${rows}XXXX,"a text that is long enough to be used"\n`,
    'empty.csv': '',
    'header-only.csv': 'type,posts\n',
    'one-class.csv': rows.replace(/^[EI](?=[NS][FT][JP],)/gm, 'E'),
    'broken.json': '{"train": {"epochs": 1,}',
    'three.json': '{"train":{"epochs":"many","batch_size":-3},"runtime":{"device":"toaster"}}',
    'unknown.json': '{"train":{"epocs":1}}',
    'corrupted.onnx': 'this is no ONNX model at all',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  mkdirSync(join(dir, 'taken'));
  writeFileSync(join(dir, 'taken/notes.txt'), 'mine');
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const quick = ['--config', 'configs/quick.json', 'data.source=sample.csv'];
const data = (file: string) => ['--config', 'configs/quick.json', `data.source=${file}`];

const refused: readonly [string, readonly string[], number, readonly RegExp[]][] = [
  ['without --config', [], 2, [/--config/]],
  ['--continue without --config', ['--continue'], 2, [/--config/]],
  [
    'flags that contradict each other',
    [...quick, '--continue', '--overwrite'],
    2,
    [/--continue/, /--overwrite/],
  ],
  ['a missing configuration file', ['--config', 'none.json'], 2, [/none\.json/]],
  ['a configuration that is no JSON', ['--config', 'broken.json'], 2, [/broken\.json/]],
  [
    'three mistakes in a file, all of them',
    ['--config', 'three.json'],
    2,
    [/train\.epochs/, /train\.batch_size/, /runtime\.device/],
  ],
  [
    'three mistakes as key=value, all of them',
    [...quick, 'train.epochs=many', 'train.batch_size=-3', 'runtime.device=toaster'],
    2,
    [/train\.epochs/, /train\.batch_size/, /runtime\.device/],
  ],
  ['an unknown key in a file', ['--config', 'unknown.json'], 2, [/train\.epocs/]],
  ['an unknown key=value', [...quick, 'train.epocs=1'], 2, [/train\.epocs/]],
  ['an unknown flag', [...quick, '--frobnicate'], 2, [/frobnicate/]],
  [
    'a precision that it cannot train in',
    [...quick, 'runtime.precision=int8'],
    2,
    [/int8/, /fp16/],
  ],
  ['missing data', data('none.csv'), 3, [/none\.csv/]],
  ['a wrong header', data('header.csv'), 1, [/header\.csv/, /type/, /posts/]],
  ['an unknown type code', data('code.csv'), 1, [/code\.csv, line 62/, /XXXX/]],
  ['data of no bytes', data('empty.csv'), 1, [/empty\.csv/]],
  ['data of a header alone', data('header-only.csv'), 1, [/header-only\.csv/, /no rows/]],
  ['data with one label of an axis', data('one-class.csv'), 1, [/E\/I/]],
  ['float16 on a device that is not there', ['--config', 'configs/prod.json'], 3, [/cuda/i]],
  ['a device that is not there', [...quick, 'runtime.device=cuda'], 3, [/cuda/i]],
  ['a base that is not there', [...quick, 'model.base=none.onnx'], 3, [/none\.onnx/]],
  ['a corrupted base', [...quick, 'model.base=corrupted.onnx'], 1, [/corrupted\.onnx/]],
  ['a base that is no name', [...quick, 'model.base=hf:a/b/c'], 2, [/hf:a\/b\/c/, /org\/repo/]],
  ['a base that the cache lacks', [...quick, 'model.base=hf:a/b'], 3, [/hf:a\/b/, /OFFLINE/]],
  ['an output that is no bundle', [...quick, 'model.out=taken'], 2, [/taken/]],
];

describe('mbti-train refuses, with a readable line and nothing left behind,', () => {
  it.each(refused)('%s', async (_name, args, code, says) => {
    const env = { HF_HUB_OFFLINE: '1', HF_HOME: join(dir, 'hub') };
    const ended = await run(bin, args, { cwd: dir, env });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({
      code,
      stderr: expect.stringMatching(/^error: \S/),
    });
    for (const pattern of says) expect(ended.stderr).toMatch(pattern);
    expect(ended.stderr).not.toMatch(/^\s+at |node:internal/m);
    expect(readdirSync(dir)).not.toContain('models');
  });
});

describe('mbti-train', () => {
  it('--help shows examples and every key of training with its default', async () => {
    const { code, stdout } = await runBin(bin, ['--help'], { cwd: dir });
    expect(code).toBe(0);
    for (const word of [
      '--config',
      '--continue',
      '--overwrite',
      '--verbose',
      'train.epochs',
      'model.base',
      'configs/quick',
    ]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).not.toContain('server.port');
  });

  it('fails in a process of its own as in one with others', async () => {
    const ended = await runBin(bin, data('code.csv'), { cwd: dir });
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 1, stdout: '' });
    expect(ended).toEqual(await run(bin, data('code.csv'), { cwd: dir }));
  });

  it('--verbose adds the stack', async () => {
    const ended = await run(bin, [...data('none.csv'), '--verbose'], { cwd: dir });
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/^\s+at /m);
  });
});
