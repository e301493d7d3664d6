import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { availableCores, cpuQuota } from '../../../src/engine/cores.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = temporaryFolder();
let made = 0;

/** A machine's control groups: this process's membership, and files under /sys/fs/cgroup. */
function groups(membership: string, files: Record<string, string>) {
  made += 1;
  for (const [name, content] of Object.entries(files))
    folder.write(`${made}/root/${name}`, content);
  return {
    membership: folder.write(`${made}/cgroup`, membership),
    root: join(folder.path, String(made), 'root'),
  };
}

describe('cpuQuota', () => {
  it.each<[string, string, Record<string, string>, number]>([
    ['v2, as a container sees it', '0::/\n', { 'cpu.max': '150000 100000\n' }, 1.5],
    ['v2 without a limit', '0::/\n', { 'cpu.max': 'max 100000\n' }, Infinity],
    ['v2 in a group of a service', '0::/a/b\n', { 'a/b/cpu.max': '300000 100000\n' }, 3],
    [
      'v2, limited further out',
      '0::/a/b\n',
      { 'a/b/cpu.max': '300000 100000\n', 'a/cpu.max': '200000 100000\n' },
      2,
    ],
    ["v2 with the host's path", '0::/kubepods/pod7\n', { 'cpu.max': '50000 100000\n' }, 0.5],
    [
      'v1',
      '12:pids:/docker/7\n3:cpu,cpuacct:/docker/7\n',
      { 'cpu/docker/7/cpu.cfs_quota_us': '400000\n', 'cpu/docker/7/cpu.cfs_period_us': '100000\n' },
      4,
    ],
    [
      'v1 without a limit',
      '3:cpu,cpuacct:/\n',
      { 'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n' },
      Infinity,
    ],
    ['files that say nothing', '0::/\n', { 'cpu.max': '\n' }, Infinity],
    ['no files', '0::/\n', {}, Infinity],
  ])('%s', (_name, membership, files, cores) => {
    expect(cpuQuota(groups(membership, files))).toBe(cores);
  });

  it('is none on systems without control groups', () => {
    expect(cpuQuota({ membership: '/no/such/file', root: '/none' })).toBe(Infinity);
  });
});

describe('availableCores', () => {
  it('is whole cores, one at least, and no more than there are', () => {
    const cores = (quota: string) => availableCores(groups('0::/\n', { 'cpu.max': quota }));
    expect(cores('50000 100000')).toBe(1);
    expect(cores('190000 100000')).toBe(1);
    expect(cores('99900000 100000')).toBe(availableParallelism());
  });
});
