import { basename, join } from 'node:path';
import { bundlesOf, type FoundBundle, foldersIn, listFolders } from '../bundle/index.ts';
import { fingerprint } from './watch-bundle.ts';

/** Where the models of a server lie, as it is on disk when it is asked. */
export interface ModelSource {
  /** The bundle, or the folder of bundles. */
  readonly dir: string;
  /** Names that may be models; none where nothing but what is served can be one. */
  names(): Promise<string[]>;
  /** The bundles of a name, the highest version last. AppError as `findBundles`. */
  bundlesOf(name: string): Promise<FoundBundle[]>;
  /** The folders of whose files each is one model. Rejects where that cannot be told. */
  folders(): Promise<string[]>;
  /** The name of the model in one of the folders; undefined: that of the model that is served from it. */
  nameOf(folder: string): string | undefined;
  /** Changes when any file of the folder does. */
  fingerprint(folder: string): Promise<string>;
}

/** One bundle: what it is called its manifest says, and may say otherwise after a reload. */
export const oneBundle = (dir: string): ModelSource => ({
  dir,
  names: async () => [],
  bundlesOf: async () => [{ dir }],
  folders: async () => [dir],
  nameOf: () => undefined,
  fingerprint,
});

/** A folder of `<name>/` and `<name>/<version>/`. */
export const folderOfModels = (dir: string): ModelSource => ({
  dir,
  names: () => foldersIn(dir),
  bundlesOf: (name) => bundlesOf(dir, name),
  folders: async () => (await listFolders(dir)).map((name) => join(dir, name)),
  nameOf: (folder) => basename(folder),
  fingerprint,
});
