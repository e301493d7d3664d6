import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { lockRun, lockRunPatiently } from '../../../../training/recipes/run/lock.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { until } from '../../../support/until.ts';

const folder = temporaryFolder();
const file = join(folder.path, '.lock');
const { signal: stop } = new AbortController();
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

  it('of another machine is watched where there is patience, and taken over without a sign of life', async () => {
    writeFileSync(file, `${gone} elsewhere\n`);
    const said: string[] = [];
    const release = await lockRunPatiently(
      folder.path,
      { say: (what) => said.push(what), stop },
      {
        watch: 30,
        poll: 5,
      },
    );
    expect(said.join()).toMatch(/locked by process \d+ on elsewhere: waiting/);
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    release();
  });

  it('of another machine that gives a sign of life is refused', async () => {
    writeFileSync(file, `${gone} elsewhere\n`);
    const sign = () => utimesSync(file, new Date(), new Date(0));
    const outcome = lockRunPatiently(folder.path, { say: sign, stop }, { watch: 10_000, poll: 5 });
    setTimeout(() => utimesSync(file, new Date(), new Date(9000)), 15);
    await expect(outcome).rejects.toThrow(/in use by process \d+ on elsewhere/);
  });

  it('is not waited for by a process that is to stop', async () => {
    writeFileSync(file, `${gone} elsewhere\n`);
    const stopped = AbortSignal.abort(new Error('stopped'));
    const patience = { say: () => {}, stop: stopped };
    await expect(lockRunPatiently(folder.path, patience)).rejects.toThrow('stopped');
  });

  it('shows signs of life while its process has it, and none of it after that or of another', async () => {
    const old = new Date(1000);
    const isOld = () => statSync(file).mtimeMs === old.getTime();
    rmSync(file, { force: true });
    const release = lockRun(folder.path, 5);
    utimesSync(file, old, old);
    await until(() => !isOld());
    const mine = readFileSync(file);
    writeFileSync(file, `${gone} elsewhere\n`);
    utimesSync(file, old, old);
    await sleep(30);
    expect(isOld()).toBe(true);
    writeFileSync(file, mine);
    release();
    writeFileSync(file, mine);
    utimesSync(file, old, old);
    await sleep(30);
    expect(isOld()).toBe(true);
    rmSync(file);
  });

  it('that somebody else has taken over is left to them', () => {
    writeFileSync(file, '');
    const release = lockRun(folder.path);
    writeFileSync(file, `${living} ${hostname()}\n`);
    release();
    expect(existsSync(file)).toBe(true);
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
      writeFileSync(file, `${pid.trim()} ${hostname()}\n`);
      lockRun(folder.path)();
      expect(existsSync(file)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
