import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  replaceFolder,
  writeFileAtomically,
  writeFilesAtomically,
  writeFolderAtomically,
} from '../../../src/files/atomic.ts';
import type { Disk } from '../../../src/files/disk.ts';
import { failingDisk } from '../../support/failing-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const temporary = temporaryFolder();
const newFolder = () => mkdtempSync(join(temporary.path, 'atomic-'));

/** Every file below a folder, with what it holds. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}
const visible = (folder: string) =>
  Object.fromEntries(Object.entries(contents(folder)).filter(([path]) => !path.startsWith('.')));
const hidden = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('.'));

type Write = (folder: string, disk: Disk) => Promise<unknown>;
interface Case {
  readonly old: Readonly<Record<string, string>>;
  readonly now: Readonly<Record<string, string>>;
  readonly write: Write;
}

const none = () => {};
const lines = async function* () {
  yield 'new ';
  yield 'text';
};
const bytes = (text: string) => [Buffer.from(text.slice(0, 2)), Buffer.from(text.slice(2))];

const writeModelFiles: Case['write'] = (folder, disk) =>
  writeFilesAtomically(
    [
      { path: join(folder, 'm.onnx.data'), content: bytes('new weights') },
      { path: join(folder, 'm.onnx'), content: bytes('new graph') },
    ],
    disk,
  );

const cases: Readonly<Record<string, Case>> = {
  'a file that is new': {
    old: {},
    now: { 'a.txt': 'new text' },
    write: (folder, disk) => writeFileAtomically(join(folder, 'a.txt'), 'new text', disk),
  },
  'a file that is replaced': {
    old: { 'a.txt': 'old' },
    now: { 'a.txt': 'new text' },
    write: (folder, disk) => writeFileAtomically(join(folder, 'a.txt'), lines(), disk),
  },
  'two files': {
    old: { 'm.onnx': 'old graph', 'm.onnx.data': 'old weights' },
    now: { 'm.onnx': 'new graph', 'm.onnx.data': 'new weights' },
    write: writeModelFiles,
  },
  'two files, of which one was there': {
    old: { 'm.onnx': 'old graph' },
    now: { 'm.onnx': 'new graph', 'm.onnx.data': 'new weights' },
    write: writeModelFiles,
  },
  'a folder that is new': {
    old: {},
    now: { 'd/one': '1', 'd/two': '2' },
    write: (folder, disk) => writeFolderAtomically(join(folder, 'd'), { one: '1', two: '2' }, disk),
  },
  'a folder that is replaced': {
    old: { 'd/one': 'old', 'd/gone/deep': 'old' },
    now: { 'd/one': '1', 'd/in/two': '2' },
    write: (folder, disk) =>
      replaceFolder(
        join(folder, 'd'),
        none,
        async (inside) => {
          mkdirSync(join(inside, 'in'));
          for (const [name, text] of [
            ['one', '1'],
            ['in/two', '2'],
          ] as const) {
            await writeFileAtomically(join(inside, name), text, disk);
          }
        },
        disk,
      ),
  },
};

function prepared({ old }: Case): string {
  const folder = newFolder();
  for (const [path, text] of Object.entries(old)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

async function operationsOf(one: Case): Promise<string[]> {
  const disk = failingDisk();
  await one.write(prepared(one), disk);
  return disk.operations;
}

const finalRename = (operations: readonly string[]): number =>
  operations.findLastIndex((line) => /^rename .*\.tmp /.test(line));

describe.each(Object.entries(cases))('writing %s', (title, one) => {
  const { old, now, write } = one;

  it('gives what was asked for, and leaves nothing else', async () => {
    const folder = prepared(one);
    await write(folder, failingDisk());
    expect(contents(folder)).toEqual(now);
    expect(hidden(folder)).toEqual([]);
  });

  it('that fails at any operation gives the old state or the new one, and leaves nothing else', async () => {
    const operations = await operationsOf(one);
    expect(operations.length).toBeGreaterThan(5);
    for (const [at, what] of operations.entries()) {
      const folder = prepared(one);
      const failed = await write(folder, failingDisk(at)).then(
        () => false,
        () => true,
      );
      // What is only to be taken away may stay, hidden; the next one who writes takes it.
      if (!/^remove .*\.old/.test(what)) expect([what, hidden(folder)]).toEqual([what, []]);
      const isNew = !failed || at > finalRename(operations);
      expect([what, sorted(visible(folder))]).toEqual([what, sorted(isNew ? now : old)]);
      await write(folder, failingDisk());
      expect(contents(folder)).toEqual(now);
      expect(hidden(folder)).toEqual([]);
    }
  });

  it('on a machine that stops at any operation leaves every file whole, and is written the next time', async () => {
    const { length } = await operationsOf(one);
    for (let at = 0; at < length; at++) {
      const folder = prepared(one);
      await expect(write(folder, failingDisk(at, 'crashes')))
        .rejects.toThrow(/EIO/)
        .catch(none);
      const found = visible(folder);
      // Of several files the first may be new and the others old, or aside: one of a folder may be aside as a whole.
      const whole = title.startsWith('two files') || Object.keys(found).length === 0;
      const isOneState = [old, now].some(
        (s) => JSON.stringify(sorted(s)) === JSON.stringify(sorted(found)),
      );
      expect(whole || isOneState).toBe(true);
      for (const [path, text] of Object.entries(found)) {
        expect([old[path], now[path]]).toContain(text);
      }
      if (!isOneState)
        expect(Object.values(contents(folder))).toEqual(expect.arrayContaining(Object.values(old)));
      await write(folder, failingDisk());
      expect(contents(folder)).toEqual(now);
      expect(hidden(folder)).toEqual([]);
    }
  });

  it('flushes what is in a file before it has its name, and the folder after', async () => {
    const operations = await operationsOf(one);
    const final = finalRename(operations);
    const isFile = (line: string) => line.startsWith('open-wx') || line.startsWith('write');
    expect(operations.slice(final).filter(isFile)).toEqual([]);
    const written = operations
      .filter((line) => line.startsWith('open-wx'))
      .map((line) => line.split(' ')[1]);
    for (const name of written) {
      const at = operations.indexOf(`sync ${name}`);
      expect(at).toBeGreaterThan(operations.lastIndexOf(`write ${name}`));
      expect(at).toBeLessThan(final);
    }
    expect(operations.slice(final + 1).some((line) => line.startsWith('sync atomic-'))).toBe(true);
  });
});

const sorted = (files: Readonly<Record<string, string>>) => Object.entries(files).sort();

it('puts the old folder back where the new one cannot have its place', async () => {
  const one = cases['a folder that is replaced'] as Case;
  const operations = await operationsOf(one);
  const second = operations.findIndex((line) => /^rename \.d\..*\.tmp d$/.test(line));
  const folder = prepared(one);
  const disk = failingDisk(second);
  await expect(one.write(folder, disk)).rejects.toThrow(/EIO: rename/);
  expect(disk.operations.slice(second - 1, second + 2)).toEqual([
    expect.stringMatching(/^rename d \.d\..*\.old$/),
    expect.stringMatching(/^rename \.d\..*\.tmp d$/),
    expect.stringMatching(/^rename \.d\..*\.old d$/),
  ]);
  expect(contents(folder)).toEqual(one.old);
});

it.each([
  ['EINVAL', true],
  ['ENOTSUP', true],
  ['EIO', false],
])('with a folder whose flush says %s a file counts as written: %s', async (code, counts) => {
  const folder = newFolder();
  const disk = failingDisk();
  const refusing: Disk = {
    ...disk,
    open: async (path, flags) => {
      const opened = await disk.open(path, flags);
      const sync = () => Promise.reject(Object.assign(new Error(code), { code }));
      return flags === 'r'
        ? { writev: opened.writev, close: opened.close, sync }
        : { writev: opened.writev, close: opened.close, sync: opened.sync };
    },
  };
  const write = writeFileAtomically(join(folder, 'd'), 'x', refusing);
  await (counts ? write : expect(write).rejects.toMatchObject({ code: 'write_failed' }));
  expect(contents(folder)).toEqual({ d: 'x' });
});

it('writes any number of pieces, some hundreds with each call', async () => {
  const folder = newFolder();
  const disk = failingDisk();
  const numbers = Array.from({ length: 1500 }, (_, i) => `${i},`);
  await writeFileAtomically(
    join(folder, 'd'),
    numbers.map((text) => Buffer.from(text)),
    disk,
  );
  expect(contents(folder)).toEqual({ d: numbers.join('') });
  expect(disk.operations.filter((line) => line.startsWith('write'))).toHaveLength(3);
});

it('goes on behind what a call has not written', async () => {
  const folder = newFolder();
  const disk = failingDisk();
  const slow: Disk = {
    ...disk,
    open: async (path, flags) => {
      const opened = await disk.open(path, flags);
      const writev = (pieces: readonly Uint8Array[]) =>
        opened.writev([(pieces[0] as Uint8Array).subarray(0, 2)]);
      return { writev, close: opened.close, sync: opened.sync };
    },
  };
  const pieces = ['a', 'bcdef', '', 'gh'].map((text) => Buffer.from(text));
  await writeFileAtomically(join(folder, 'd'), pieces, slow);
  expect(contents(folder)).toEqual({ d: 'abcdefgh' });
});

describe('what ended processes have left', () => {
  /** A number of a process that was and is no more. */
  const dead = () => spawnSync(process.execPath, ['-e', '0']).pid;
  /** The names that this process makes have the machine's sign. */
  const nameOf = async (pid: number, end: string) => {
    const disk = failingDisk();
    await writeFileAtomically(join(newFolder(), 'd'), 'x', disk);
    const line = disk.operations.find((one) => one.startsWith('open-wx')) ?? '';
    return line.replace(/^open-wx /, '').replace(/-\d+-\d+\.tmp$/, `-${pid}-7.${end}`);
  };

  it('is removed by the next one who writes there, and put back where it was only aside', async () => {
    const folder = newFolder();
    const pid = dead();
    mkdirSync(join(folder, await nameOf(pid, 'old')));
    writeFileSync(join(folder, await nameOf(pid, 'old'), 'mine'), 'old');
    mkdirSync(join(folder, await nameOf(pid, 'tmp')));
    const refuse = (inside: readonly string[]) => {
      throw new Error(`holds ${inside}`);
    };
    await expect(replaceFolder(join(folder, 'd'), refuse, async () => {})).rejects.toThrow(
      'holds mine',
    );
    expect(contents(folder)).toEqual({ 'd/mine': 'old' });
    expect(hidden(folder)).toEqual([]);
  });

  it('is told from what others write now, and from other names', async () => {
    const folder = newFolder();
    const running = await nameOf(process.ppid, 'tmp');
    const elsewhere = (await nameOf(dead(), 'tmp')).replace(/\.[0-9a-f]{6}-/, '.zzzzzz-');
    const names = [running, elsewhere, '.d.tmp', '.d.notes.tmp', '.dd.000000-1-1.tmp', 'd.tmp'];
    for (const name of names) writeFileSync(join(folder, name), 'kept');
    await writeFileAtomically(join(folder, 'd'), 'x');
    expect(readdirSync(folder).sort()).toEqual([...names, 'd'].sort());
  });

  const writer = (folder: string, more = '') => `
    import { writeFileAtomically } from ${JSON.stringify(join(process.cwd(), 'dist/src/files/atomic.js'))};
    async function* endless() {
      for (;;) {
        yield 'x'.repeat(100000);
        process.stdout.write('.');
        await new Promise((go) => setTimeout(go, 5));
      }
    }
    ${more}
    await writeFileAtomically(${JSON.stringify(join(folder, 'd'))}, endless());`;
  const started = async (folder: string, more?: string) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer(folder, more)]);
    const isWriting = once(child.stdout, 'data').then(() => true);
    // One that ends before it has begun must not be waited for.
    const hasEnded = once(child, 'exit').then(() => false);
    expect(await Promise.race([isWriting, hasEnded])).toBe(true);
    expect(hidden(folder)).toHaveLength(1);
    return child;
  };

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'is nothing where %s ends one',
    async (signal) => {
      const folder = newFolder();
      const child = await started(folder);
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([null, signal]);
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  it('is nothing where one ends by itself in the middle', async () => {
    const folder = newFolder();
    const child = await started(folder, "process.stdin.once('data', () => process.exit(3));");
    child.stdin.write('end');
    expect(await once(child, 'exit')).toEqual([3, null]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is removed the next time where SIGKILL ended one', async () => {
    const folder = newFolder();
    const child = await started(folder);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(hidden(folder)).toHaveLength(1);
    await writeFileAtomically(join(folder, 'd'), 'x');
    expect(contents(folder)).toEqual({ d: 'x' });
  });
});

describe('a place that no file can take', () => {
  // Not /dev/null itself: a fault would put a file in its place.
  (process.platform === 'win32' ? it.skip : it).each([
    ['a pipe', (path: string) => spawnSync('sh', ['-c', 'mkfifo "$0"', path])],
    [
      'a link to a pipe',
      (path: string) => spawnSync('sh', ['-c', 'mkfifo "$0-pipe" && ln -s d-pipe "$0"', path]),
    ],
    ['a link as /dev/stdout is one', (path: string) => symlinkSync('/proc/self/fd/1', path)],
  ])('is %s, which stays what it is', async (_, make) => {
    const path = join(newFolder(), 'd');
    make(path);
    const before = lstatSync(path).ino;
    await expect(writeFileAtomically(path, 'text')).rejects.toMatchObject({
      code: 'usage',
      message: `${path} is a device or a pipe: expected the name of a file`,
    });
    expect(lstatSync(path).ino).toBe(before);
  });

  it('is a folder, which stays as it is', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'd'));
    await expect(writeFileAtomically(join(folder, 'd'), 'text')).rejects.toMatchObject({
      code: 'write_failed',
    });
    expect(readdirSync(folder)).toEqual(['d']);
  });

  it('is no link to nothing: that is replaced', async () => {
    const folder = newFolder();
    symlinkSync(join(folder, 'nowhere'), join(folder, 'd'));
    await writeFileAtomically(join(folder, 'd'), 'text');
    expect(contents(folder)).toEqual({ d: 'text' });
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  it('has a name of 255 bytes at most, and that one works', async () => {
    const folder = newFolder();
    const name = 'ü'.repeat(127);
    await writeFileAtomically(join(folder, name), 'text');
    expect(contents(folder)).toEqual({ [name]: 'text' });
    await expect(writeFileAtomically(join(folder, `${name}üü`), 'text')).rejects.toMatchObject({
      code: 'write_failed',
    });
    expect(readdirSync(folder)).toEqual([name]);
  });
});
