import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  RotatingFile,
  type RotatingFileOptions,
} from '../../../../src/telemetry/prediction-log/rotating-file.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { until } from '../../../support/until.ts';

const folder = temporaryFolder();
const errors: string[] = [];

function open(name: string, change: Partial<RotatingFileOptions> = {}): RotatingFile {
  return new RotatingFile({
    path: join(folder.path, name, 'log.jsonl'),
    maxBytes: 1e6,
    keepFiles: 100,
    keepDays: 30,
    onError: (_duty, { message }) => errors.push(message),
    ...change,
  });
}

const filesOf = (name: string) => readdirSync(join(folder.path, name)).sort();
/** All lines of a folder's files, the file that is written to last. */
const linesOf = (name: string) => {
  const [current = '', ...aside] = filesOf(name);
  return [...aside, current]
    .map((file) => readFileSync(join(folder.path, name, file), 'utf8'))
    .join('')
    .split('\n');
};

describe('a rotating file', () => {
  it('has every line once and in order, in files that are no longer than asked', async () => {
    const file = open('rotates', { maxBytes: 100 });
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i}`);
    for (const line of lines) {
      file.append(line);
      if (line.endsWith('5')) await new Promise((resolve) => setImmediate(resolve));
    }
    await file.close();
    expect(linesOf('rotates')).toEqual([...lines, '']);
    expect(filesOf('rotates').length).toBeGreaterThan(10);
    for (const name of filesOf('rotates')) {
      expect(statSync(join(folder.path, 'rotates', name)).size).toBeLessThanOrEqual(100);
    }
    expect(errors).toEqual([]);
  });

  it('keeps the latest files only', async () => {
    const file = open('few', { maxBytes: 10, keepFiles: 2 });
    for (let i = 0; i < 20; i += 1) file.append(`line ${i}`);
    await file.close();
    expect(linesOf('few')).toEqual(['line 17', 'line 18', 'line 19', '']);
  });

  it('puts a file of another day aside, removes old ones, and leaves others alone', async () => {
    const path = folder.write('days/log.jsonl', 'yesterday\n');
    const yesterday = Date.now() / 1000 - 86_400;
    utimesSync(path, yesterday, yesterday);
    writeFileSync(`${path}.2020-01-01T00-00-00-000Z`, 'old\n');
    writeFileSync(`${path}.backup`, 'not ours\n');
    const file = open('days');
    file.append('today');
    await file.close();
    const [current, aside, foreign, ...none] = filesOf('days');
    expect([current, foreign, none]).toEqual(['log.jsonl', 'log.jsonl.backup', []]);
    const read = (name = '') => readFileSync(join(folder.path, 'days', name), 'utf8');
    expect([read(current), read(aside)]).toEqual(['today\n', 'yesterday\n']);
  });

  it('is its owner’s alone to read', async () => {
    const file = open('private');
    file.append('line');
    await file.close();
    expect(statSync(join(folder.path, 'private', 'log.jsonl')).mode & 0o077).toBe(0);
  });

  it('goes on after a failure, of which it tells once', async () => {
    const path = join(folder.write('blocked', ''), 'log.jsonl');
    const told: string[] = [];
    const file = open('', { path, onError: (_duty, { message }) => told.push(message) });
    for (const line of ['a', 'b', 'c']) {
      file.append(line);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await file.close();
    expect(told).toEqual([expect.stringMatching(/ENOTDIR|EEXIST/)]);
  });

  it('counts the lines that a failure has cost, and tells when it is over', async () => {
    const path = join(folder.path, 'counted', 'log.jsonl');
    const blocked = folder.write('counted', '');
    const told: string[] = [];
    const file = open('', {
      path,
      onError: (duty) => told.push(`${duty} failed`),
      onRecovery: (duty) => told.push(`${duty} works`),
    });
    for (const line of ['a', 'b']) file.append(line);
    await until(() => file.lost === 2);
    rmSync(blocked);
    file.append('c');
    await file.close();
    expect(told).toEqual(['write failed', 'write works']);
    expect([file.lost, readFileSync(path, 'utf8')]).toEqual([2, 'c\n']);
  });

  it('tells of a file that cannot be written before a line is lost', async () => {
    const told: string[] = [];
    mkdirSync(join(folder.path, 'early', 'log.jsonl'), { recursive: true });
    const file = open('early', { onError: (_duty, { message }) => told.push(message) });
    await file.close();
    expect([told, file.lost]).toEqual([[expect.stringContaining('EISDIR')], 0]);
  });

  it('is made again where it is deleted, with its folder or without', async () => {
    const file = open('deleted/folder');
    const path = join(folder.path, 'deleted/folder/log.jsonl');
    const appended = async (line: string) => {
      file.append(line);
      await until(() => existsSync(path) && readFileSync(path, 'utf8').endsWith(`${line}\n`));
    };
    await appended('one');
    rmSync(path);
    await appended('two');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    rmSync(join(folder.path, 'deleted'), { recursive: true });
    await appended('three');
    await file.close();
    expect([readFileSync(path, 'utf8'), file.lost]).toEqual(['three\n', 0]);
  });

  it('grows on where it cannot be put aside, and tells once', async () => {
    const path = join(folder.path, 'stuck', 'log.jsonl');
    const told: string[] = [];
    const onError = (duty: string) => told.push(duty);
    const file = open('stuck', { maxBytes: 20, onError });
    file.append('the first of the lines');
    await until(() => existsSync(path) && statSync(path).size > 0);
    // Too long a name for another one behind it: it can be written and not be put aside.
    const long = `${'x'.repeat(240)}.jsonl`;
    const other = open('stuck', { path: join(folder.path, 'stuck', long), maxBytes: 20, onError });
    for (let i = 0; i < 5; i += 1) {
      other.append(`a line of its own, number ${i}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all([file.close(), other.close()]);
    const lines = readFileSync(join(folder.path, 'stuck', long), 'utf8')
      .trimEnd()
      .split('\n');
    expect([lines.length, other.lost, told]).toEqual([5, 0, ['put aside']]);
  });

  it('begins a line of its own behind half a line that a crash has left', async () => {
    const path = folder.write('half/log.jsonl', '{"whole":1}\n{"ha');
    const file = open('half');
    file.append('{"next":1}');
    file.append('{"last":1}');
    await file.close();
    expect(readFileSync(path, 'utf8')).toBe('{"whole":1}\n{"ha\n{"next":1}\n{"last":1}\n');
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;
  onLinux('loses lines to a disk that is full, and leaves a device where it is', async () => {
    const path = join(folder.path, 'full.jsonl');
    symlinkSync('/dev/full', path);
    const told: string[] = [];
    const onError = (duty: string, { message }: Error) => told.push(`${duty}: ${message}`);
    const file = open('', { path, maxBytes: 1, onError });
    for (const line of ['a', 'b', 'c']) file.append(line);
    await file.close();
    expect([told, file.lost]).toEqual([[expect.stringMatching(/^write: .*ENOSPC/)], 3]);
    expect(readlinkSync(path)).toBe('/dev/full');
  });

  it('drops lines rather than keeping them all in memory', async () => {
    const told: string[] = [];
    const onError = (_duty: string, { message }: Error) => told.push(message);
    const file = open('flood', { maxBytes: 1e9, onError });
    const line = 'x'.repeat(1_000_000);
    for (let i = 0; i < 20; i += 1) file.append(line);
    await file.close();
    expect(told).toEqual([expect.stringMatching(/lines are dropped/)]);
    expect(statSync(join(folder.path, 'flood', 'log.jsonl')).size).toBe(8 * (line.length + 1));
    expect(file.lost).toBe(12);
  });
});
