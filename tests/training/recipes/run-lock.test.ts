import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { lockRun } from '../../../training/recipes/run-lock.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
const file = join(folder.path, '.lock');
/** The process that started this one runs; none has this number. */
const [living, gone] = [process.ppid, 2 ** 22 + 1];

describe('a run folder', () => {
  it('is free again when its process releases it', () => {
    const release = lockRun(folder.path);
    expect(existsSync(file)).toBe(true);
    release();
    expect(existsSync(file)).toBe(false);
  });

  it('is refused while another process has it, and names that process', () => {
    writeFileSync(file, `${living} ${hostname()}\n`);
    expect(() => lockRun(folder.path)).toThrow(new RegExp(`in use by process ${living}`));
  });

  it('of another machine is refused too: nobody can say whether its process runs', () => {
    writeFileSync(file, `${gone} elsewhere\n`);
    expect(() => lockRun(folder.path)).toThrow(/on elsewhere/);
  });

  it.each([`${gone} ${hostname()}\n`, ''])(
    'is taken over from a process that is gone (%j)',
    (text) => {
      writeFileSync(file, text);
      lockRun(folder.path)();
      expect(existsSync(file)).toBe(false);
    },
  );

  it('is taken over from a process that ended though nobody waited for it (Linux)', async () => {
    if (process.platform !== 'linux') return;
    // The shell becomes a program that does not wait for the child it has.
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 30']);
    try {
      const [pid] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(existsSync(`/proc/${pid.trim()}`)).toBe(true);
      writeFileSync(file, `${pid.trim()} ${hostname()}\n`);
      lockRun(folder.path)();
      expect(existsSync(file)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
