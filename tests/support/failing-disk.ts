import { type Disk, type DiskFile, realDisk } from '../../src/files/disk.ts';

/** What happens at an operation: it alone fails, or it and all later ones do, as on a machine that has stopped. */
export type Failure = 'fails' | 'crashes';

export interface FailingDisk extends Disk {
  /** Names of the operations so far, in order, with the ends of their paths. */
  readonly operations: string[];
}

/** The real disk, whose operation number `at`, from 0, does not succeed; without a number all do. */
export function failingDisk(
  at = Number.POSITIVE_INFINITY,
  failure: Failure = 'fails',
): FailingDisk {
  const operations: string[] = [];
  const step = (name: string, ...paths: readonly string[]): void => {
    const number = operations.length;
    operations.push([name, ...paths.map((path) => path.replace(/^.*\//, ''))].join(' '));
    const isBroken = failure === 'fails' ? number === at : number >= at;
    if (isBroken) throw Object.assign(new Error(`EIO: ${operations.at(-1)}`), { code: 'EIO' });
  };
  const file = (path: string, { writev, sync, close }: DiskFile): DiskFile => ({
    writev: async (pieces) => {
      step('write', path);
      return writev(pieces);
    },
    sync: async () => {
      step('sync', path);
      await sync();
    },
    close: async () => {
      // A stopped machine has no open files either.
      await close();
      step('close', path);
    },
  });
  return {
    operations,
    makeFolder: async (path) => {
      step('makeFolder', path);
      return realDisk.makeFolder(path);
    },
    open: async (path, flags) => {
      step(`open-${flags}`, path);
      const opened = await realDisk.open(path, flags);
      return file(path, {
        writev: (pieces) => opened.writev(pieces),
        sync: () => opened.sync(),
        close: () => opened.close(),
      });
    },
    entries: async (folder) => {
      step('entries', folder);
      return realDisk.entries(folder);
    },
    rename: async (from, to) => {
      step('rename', from, to);
      await realDisk.rename(from, to);
    },
    remove: async (path) => {
      step('remove', path);
      await realDisk.remove(path);
    },
    find: async (path) => {
      step('find', path);
      return realDisk.find(path);
    },
  };
}
