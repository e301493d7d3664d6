import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the kernel shows control groups; tests have their own. */
export interface CgroupFiles {
  /** `/proc/self/cgroup` */
  readonly membership: string;
  /** `/sys/fs/cgroup` */
  readonly root: string;
}

const linux: CgroupFiles = { membership: '/proc/self/cgroup', root: '/sys/fs/cgroup' };

/** Whole cores for this process: those it may run on, or fewer by its container's CPU quota. */
export function availableCores(files: CgroupFiles = linux): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota(files))));
}

/** Cores by the tightest quota of this process's control group and those around it; Infinity where there is none. */
export function cpuQuota({ membership, root }: CgroupFiles): number {
  const quotas = (read(membership) ?? '').split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = line.split(':', 3);
    if (controllers === '') return upwards(path).map((group) => quotaV2(join(root, group)));
    if (!controllers.split(',').includes('cpu')) return [];
    // Mounted by the list's name, with a link named `cpu`.
    return upwards(path).map((group) => quotaV1(join(root, 'cpu', group)));
  });
  return Math.min(...quotas, Number.POSITIVE_INFINITY);
}

/** `/a/b` → `/a/b`, `/a`, `/`: inside a container the path may be the host's, and only `/` be there. */
function upwards(path: string): string[] {
  const above = dirname(path);
  return above === path || path === '' ? ['/'] : [path, ...upwards(above)];
}

/** `cpu.max` holds `$quota $period` in microseconds, or `max $period`. */
function quotaV2(folder: string): number {
  const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').trim().split(' ').map(Number);
  return share(quota, period);
}

/** A quota of -1 is none. */
function quotaV1(folder: string): number {
  const [quota, period] = ['quota', 'period'].map((what) =>
    Number(read(join(folder, `cpu.cfs_${what}_us`))),
  );
  return share(quota, period);
}

function share(quota = 0, period = 0): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
