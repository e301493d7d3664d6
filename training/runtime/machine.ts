import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { neededLibraries } from './elf.ts';

/** What devices are looked for on. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Where the runtime's native binding lies, and the providers that are loaded from beside it. */
  readonly bindingFolder: string;
  has(path: string): boolean;
  /** Whether the loader would find a shared library (Linux). */
  hasLibrary(name: string): boolean;
  /** The shared libraries that a library asks for (Linux). */
  needs(path: string): readonly string[];
}

/** Where the loader looks without being told. */
const systemFolders = [
  '/lib',
  '/usr/lib',
  '/lib64',
  '/usr/lib64',
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
];

export function thisMachine(): Machine {
  const { platform, arch } = process;
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node');
  const bindingFolder = join(dirname(runtime), '..', 'bin', 'napi-v6', platform, arch);
  const cache = loaderCache();
  return {
    platform,
    arch,
    bindingFolder,
    has: existsSync,
    hasLibrary: (name) =>
      cache.includes(`/${name}\0`) ||
      [...searchPath(), ...systemFolders, bindingFolder].some((folder) =>
        existsSync(join(folder, name)),
      ),
    needs: neededLibraries,
  };
}

const searchPath = (): string[] =>
  (process.env.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');

/** The file that `ldconfig` writes: paths of libraries, each with a zero behind it. */
function loaderCache(): Buffer {
  try {
    return readFileSync('/etc/ld.so.cache');
  } catch {
    return Buffer.alloc(0);
  }
}
