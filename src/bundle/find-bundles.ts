import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../errors.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { compareVersions } from './version-order.ts';

/** A folder with a manifest, not yet read. */
export interface FoundBundle {
  readonly dir: string;
  /** What it is served as: the name of its folder. A bundle that was named itself has its manifest's. */
  readonly name?: string;
  /** The name of the folder of its version; its manifest's version where there is no such folder. */
  readonly version?: string;
}

export interface FoundBundles {
  /** By name, and the versions of a name from the lowest to the highest; at least one. */
  readonly bundles: readonly FoundBundle[];
  /** Folders beside them that hold none. */
  readonly others: readonly string[];
}

/**
 * The bundles that a path names: itself, or those below it as `<name>/` and `<name>/<version>/`. Where
 * there are none it is the path alone, whose reading says what is wrong. Names that begin with a dot
 * are passed over: they are being written. AppError `bundle_invalid` for a bundle among whose files are bundles.
 */
export async function findBundles(dir: string): Promise<FoundBundles> {
  if (await isBundle(dir)) return { bundles: [{ dir }], others: [] };
  const bundles: FoundBundle[] = [];
  const others: string[] = [];
  for (const name of (await foldersIn(dir)).sort()) {
    const found = await bundlesOf(dir, name);
    bundles.push(...found);
    if (found.length === 0) others.push(join(dir, name));
  }
  return bundles.length > 0 ? { bundles, others } : { bundles: [{ dir }], others: [] };
}

/**
 * The bundles of one name below a folder, the highest version last; none for what is no name of a
 * folder there. AppError as `findBundles`.
 */
export async function bundlesOf(dir: string, name: string): Promise<FoundBundle[]> {
  if (name === '' || name.startsWith('.') || basename(name) !== name) return [];
  const folder = join(dir, name);
  const versions: string[] = [];
  for (const version of await foldersIn(folder)) {
    if (await isBundle(join(folder, version))) versions.push(version);
  }
  if (!(await isBundle(folder))) {
    return versions
      .sort(compareVersions)
      .map((version) => ({ dir: join(folder, version), name, version }));
  }
  if (versions.length === 0) return [{ dir: folder, name }];
  throw new AppError(
    'bundle_invalid',
    `${folder} is a bundle and holds bundles (${versions.join(', ')}): expected one or the other`,
    { hint: `move its own files to a folder of their version, such as ${join(folder, '1')}` },
  );
}

async function isBundle(dir: string): Promise<boolean> {
  return (await stat(join(dir, MANIFEST_FILE)).catch(() => undefined))?.isFile() ?? false;
}

/** As `listFolders`; none where the folder cannot be read. */
export async function foldersIn(dir: string): Promise<string[]> {
  return listFolders(dir).catch(() => []);
}

/** The names of the folders in a folder; links to folders are folders. Rejects where it cannot be read. */
export async function listFolders(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => !name.startsWith('.'));
  const found = await Promise.all(
    names.map((name) => stat(join(dir, name)).catch(() => undefined)),
  );
  return names.filter((_, i) => found[i]?.isDirectory());
}
