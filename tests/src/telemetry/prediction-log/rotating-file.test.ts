import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  RotatingFile,
  type RotatingFileOptions,
} from '../../../../src/telemetry/prediction-log/rotating-file.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

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

  it('drops lines rather than keeping them all in memory', async () => {
    const told: string[] = [];
    const onError = (_duty: string, { message }: Error) => told.push(message);
    const file = open('flood', { maxBytes: 1e9, onError });
    const line = 'x'.repeat(1_000_000);
    for (let i = 0; i < 20; i += 1) file.append(line);
    await file.close();
    expect(told).toEqual([expect.stringMatching(/lines are dropped/)]);
    expect(statSync(join(folder.path, 'flood', 'log.jsonl')).size).toBe(8 * (line.length + 1));
  });
});
